"""What the models are, read from their files without importing them (they import torch)."""

import ast
import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dvtr_bench.catalog import MODELS
from dvtr_bench.models.retriever import Scoring


@dataclass(frozen=True)
class ListedModel:
    """One model, as its file states it.

    Attributes:
        name: Its key.
        summary: First line of its docstring.
        scoring: ``SCORING``, what a score depends on as published.
        trainable: ``TRAINABLE``, whether `dvtr-bench train` takes it.
    """

    name: str
    summary: str
    scoring: Scoring
    trainable: bool


def list_models() -> list[ListedModel]:
    """Return every model in `dvtr_bench.catalog.MODELS`, in its order.

    Example:
        >>> [model.name for model in list_models()][0]
        'clip4clip_meanp'
    """
    listed = []
    for package in MODELS.packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for module in pkgutil.iter_modules([folder]):
                listed.append(_read(module.name, Path(folder) / f"{module.name}.py"))
    return listed


def _read(name: str, path: Path) -> ListedModel:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    summary = (ast.get_docstring(tree) or "").split("\n", 1)[0]
    scoring = cast("Scoring", constants["SCORING"])
    return ListedModel(name, summary, scoring, bool(constants["TRAINABLE"]))
