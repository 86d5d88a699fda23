"""List models, and sources of models, by reading their files without importing them.

They import torch.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from dvtr_bench.catalog import ADAPTERS, MODELS, Catalog, find_source
from dvtr_bench.errors import ExtensionError
from dvtr_bench.models.retriever import Scoring
from dvtr_bench.runtime.packages import Entry, missing_modules


@dataclass(frozen=True)
class ListedModel:
    """One model, as its file states it.

    Attributes:
        name: Its key.
        summary: First line of its docstring.
        scoring: ``SCORING``, what a score depends on as published; None if there is a problem.
        trainable: ``TRAINABLE``, whether `dvtr-bench train` takes it; False if not stated.
        problem: What its file lacks and what to write; empty if nothing is missing.
    """

    name: str
    summary: str
    scoring: Scoring | None
    trainable: bool
    problem: str = ""


@dataclass(frozen=True)
class ListedSource:
    """One source of models that others made, as its adapter's file states it.

    Attributes:
        name: What stands before the colon, such as ``hf``.
        summary: First line of its docstring.
        scoring: ``SCORING``, what a score depends on; None if there is a problem.
        examples: ``EXAMPLES``, names that it takes, such as ``hf:ORG/NAME``.
        needs: ``NEEDS``, the modules that it imports beside those of a plain install.
        extra: ``EXTRA``, the extra of dvtr-bench that installs them; empty for none.
        missing: Those of ``needs`` that are not installed.
        problem: What its file lacks and what to write; empty if nothing is missing.
    """

    name: str
    summary: str
    scoring: Scoring | None
    examples: tuple[str, ...]
    needs: tuple[str, ...] = ()
    extra: str = ""
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def advice(self) -> str:
        """How to install what is missing; empty if nothing is."""
        if not self.missing:
            return ""
        what = f"'dvtr-bench[{self.extra}]'" if self.extra else " ".join(self.missing)
        return f"pip install {what}"


def list_models() -> list[ListedModel]:
    """Return every model in `dvtr_bench.catalog.MODELS`, in its order.

    Example:
        >>> [model.name for model in list_models()][0]
        'clip4clip_meanp'
    """
    return [_model(MODELS.entry(name)) for name in MODELS.names()]


def list_sources() -> list[ListedSource]:
    """Return every source of models in `dvtr_bench.catalog.ADAPTERS`, in its order.

    Example:
        >>> {source.name: source.extra for source in list_sources()}["hf"]
        'hf'
    """
    return [_source(ADAPTERS.entry(name)) for name in ADAPTERS.names()]


def settings_of_source(model: str) -> frozenset[str] | None:
    """Return the names of what can be set of a model from elsewhere; nothing is imported.

    A result holds them together with what else the model's scores depend on.

    Args:
        model: Its name, such as ``hf:ORG/NAME``.

    Returns:
        The names of the fields of its source's ``Config``; None where it is of no source that is
        known here.

    Example:
        >>> sorted(settings_of_source("open_clip:ViT-B-32/openai"))
        ['dtype', 'max_frames', 'max_words']
    """
    source, colon, _ = model.partition(":")
    if not colon or source not in ADAPTERS.names():
        return None
    try:
        return frozenset(_fields_of(ADAPTERS.entry(source).module, "Config"))
    except (ExtensionError, OSError, SyntaxError, ValueError):
        return None


def _fields_of(module: str, kind: str) -> Iterator[str]:
    """Yield the fields of a dataclass and of its bases, in other files too."""
    tree = ast.parse(find_source(module).read_text(encoding="utf-8"))
    brought = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == kind:
            for base in node.bases:
                if isinstance(base, ast.Name):
                    yield from _fields_of(*brought.get(base.id, (module, base.id)))
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id


@dataclass(frozen=True)
class _Stated:
    """What a file states, and the first of some constants that does not fit."""

    summary: str
    constants: dict[str, Any]
    problem: str


def _model(entry: Entry) -> ListedModel:
    stated = _read(entry, MODELS, ("SCORING",))
    trainable = bool(stated.constants.get("TRAINABLE", False))
    scoring = None if stated.problem else cast("Scoring", stated.constants["SCORING"])
    return ListedModel(entry.name, stated.summary, scoring, trainable, stated.problem)


def _source(entry: Entry) -> ListedSource:
    stated = _read(entry, ADAPTERS, ("SCORING", "EXAMPLES"))
    if stated.problem:
        return ListedSource(entry.name, stated.summary, None, (), problem=stated.problem)
    needs = tuple(map(str, stated.constants.get("NEEDS", ())))
    return ListedSource(
        entry.name,
        stated.summary,
        cast("Scoring", stated.constants["SCORING"]),
        stated.constants["EXAMPLES"],
        needs,
        str(stated.constants.get("EXTRA", "")),
        missing_modules(needs),
    )


def _read(entry: Entry, catalog: Catalog, names: tuple[str, ...]) -> _Stated:
    """Read a file, and hold some of its constants against what the catalog needs."""
    try:
        tree = ast.parse(find_source(entry.module).read_text(encoding="utf-8"))
    except (ExtensionError, OSError, SyntaxError, ValueError) as failure:
        return _Stated("", {}, f"{entry.place} cannot be read ({failure})")
    constants = dict(_constants(tree))
    summary = (ast.get_docstring(tree) or "").split("\n", 1)[0]
    for need in (need for need in catalog.needs if need.name in names):
        if not need.fits(value := constants.get(need.name)):
            fault = f"lacks {need.name}" if value is None else f"says {need.name} = {value!r}"
            return _Stated(summary, constants, f"{entry.place} {fault}: {need.write}")
    return _Stated(summary, constants, "")


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the constants, and tuples of constants, that a file states, annotated or not."""
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        value: Any
        if isinstance(node.value, ast.Constant):
            value = node.value.value
        elif isinstance(node.value, ast.Tuple):
            value = tuple(one.value for one in node.value.elts if isinstance(one, ast.Constant))
        else:
            continue
        yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
