"""List the models by reading their files without importing them (they import torch)."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from dvtr_bench.catalog import MODELS, find_source
from dvtr_bench.errors import ExtensionError
from dvtr_bench.models.retriever import Scoring
from dvtr_bench.plug_ins import Entry


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


def list_models() -> list[ListedModel]:
    """Return every model in `dvtr_bench.catalog.MODELS`, in its order.

    Example:
        >>> [model.name for model in list_models()][0]
        'clip4clip_meanp'
    """
    return [_read(MODELS.entry(name)) for name in MODELS.names()]


def _read(entry: Entry) -> ListedModel:
    try:
        tree = ast.parse(find_source(entry.module).read_text(encoding="utf-8"))
    except (ExtensionError, OSError, SyntaxError, ValueError) as failure:
        return ListedModel(entry.name, "", None, False, f"{entry.place} cannot be read ({failure})")
    constants = dict(_constants(tree))
    summary = (ast.get_docstring(tree) or "").split("\n", 1)[0]
    scoring, trainable = constants.get("SCORING"), bool(constants.get("TRAINABLE", False))
    need = next(need for need in MODELS.needs if need.name == "SCORING")
    if not need.fits(scoring):
        fault = "lacks SCORING" if scoring is None else f"says SCORING = {scoring!r}"
        problem = f"{entry.place} {fault}: {need.write}"
        return ListedModel(entry.name, summary, None, trainable, problem)
    return ListedModel(entry.name, summary, cast("Scoring", scoring), trainable)


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the constants that a file states, annotated or not."""
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if isinstance(node.value, ast.Constant):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.value
