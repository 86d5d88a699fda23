"""Checks a result against schema.json: the part of JSON Schema 2020-12 that the schema uses.

The schema is a plain JSON Schema that any validator reads. This one is here because it needs no
further package and names the place, what was expected and what was found.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from dvtr_bench.errors import ResultError

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}

_NOTES: Final = frozenset({"$schema", "$id", "$defs", "title", "description"})


@cache
def load_schema() -> Mapping[str, Any]:
    """Return the schema of result files.

    Returns:
        A JSON Schema (2020-12), as ``results/schema.json`` has it.
    """
    text = resources.files("dvtr_bench.results").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def require_valid(value: object, file: str) -> None:
    """Check JSON values against the schema of result files.

    Args:
        value: What was read.
        file: Where from, for messages.

    Raises:
        ResultError: The first value that does not fit, with its place, what was expected and what
            was found.
    """
    try:
        _check(value, load_schema(), "")
    except _MisfitError as misfit:
        raise ResultError(
            f"{file}: {misfit.args[0]}. The form is dvtr_bench/results/schema.json; evaluate again "
            "rather than editing a result"
        ) from None


class _MisfitError(Exception):
    pass


def _misfit(place: str, expected: str, found: object) -> _MisfitError:
    text = repr(found)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return _MisfitError(f"{place or 'the file'}: expected {expected}, found {shown}")


def _check(value: Any, schema: Mapping[str, Any], place: str) -> None:
    for keyword, wanted in schema.items():
        if keyword not in _NOTES and keyword not in ("properties", "additionalProperties"):
            _KEYWORDS[keyword](value, wanted, place)
    if isinstance(value, dict):
        _check_members(value, schema, place)


def _check_members(value: dict[str, Any], schema: Mapping[str, Any], place: str) -> None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        inner = f"{place}.{name}" if place else name
        if name in known:
            _check(member, known[name], inner)
        elif others is False:
            raise _misfit(place, f"one of {', '.join(known)}", name)
        elif others is not True:
            _check(member, others, inner)


def _is(value: object, names: str | list[str]) -> bool:
    wanted = [names] if isinstance(names, str) else names
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, _TYPES[name]) for name in wanted)


def _type(value: Any, wanted: str | list[str], place: str) -> None:
    if not _is(value, wanted):
        raise _misfit(place, wanted if isinstance(wanted, str) else " or ".join(wanted), value)


def _const(value: Any, wanted: Any, place: str) -> None:
    if value != wanted or type(value) is not type(wanted):
        raise _misfit(place, repr(wanted), value)


def _enum(value: Any, wanted: list[Any], place: str) -> None:
    if value not in wanted:
        raise _misfit(place, f"one of {', '.join(map(str, wanted))}", value)


def _minimum(value: Any, wanted: float, place: str) -> None:
    if _is(value, "number") and value < wanted:
        raise _misfit(place, f"at least {wanted}", value)


def _maximum(value: Any, wanted: float, place: str) -> None:
    if _is(value, "number") and value > wanted:
        raise _misfit(place, f"at most {wanted}", value)


def _min_length(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, str) and len(value) < wanted:
        raise _misfit(place, "a text that is not empty", value)


def _pattern(value: Any, wanted: str, place: str) -> None:
    if isinstance(value, str) and not re.search(wanted, value):
        raise _misfit(place, f"a text like {wanted}", value)


def _min_items(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, list) and len(value) < wanted:
        raise _misfit(place, f"at least {wanted} items", value)


def _required(value: Any, wanted: list[str], place: str) -> None:
    if isinstance(value, dict):
        for name in wanted:
            if name not in value:
                raise _misfit(place, f"the field {name}", sorted(value))


def _items(value: Any, wanted: Mapping[str, Any], place: str) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, wanted, f"{place}[{number}]")


def _reference(value: Any, wanted: str, place: str) -> None:
    _check(value, load_schema()["$defs"][wanted.removeprefix("#/$defs/")], place)


def _any_of(value: Any, wanted: list[Mapping[str, Any]], place: str) -> None:
    for schema in wanted[:-1]:
        try:
            return _check(value, schema, place)
        except _MisfitError:
            continue
    return _check(value, wanted[-1], place)


_KEYWORDS: Final[Mapping[str, Callable[[Any, Any, str], None]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "pattern": _pattern,
    "minItems": _min_items,
    "required": _required,
    "items": _items,
    "$ref": _reference,
    "anyOf": _any_of,
}
