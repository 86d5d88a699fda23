"""The commands that repeat a run, and how to cite it, from the record alone."""

import shlex
from collections.abc import Mapping
from typing import Any, Final

from dvtr_bench.models.entry import stated_config
from dvtr_bench.models.listing import settings_of_source
from dvtr_bench.reports.others_text import safe_tex
from dvtr_bench.results import RunRecord
from dvtr_bench.results.record import RERANK, PostProcessingFacts
from dvtr_bench.runtime.terminal import printable
from dvtr_bench.settings import value_text

_OWN_OPTIONS: Final = ("seed",)
"""Recipe settings with their own command-line option."""

_BLOCK_ONE: Final = 1


def repeat_commands(record: RunRecord) -> list[str]:
    """Return the commands that train and evaluate a run again, with every setting.

    Args:
        record: A run.

    Returns:
        Lines for a POSIX shell; texts of others are quoted.
    """
    if record.kind != "model":
        return [_brought(record)]
    model, training = record.model, record.model.training
    config = _settings(model.name, stated_config(model.name, model.config))
    settings = {name: value for name, value in config.items() if name != "backbone"}
    if record.scoring.text_block == _BLOCK_ONE:
        # Block 1 is scored besides the model's own block; it is no setting of its training.
        settings.pop("text_block", None)
    options = ["--backbone", str(model.config["backbone"])] if "backbone" in model.config else []
    for name, value in settings.items():
        options += ["--set", f"{name}={_value_text(value)}"]
    name = _at_revision(model.name, model.config)
    evaluate = ["evaluate", "--model", name, "--dataset", record.dataset.name]
    evaluate += ["--split", record.dataset.split]
    step = record.scoring.post_processed
    if step is not None and step.name == RERANK:
        evaluate += _reranker(step)
    elif step is not None:
        values = ",".join(f"{name}={_value_text(value)}" for name, value in step.config.items())
        evaluate += ["--post-process", f"{step.name}:{values}" if values else step.name]
    if training is None:
        return [_line([*evaluate, *options])]
    train = ["train", "--model", model.name, "--dataset", training.dataset, *options]
    for name, value in training.recipe.items():
        if name not in _OWN_OPTIONS:
            train += ["--recipe", f"{name}={_value_text(value)}"]
    train += ["--seed", str(training.recipe.get("seed", 0))]
    if training.dataset != record.dataset.name:
        evaluate += ["--checkpoint", "FOLDER"]
    return [_line(train), _line(evaluate)]


def _reranker(step: PostProcessingFacts) -> list[str]:
    """Return the options that name a reranker; one that was trained brings its settings along."""
    name, stated = str(step.facts.get("name")), step.facts.get("config")
    config = stated if isinstance(stated, Mapping) else {}
    options = ["--reranker", _at_revision(name, config)]
    options += ["--rerank-top", str(step.config.get("top"))]
    if not step.facts.get("training"):
        for setting, value in _settings(name, config).items():
            options += ["--reranker-set", f"{setting}={_value_text(value)}"]
    return options


def _settings(model: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be set; of models from elsewhere a result states more than that."""
    known = settings_of_source(model)
    return {name: value for name, value in config.items() if known is None or name in known}


def _at_revision(model: str, config: Mapping[str, Any]) -> str:
    """Return the name of a model from elsewhere with the commit that was used."""
    revision = config.get("revision")
    if not isinstance(revision, str) or settings_of_source(model) is None:
        return model
    return f"{model.partition('@')[0]}@{revision}"


def about_repeating(record: RunRecord) -> list[str]:
    """Return notes on what the commands of a run cannot state, one sentence each."""
    notes = []
    if record.kind != "model":
        notes.append("The scores come from outside: the program is with whoever made them.")
    backbone = record.model.backbone or ""
    if "/" in backbone:
        notes.append(
            f"The backbone's weights {backbone} are a file of whoever ran it; its hash is "
            f"{record.model.backbone_sha256}."
        )
    training = record.model.training
    if training is not None and training.dataset != record.dataset.name:
        notes.append("FOLDER is the folder of the checkpoint that the first command names.")
    if record.scoring.text_block == _BLOCK_ONE and training is not None:
        notes.append("Evaluating writes a result at the model's own text block too.")
    step = record.scoring.post_processed
    if step is not None and step.name == RERANK and step.facts.get("training"):
        notes.append(
            "The reranker was trained: the command takes its newest checkpoint, or name a folder "
            f"in its place. The hash of its weights was {step.facts.get('checkpoint_sha256')}."
        )
    environment = record.environment
    if environment.git_commit is not None:
        changes = ", with changes that were not committed" if environment.git_dirty else ""
        notes.append(f"It was run at commit {environment.git_commit}{changes}.")
    return notes


def bibtex(record: RunRecord, run_id: str) -> str:
    """Return a BibTeX entry that identifies a run.

    Args:
        record: The run.
        run_id: Its name on the site.

    Returns:
        The entry; texts of others are escaped.

    Source: the entry type ``misc``, as BibTeX has none for runs.
    """
    dataset, date = record.dataset, record.environment.date_utc
    figure = record.metrics["t2v"]["strict"]["R@1"]
    version = record.environment.libraries.get("dvtr-bench", "")
    note = (
        f"T2V R@1 {figure.value:.1f} ({figure.low:.1f}--{figure.high:.1f}), recall protocol "
        f"{record.protocol_version}, dataset fingerprint {dataset.fingerprint[:16]}"
    )
    if record.model.checkpoint_sha256 is not None:
        note += f", checkpoint SHA-256 {record.model.checkpoint_sha256[:16]}"
    title = f"{record.label} on {dataset.name} {dataset.version}, {dataset.split}"
    fields = {
        "title": f"{{{safe_tex(title)}}}",
        "year": date[:4],
        "month": str(int(date[5:7])),
        "howpublished": f"Evaluated with dvtr-bench {safe_tex(version)}".rstrip(),
        "note": safe_tex(note),
    }
    width = max(map(len, fields))
    body = ",\n".join(f"  {name:<{width}} = {{{text}}}" for name, text in fields.items())
    return f"@misc{{dvtr-{run_id},\n{body}\n}}\n"


def _value_text(value: Any) -> str:
    # value_text rounds to six digits, but the setting must be exact.
    return repr(value) if isinstance(value, float) else value_text(value)


def _brought(record: RunRecord) -> str:
    words = ["evaluate", "--sim-matrix", "FILE", "--model-name", record.model.name]
    words += ["--dataset", record.dataset.name, "--split", record.dataset.split]
    if record.scoring.text_block is not None:
        words += ["--text-block", str(record.scoring.text_block)]
    if record.scoring.post_processing != "none":
        words += ["--already-processed", record.scoring.post_processing]
    for seed in record.model.seeds[:1]:
        words += ["--seed", str(seed)]
    return _line(words)


def _line(words: list[str]) -> str:
    return " ".join(["dvtr-bench", *(shlex.quote(printable(word)) for word in words)])
