"""TOML that people wrote, as plain values: bounded in size and in what its parser does with it."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import brief_value, reading, require_size, require_unicode
from dvtr_bench.reading.json_text import LARGEST_INTEGER

LARGEST_BYTES: Final = 1 << 20
"""Larger files are rejected before they are read: people write a few kilobytes."""

_MOST_DOTS: Final = 200
_PARTS: Final = re.compile(r"[=,{}\[\]\n]")


def read_toml_text(path: Path, error: type[DvtrError] = InputError) -> str:
    """Read the text of a TOML file.

    Args:
        path: The file.
        error: Type of the error to raise.

    Returns:
        Its text.

    Raises:
        FileNotFoundError: It does not exist.
        DvtrError: It is too large, no text or cannot be read; of the type ``error``.
    """
    with reading(path, "a TOML file", error, "write it again"):
        require_size(path, path.stat().st_size, LARGEST_BYTES, error=error)
        return path.read_text(encoding="utf-8")


def parse_toml(text: str, where: Path | str, error: type[DvtrError] = InputError) -> dict[str, Any]:
    """Parse TOML.

    Args:
        text: The TOML.
        where: The file, for messages.
        error: Type of the error to raise.

    Returns:
        Nested dicts, lists, scalars and dates.

    Raises:
        DvtrError: It is not TOML; the message names the line. Of the type ``error``.

    Example:
        >>> parse_toml("seeds = [1, 2]", "study.toml")
        {'seeds': [1, 2]}
    """
    with reading(where, "a TOML file", error, "mend it"):
        # tomllib takes a time that grows as the square of the parts of one key.
        if any(part.count(".") > _MOST_DOTS for part in _PARTS.split(text)):
            raise ValueError(f"more than {_MOST_DOTS} dots in one key or text")
        value = tomllib.loads(require_unicode(where, text, error=error))
        _require_64_bits(value)
        return value


def _require_64_bits(value: dict[str, Any]) -> None:
    """Raise ValueError for a whole number that is none of TOML's."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, int) and abs(item) > LARGEST_INTEGER:
            raise ValueError(f"a whole number that 64 bits do not hold: {brief_value(item)}")
