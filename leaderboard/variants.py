"""What tells the rows of one model apart: the settings in which they differ."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from dvtr_bench.results import Setup

_HASHES: Final = ("backbone weights", "trained on build")
"""Traits of which the first digits say enough."""


def tell_apart(setups: Sequence[Setup]) -> list[str]:
    """Name the settings in which the rows of one label differ.

    Args:
        setups: Of rows that would have the same label.

    Returns:
        One text for each, such as ``pooling=mean, epochs=10``; empty where nothing needs to be
        said. A setting that more than half of the rows share is told for the others alone.

    Example:
        >>> tell_apart([])
        []
    """
    traits: list[Mapping[str, str]] = [dict(setup.traits) for setup in setups]
    names = sorted({name for one in traits for name in one})
    told: list[list[str]] = [[] for _ in setups]
    for name in names:
        values = [one.get(name, "null") for one in traits]
        (usual, count), *_ = Counter(values).most_common(1)
        if count == len(values):
            continue
        for texts, value in zip(told, values, strict=True):
            if value != usual or count * 2 <= len(values):
                texts.append(_told(name, value))
    return [", ".join(texts) for texts in told]


def _told(name: str, value: str) -> str:
    found = json.loads(value)
    if isinstance(found, str):
        shown = found[:8] if name in _HASHES else found
    else:
        shown = {"null": "none"}.get(value, value)
    setting = name.removeprefix("config.").removeprefix("recipe.")
    return f"{setting} {shown}" if " " in setting else f"{setting}={shown}"
