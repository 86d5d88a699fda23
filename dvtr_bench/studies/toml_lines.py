"""Finds the line of a key in a TOML file: `tomllib` tells lines of broken syntax alone."""

import tomllib
from collections.abc import Sequence
from typing import Any, Final

_DEEPEST_ARRAY: Final = 3


def line_of(text: str, keys: Sequence[str | int]) -> int:
    r"""Return the line on which a value begins.

    The text is read again line by line: a value is there from the statement on with which a parser
    first sees it, and within an array of several lines from the line on with which the array, cut
    off behind it, holds it. So the parser alone says what a line means.

    Args:
        text: A whole TOML file that can be read.
        keys: The way to the value: keys of tables, places in arrays. Where it does not lead to a
            value, the line of the last one on the way is meant.

    Returns:
        The line, from 1.

    Example:
        >>> line_of("seeds = [\n  1,\n  2,\n]", ["seeds", 1])
        3
    """
    whole = tomllib.loads(text)
    while not _holds(whole, keys):
        keys = keys[:-1]
    lines = text.split("\n")
    begun = 0
    for end in range(1, len(lines) + 1):
        found = _read(lines[:end])
        if found is None:
            continue
        if _holds(found, keys):
            return _line_in_statement(lines, begun, end, keys)
        begun = end
    return 1


def _line_in_statement(
    lines: Sequence[str], begun: int, end: int, keys: Sequence[str | int]
) -> int:
    line = begun + 1
    for cut in range(begun + 1, end):
        for depth in range(1, _DEEPEST_ARRAY + 1):
            found = _read([*lines[:cut], "]" * depth])
            if found is not None and _holds(found, keys):
                return cut
            if found is not None:
                line = end  # an array whose last line it must be
    return line


def _read(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _holds(value: Any, keys: Sequence[str | int]) -> bool:
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return False
    return True
