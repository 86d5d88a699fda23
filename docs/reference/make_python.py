"""Makes python.md, the reference of the public functions, from their docstrings.

Run it after a docstring or a signature has changed: ``python docs/reference/make_python.py``. A
test makes the page again and compares.
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import dvtr_bench

PAGE: Final = Path(__file__).with_name("python.md")

SECTIONS: Final = {
    "Datasets": ("open_dataset", "build"),
    "Models": ("train", "load_model", "list_backbones", "search"),
    "Evaluation": (
        "evaluate",
        "evaluate_all",
        "evaluate_external",
        "evaluate_mteb",
        "evaluate_scores",
        "recall_at_k",
    ),
    "Results": (
        "load_results",
        "compare",
        "find_mistakes",
        "make_leaderboard",
        "plot",
        "check_submissions",
    ),
    "Judging": ("make_pool", "collect_judgements", "judge_by_facts"),
    "Reports": ("report", "draw_queries", "draw_dataset"),
    "Studies": ("run_study", "list_study"),
}

CLASSES: Final = (
    "dvtr_bench.dataset.reader.BuiltDataset",
    "dvtr_bench.dataset.parquet_split.DatasetSplit",
    "dvtr_bench.dataset.video.Video",
    "dvtr_bench.api.trained_run.TrainedRun",
    "dvtr_bench.evaluation.evaluation_result.EvaluationResult",
    "dvtr_bench.evaluation.bare_scores.ScoreFigures",
    "dvtr_bench.results.record.RunRecord",
    "dvtr_bench.api.results.Results",
    "leaderboard.comparison.run_comparison.RunComparison",
    "leaderboard.mistakes.Mistakes",
    "leaderboard.judging.pool.Pool",
    "leaderboard.judging.judgements.Judgements",
    "leaderboard.leaderboard.Leaderboard",
    "leaderboard.submissions.report.SubmissionReport",
    "baselines.weights.listing.ListedBackbone",
    "dvtr_bench.searching.search_result.FoundClips",
    "dvtr_bench.searching.search_result.FoundCaptions",
    "dvtr_bench.api.studies.StudyResult",
    "dvtr_bench.reports.chart.Chart",
)

COMMANDS: Final = {
    "ablate": "dvtr_bench.api.studies.run_study",
    "audit": "builders.checks.audit.page.audit_dataset",
    "backbones": "dvtr_bench.api.backbones.list_backbones",
    "build": "dvtr_bench.api.datasets.build",
    "compare": "dvtr_bench.api.results.compare",
    "convert": "baselines.conversion.authors_checkpoint.convert_authors_checkpoint",
    "datasets": "dvtr_bench.dataset.reader.find_datasets",
    "diff": "builders.checks.diff.difference.compare_datasets",
    "doctor": "dvtr_bench.runtime.doctor.check_machine",
    "evaluate": "dvtr_bench.api.evaluation.evaluate_all",
    "export": "leaderboard.exported.export_results",
    "info": "builders.info.print_info",
    "judge": "dvtr_bench.api.judging.collect_judgements",
    "leaderboard": "dvtr_bench.api.results.make_leaderboard",
    "mistakes": "dvtr_bench.api.results.find_mistakes",
    "models": "dvtr_bench.models.listing.list_models",
    "plot": "dvtr_bench.api.plotting.plot",
    "pool": "dvtr_bench.api.judging.make_pool",
    "pretrain_tiny": "dvtr_bench.api.pretraining.pretrain_tiny",
    "probe": "msam.probe_run.probe_dataset",
    "push": "builders.publishing.push.push",
    "quickstart": "dvtr_bench.api.studies.run_study",
    "report": "dvtr_bench.api.reports.report",
    "run": "dvtr_bench.api.studies.run_study",
    "runs": "dvtr_bench.training.run_choice.list_runs",
    "search": "dvtr_bench.api.searching.search",
    "sheet": "dvtr_bench.api.reports.draw_queries",
    "show": "leaderboard.shown_run.print_run",
    "submit": "dvtr_bench.api.submissions.check_submissions",
    "train": "dvtr_bench.api.training.train",
    "verify": "builders.checks.verify.verify.verify_dataset",
}
"""The function behind each command: what it does can be done from Python."""

_HEAD: Final = """\
# Python

<!-- Made by docs/reference/make_python.py from the docstrings: change those, then run it. -->

```python
import dvtr_bench as dvtr
```

This one import is all that a notebook needs. It takes a moment, because each function loads what it
needs when it is first used. The command line calls the same functions, so nothing can be done there
that cannot be done here. [The notebook](../notebooks/first_steps.ipynb) shows most of them at work.

The objects that the functions return have a `repr` of a line or two, and a notebook shows them as
tables. Figures are percent of queries (R@k) or ranks (MdR, MnR), each with its 95% interval.

Words in the signatures: `DatasetLike` is a name, a folder or an open dataset. `WeightsLike` is a
model's name, a checkpoint folder (`pathlib.Path`) or what `train` returned. `ResultLike` is a
result file, a record or what `evaluate` returned. `Settings` are given by name,
`{"pooling": "mean"}`, or as on the command line, `["pooling=mean"]`.
"""


def make_page() -> str:
    """Return the text of the page."""
    text = "\n".join(_lines()).rstrip() + "\n"
    return re.sub(r"(?<!`)``(?!`)", "`", text)


def _lines() -> Iterator[str]:
    yield _HEAD
    for title, names in SECTIONS.items():
        yield f"## {title}\n"
        for name in names:
            yield from _function(name, getattr(dvtr_bench, name))
    yield "## What they return\n"
    for place in CLASSES:
        yield from _class(_load(place))
    yield "## Exceptions\n"
    yield "All of them are names of `dvtr_bench` too, so `except dvtr.NotFoundError` works.\n"
    doc = importlib.import_module(dvtr_bench.DvtrError.__module__).__doc__ or ""
    yield from ("```text", *_tree(doc), "```\n")
    for name in dvtr_bench.__all__:
        kind = getattr(dvtr_bench, name)
        if inspect.isclass(kind):
            yield f"- `{name}`: {inspect.getdoc(kind)}"
    yield "\n`__version__` is the version of the package, such as `0.1.0`.\n"
    yield "## Behind the commands\n"
    yield "| command | function |\n|---|---|"
    for command, place in COMMANDS.items():
        module, _, name = place.rpartition(".")
        public = name in dvtr_bench.__all__
        shown = f"[`dvtr.{name}`](#{name})" if public else f"`{module}.{name}`"
        yield f"| `dvtr-bench {command.replace('_', '-')}` | {shown} |"


def _load(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _tree(doc: str) -> list[str]:
    lines = [line for line in doc.splitlines() if re.match(r" {4}(DvtrError|[|`]| )", line)]
    return [line.removeprefix("    ") for line in lines]


def _function(name: str, function: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"```python\n{_signature(function)}\n```\n"
    yield from _docstring(inspect.getdoc(function) or "")


def _signature(function: Any) -> str:
    """Return the signature as the source has it, an argument a line."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef)
    taken = node.args
    defaults = [None] * (len(taken.args) - len(taken.defaults)) + list(taken.defaults)
    known = function.__globals__
    lines = [_argument(known, *pair) for pair in zip(taken.args, defaults, strict=True)]
    if taken.vararg is not None:
        lines.append(f"*{_argument(known, taken.vararg, None)}")
    if taken.kwonlyargs:
        lines += ["*"] if taken.vararg is None else []
        pairs = zip(taken.kwonlyargs, taken.kw_defaults, strict=True)
        lines += [_argument(known, *pair) for pair in pairs]
    if taken.kwarg is not None:
        lines.append(f"**{_argument(known, taken.kwarg, None)}")
    listed = "".join(f"    {line},\n" for line in lines)
    return f"def {node.name}(\n{listed}) -> {_annotation(node.returns)}: ..."


def _argument(known: dict[str, Any], argument: ast.arg, default: ast.expr | None) -> str:
    value = "" if default is None else f" = {_value(eval(ast.unparse(default), known))}"
    return f"{argument.arg}: {_annotation(argument.annotation)}{value}"


def _value(default: object) -> str:
    """Return a default as it is typed, a path as its text."""
    return f'"{default}"' if isinstance(default, str | Path) else repr(default)


def _annotation(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    text = "" if node is None else ast.unparse(node)
    return text.replace("'", "")


def _docstring(doc: str) -> Iterator[str]:
    """Lay out a Google docstring: prose, lists of arguments, the example as it runs."""
    parts = re.split(r"\n(Args|Returns|Raises|Example|Attributes):\n", f"\n{doc}\n")
    yield parts[0].strip() + "\n"
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        text = textwrap.dedent(body).strip("\n")
        if title == "Example":
            yield f"```pycon\n{text.replace('  # doctest: +SKIP', '')}\n```\n"
        elif title == "Returns":
            yield f"**Returns** {' '.join(text.split())}\n"
        else:
            yield {"Args": "**Arguments**\n", "Raises": "**Raises**\n"}.get(title, "")
            yield from _items(text)
            yield ""


def _items(text: str) -> Iterator[str]:
    for item in re.split(r"\n(?=\S)", text):
        name, _, rest = item.partition(":")
        yield f"- `{name.strip()}`: {' '.join(rest.split())}"


def _class(kind: Any) -> Iterator[str]:
    yield f"### {kind.__name__}\n"
    yield from _docstring(inspect.getdoc(kind) or "")
    members = [
        (name, member)
        for name, member in vars(kind).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, property | classmethod))
    ]
    for name, member in members:
        doc = inspect.getdoc(member) or ""
        brackets = "" if isinstance(member, property) else "()"
        yield f"- `{name}{brackets}`: {doc.splitlines()[0] if doc else ''}"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
