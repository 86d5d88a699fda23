"""JSON and TOML that others wrote, as plain values: bounded in size and depth, and text throughout.

What Python's parsers accept can still break whoever uses it: values nested just less deep than the
parser allows, halves of characters, numbers that no column holds. They are refused here.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import brief_value, reading, require_size, require_unicode

LARGEST_JSON_BYTES: Final = 1 << 29
"""Larger files are rejected before they are read.

The result of a million captions takes a tenth.
"""

DEEPEST: Final = 100
"""Values nested deeper are rejected; what we write and read is nested less than 20 deep."""

LARGEST_INTEGER: Final = (1 << 63) - 1
"""Larger whole numbers, and smaller ones than its negative, fit no array and no column."""

_UNPRINTABLE: Final = re.compile(r"[^\x00-\x7f]")
_CONTAINERS: Final = frozenset({dict, list})
_ESCAPED_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_MAY_BE_TOO_LARGE: Final = re.compile(r"[0-9]{19}|[eE]\+?[0-9]{3}")
_BETWEEN_VALUES: Final = " \t\r\n,"


def read_json_bytes(path: Path, error: type[DvtrError] = InputError) -> bytes:
    """Read an untrusted JSON file, unless it is too large.

    Args:
        path: The file.
        error: Type of the error to raise.

    Returns:
        Its bytes.

    Raises:
        FileNotFoundError: It does not exist.
        DvtrError: It is larger than `LARGEST_JSON_BYTES`, or cannot be read; of the type `error`.
    """
    with reading(path, "a JSON file", error):
        require_size(path, path.stat().st_size, LARGEST_JSON_BYTES, error=error)
        return path.read_bytes()


def parse_json(
    text: str | bytes,
    where: str,
    error: type[DvtrError] = InputError,
    *,
    any_number: bool = False,
) -> Any:
    """Parse JSON text of any form that a program of ours wrote, strictly.

    Args:
        text: The JSON.
        where: The file and position, for messages.
        error: Type of the error to raise.
        any_number: Whether numbers that no 64 bits hold pass too.

    Returns:
        Nested dicts, lists and scalars.

    Raises:
        DvtrError: It is not JSON, is nested too deep, holds half a character, or has NaN, duplicate
            fields, or numbers that no 64 bits hold; of the type ``error``.

    Example:
        >>> parse_json('{"width_px": 4}', "size.json")
        {'width_px': 4}
        >>> parse_json('{"width_px": NaN}', "size.json")
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.InputError: size.json: NaN is not allowed in a JSON file
    """

    def refuse_constant(name: str) -> float:
        raise error(f"{where}: {name} is not allowed in a JSON file")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(pairs, "field", lambda told: error(f"{where}: {told}"))

    hooks: dict[str, Any] = {
        "parse_constant": refuse_constant,
        "object_pairs_hook": refuse_duplicates,
    }
    with reading(where, "a JSON file", error):
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        if not any_number and _MAY_BE_TOO_LARGE.search(decoded):
            hooks |= {"parse_int": _small_int, "parse_float": _finite}
        return _sound(json.loads(decoded, **hooks), decoded)


def parse_published_json(
    text: str, where: str, error: type[DvtrError] = InputError, *, unique: bool = False
) -> Any:
    """Parse JSON that another program wrote: NaN is a number, and of equal keys the last counts.

    Args:
        text: The JSON.
        where: The file and position, for messages.
        error: Type of the error to raise.
        unique: Whether an object with one key twice is refused.

    Returns:
        Nested dicts, lists and scalars.

    Raises:
        DvtrError: It is not JSON, is nested too deep, holds half a character, or a key twice where
            that is refused; of the type ``error``.
    """
    with reading(where, "JSON", error):
        return _sound(_OF_TABLES.decode(text) if unique else json.loads(text), text)


def parse_json_values(
    text: str, where: Callable[[int], str], error: type[DvtrError] = InputError
) -> Iterator[tuple[int, Any]]:
    r"""Parse JSON values that follow one another, as tables have them; NaN is a number.

    Args:
        text: The values, between them blanks, line breaks or commas.
        where: Takes a line number and returns the place, for messages.
        error: Type of the error to raise.

    Yields:
        Each value, with the number of its first line.

    Raises:
        DvtrError: What follows is not JSON, is nested too deep, holds half a character or an object
            with one key twice; of the type ``error``.

    Example:
        >>> list(parse_json_values('{"a": 1}\n[2]', "line {}".format))
        [(1, {'a': 1}), (2, [2])]
    """
    position, line, counted = 0, 1, 0
    while True:
        while position < len(text) and text[position] in _BETWEEN_VALUES:
            position += 1
        line += text.count("\n", counted, position)
        counted = position
        if position == len(text):
            return
        with reading(where(line), "JSON", error, "mend this place, or get the file again"):
            value, end = _OF_TABLES.raw_decode(text, position)
            _sound(value, text[position:end])
        position = end
        yield line, value


def _sound(value: Any, text: str) -> Any:
    """Return a parsed value; raise ValueError if it is nested too deep or holds half a character.

    Level by level, since a recursive walk fails at what it looks for.
    """
    level, depth = [value] if type(value) in _CONTAINERS else [], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"nested too deep: more than {DEEPEST} levels")
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) in _CONTAINERS
        ]
    if _ESCAPED_HALF.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as failure:
            half = ord(failure.object[failure.start])
            before = failure.object[max(0, failure.start - 30) : failure.start]
            raise ValueError(f"half a character, U+{half:04X}, after {before!r}") from None
    return value


def _unique(
    pairs: list[tuple[str, Any]],
    called: str = "key",
    refusal: Callable[[str], Exception] = ValueError,
) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise refusal(f"the {called} {name[:60]!r} occurs twice in one object")
            seen.add(name)
    return values


def _small_int(digits: str) -> int:
    number = int(digits)
    if not -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
        raise ValueError(f"a whole number that 64 bits do not hold: {digits[:40]}")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"a number that is too large: {digits[:40]}")
    return number


_OF_TABLES: Final = json.JSONDecoder(object_pairs_hook=_unique)


def readable_json(value: Any, indent: int | None = None) -> str:
    r"""Return JSON that people can read and a terminal can show.

    Letters of every language stand as they are. Control characters, bidirectional ones and half
    surrogates among them, are escaped.

    Args:
        value: What ``json.dumps`` takes, without NaN and infinity.
        indent: Spaces of an indentation; None writes one line.

    Returns:
        JSON, without a line break at its end.

    Raises:
        ValueError: A number is not finite.

    Example:
        >>> print(readable_json({"place": "Zürich" + chr(0x202E)}))
        {"place": "Zürich\u202e"}
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNPRINTABLE.sub(
        lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text
    ).replace("\x7f", "\\u007f")


LARGEST_TOML_BYTES: Final = 1 << 20
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
        require_size(path, path.stat().st_size, LARGEST_TOML_BYTES, error=error)
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
