"""Convert JSON files to frozen dataclasses and back.

The dataclasses alone define the form of a file: pydantic validates by them, and `json_schema`
describes them. Limits of a field beyond its type are part of its annotation, such as `Percent`.
Some things that pydantic accepts are errors here: duplicate fields, NaN, and missing fields for
which the class has a default.
"""

import copy
import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreConfig, CoreSchema, ErrorDetails, SchemaValidator, core_schema

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import brief_value
from dvtr_bench.reading.json_toml_text import parse_json

Record = TypeVar("Record")

Text: TypeAlias = Annotated[str, Field(min_length=1)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[int, Field(ge=1)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]

MAY_BE_ABSENT: Final[Mapping[str, bool]] = {"may be absent": True}
"""Metadata of a dataclass field that a file may lack, such as one that was added later.

Its default is None. While it is None it is not written either, so a file that does not use it stays
readable by older versions.
"""

_STRICT: Final = CoreConfig(strict=True, allow_inf_nan=False)
_LEAVES: Final = frozenset({float, int, str, bool, type(None), np.ndarray})
_MANY: Final = frozenset({"list", "tuple", "dict"})
_MOST_MISTAKES: Final = 1_000
_NAMES_UNKNOWN_BYTES: Final = 4_000_000
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ODD_NUMBER: Final = re.compile(rb"[NI]|[0-9]{19}|[eE]\+?[0-9]{3}")


def from_json(
    kind: type[Record], text: str | bytes, where: str, error: type[DvtrError] = InputError
) -> Record:
    """Read a dataclass from JSON text.

    Args:
        kind: A dataclass whose fields are strings, numbers, ``X | None``, ``tuple[X, ...]``,
            ``Mapping[str, X]``, literals, dataclasses of these, or ``Any`` for any JSON.
        text: The JSON.
        where: The file and position, for messages.
        error: Type of the error to raise.

    Returns:
        An instance of ``kind``.

    Raises:
        DvtrError: The text is not JSON, is nested too deep, or a field is missing, unknown,
            duplicate or invalid; the message names it. Of the type ``error``.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Size:
        ...     width_px: int
        >>> from_json(Size, '{"width_px": 4}', "size.json")
        Size(width_px=4)
        >>> from_json(Size, '{"width_px": "4"}', "size.json")
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.InputError: size.json: width_px: expected integer, found '4'
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    # pydantic keeps every unknown field of a file; those of a large one are only counted.
    unknown = "forbid" if len(data) <= _NAMES_UNKNOWN_BYTES else "ignore"
    try:
        record: Record = _validator(cast("type", kind), unknown).validate_json(data)
    except ValidationError as failure:
        parse_json(data, where, error, any_number=True)
        raise error(f"{where}: {_refusal(failure, kind)}") from None
    outside = _STRING.sub(b"", data)
    # Outside strings there is one colon per field, and only NaN and Infinity have these capitals.
    num_unknown = outside.count(b":") - _num_fields(record)
    if num_unknown or _ODD_NUMBER.search(outside):
        parse_json(data, where, error)
    if num_unknown and unknown == "ignore":
        raise error(f"{where}: {num_unknown:,} fields are unknown")
    return record


def to_json(record: object) -> Any:
    """Turn a dataclass into values that ``json.dump`` takes.

    Args:
        record: A dataclass that `from_json` could read; integer arrays count as lists.

    Returns:
        Nested dicts, lists and scalars; fields in declared order.
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        values = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
        absent = _absent(record)
        return {name: to_json(item) for name, item in values.items() if name not in absent}
    if isinstance(record, Mapping):
        return {str(key): to_json(item) for key, item in record.items()}
    if isinstance(record, (tuple, list)):
        return [to_json(item) for item in record]
    return record.tolist() if isinstance(record, np.ndarray) else record


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of a dataclass's files.

    Args:
        kind: What `from_json` takes.

    Returns:
        A JSON Schema (draft 2020-12): every field is required, no others are allowed. Descriptions
        come from the docstrings.
    """
    return copy.deepcopy(_schema(kind))


@cache
def _schema(kind: type) -> dict[str, Any]:
    root = _Untitled().generate(_core_schema(kind))
    parts: dict[str, Any] = root.pop("$defs", {})
    root = parts.pop(_name(root)) if "$ref" in root else root
    classes = {cls.__name__: cls for cls in _dataclasses(_core_schema(kind))}
    for part in (root, *parts.values()):
        if "properties" in part:
            _describe(part, inspect.getdoc(classes[part["title"]]) or "")
    return {**root, "$defs": parts}


def _dataclasses(schema: Any) -> Iterator[type]:
    parts = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict) and schema.get("type") == "dataclass":
        yield schema["cls"]
    for part in parts:
        if isinstance(part, (dict, list)):
            yield from _dataclasses(part)


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles, which only repeat field names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


@cache
def _core_schema(kind: type, unknown: str = "forbid") -> Any:
    return _exact(TypeAdapter(kind).core_schema, unknown)


@cache
def _validator(kind: type, unknown: str) -> SchemaValidator:
    return SchemaValidator(_core_schema(kind, unknown))


def _exact(schema: Any, unknown: str) -> Any:
    """Return a schema in which every field is required unless it may be absent.

    Args:
        schema: Of pydantic.
        unknown: What is done with other fields: ``forbid`` or ``ignore``.
    """
    if isinstance(schema, list):
        return [_exact(part, unknown) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "default":
        return _exact(schema["schema"], unknown)
    exact = {name: _exact(part, unknown) for name, part in schema.items()}
    if kind == "dataclass":
        exact["config"] = _STRICT
        optional = _optional_fields(schema["cls"])
        for field in exact["schema"]["fields"]:
            if field["name"] in optional:
                field["schema"] = {"type": "default", "schema": field["schema"], "default": None}
    if kind == "dataclass-args":
        exact["extra_behavior"] = unknown
    if kind in _MANY:
        exact["fail_fast"] = True  # each mistake takes memory, and one is named
    return exact


def _name(reference: Mapping[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _describe(part: dict[str, Any], docstring: str) -> None:
    """Add each field's description from the class's docstring, and forbid other fields."""
    part["additionalProperties"] = False
    part["description"], _, attributes = docstring.partition("\n\nAttributes:\n")
    if attributes:
        fields = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE)
        for name, words in fields:
            part["properties"][name]["description"] = " ".join(words.split())


def _num_fields(value: Any) -> int:
    """Count the fields of all JSON objects in a record."""
    kind = type(value)
    if kind in _LEAVES:
        return 0
    if kind is dict:
        return len(value) + sum(map(_num_fields, value.values()))
    if kind in (tuple, list):
        return sum(map(_num_fields, value))
    names = kind.__dataclass_fields__
    counted = sum(_num_fields(getattr(value, name)) for name in names)
    return len(names) - len(_absent(value)) + counted


@cache
def _optional_fields(kind: type) -> frozenset[str]:
    """Return the fields of a dataclass that a file may lack."""
    return frozenset(f.name for f in dataclasses.fields(kind) if f.metadata == MAY_BE_ABSENT)


def _absent(record: Any) -> frozenset[str]:
    """Return the fields that are left out of a record's file."""
    optional = _optional_fields(cast("type", type(record)))
    if not optional:
        return optional
    return frozenset(name for name in optional if getattr(record, name) is None)


def _refusal(failure: ValidationError, kind: type) -> str:
    """Describe the first error: position, expected, found."""
    if failure.error_count() > _MOST_MISTAKES:
        return f"not what it should be in {failure.error_count():,} places"
    first = failure.errors(include_url=False)[0]
    steps = tuple(step for step in first["loc"] if step != "[key]")
    rule, limits = first["type"], first.get("ctx", {})
    if rule in ("missing", "unexpected_keyword_argument"):
        position, name = _position(steps[:-1]), steps[-1]
        if isinstance(name, int):
            return f"{position}item {name} is missing"
        if rule == "missing":
            return f"{position}the field {name!r} is missing"
        names_known = ", ".join(_part(kind, steps[:-1]).get("properties", ()))
        return f"{position}the field {name!r} is unknown, expected one of {names_known}"
    if rule == "json_invalid":
        return f"not a JSON file ({limits['error']})"
    if rule == "value_error":
        return f"{_position(steps)}{limits['error']}"
    found = brief_value(first["input"])
    return f"{_position(steps)}expected {_expected(first, kind, steps)}, found {found}"


def _position(steps: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"{text.removeprefix('.')}: " if text else ""


def _expected(error: ErrorDetails, kind: type, steps: tuple[str | int, ...]) -> str:
    rule, limits = error["type"], error.get("ctx", {})
    if rule == "literal_error":
        return f"one of {limits['expected'].replace(' or ', ', ')}".replace("'", "")
    if rule == "greater_than_equal":
        return f"at least {limits['ge']}"
    if rule == "less_than_equal":
        return f"at most {limits['le']}"
    if rule == "string_too_short":
        return "a text that is not empty"
    if rule == "string_pattern_mismatch":
        return f"a text like {limits['pattern']}"
    if rule == "too_short":
        return f"at least {limits['min_length']} items"
    if rule == "too_long":
        return f"at most {limits['max_length']} items"
    if rule.endswith("_type") and (names := _type_names(kind, _part(kind, steps))):
        return " or ".join(names)
    return error["msg"].removeprefix("Input should be ")


def _part(kind: type, steps: tuple[str | int, ...]) -> dict[str, Any]:
    """Return the part of a schema that describes a position."""
    part: Any = _schema(kind)
    for step in steps:
        part = next((one for one in _choices(kind, part) if one.get("type") != "null"), {})
        if isinstance(step, int):
            part = part.get("items", {})
        else:
            part = part.get("properties", {}).get(step) or part.get("additionalProperties", {})
        part = part if isinstance(part, dict) else {}
    return next(iter(_choices(kind, part)), {}) if "$ref" in part else part


def _choices(kind: type, part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alternative schemas of a position."""
    if "$ref" in part:
        return [_schema(kind)["$defs"][_name(part)]]
    choices = part.get("anyOf")
    return (
        [part]
        if choices is None
        else [leaf for choice in choices for leaf in _choices(kind, choice)]
    )


def _type_names(kind: type, part: dict[str, Any]) -> list[str]:
    return [str(choice["type"]) for choice in _choices(kind, part) if "type" in choice]


_LARGEST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class _ListOfIntegers:
    """The form of an array in a file: a list of one or more integers, each at least `least`."""

    least: int

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        integer = core_schema.int_schema(ge=self.least, le=_LARGEST, strict=True)
        return core_schema.list_schema(integer, min_length=1)


Indices: TypeAlias = Annotated[NDArray[np.int64], _ListOfIntegers(0)]
"""int64, read-only: indices from 0."""

Ranks: TypeAlias = Annotated[NDArray[np.int64], _ListOfIntegers(1)]
"""int64, read-only: ranks, from 1."""


class ComparedByValue:
    """A dataclass with arrays among its fields; its decorator has ``eq=False``."""

    def __eq__(self, other: object) -> bool:
        """Compare all fields, arrays by value."""
        if type(other) is not type(self):
            return NotImplemented
        return all(_equal(*pair) for pair in zip(_values(self), _values(other), strict=True))

    def __hash__(self) -> int:
        """Hash all fields; a field that cannot be hashed makes this fail."""
        return hash(tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in _values(self)))


def keep_read_only(record: object, *names: str) -> None:
    """Turn fields of a frozen dataclass into read-only int64 arrays.

    Args:
        record: The dataclass, inside its ``__post_init__``.
        names: Its array fields; None stays None.
    """
    for name in names:
        if (values := getattr(record, name)) is not None:
            object.__setattr__(record, name, _read_only(values))


def _read_only(values: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    if isinstance(values, np.ndarray) and values.dtype == np.int64 and not values.flags.writeable:
        return values
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array


def _values(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in fields(record)]


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    return bool(first == second)
