"""Convert JSON files to frozen dataclasses and back.

The dataclasses alone define the form of a file: pydantic validates by them, and `json_schema`
describes them. Limits of a field beyond its type are part of its annotation, such as `Percent`.
Some things that pydantic accepts are errors here: duplicate fields, NaN, and missing fields for
which the class has a default.
"""

import copy
import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar, cast

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreConfig, ErrorDetails, SchemaValidator

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.runtime.reading import reading, require_size

Record = TypeVar("Record")

Text: TypeAlias = Annotated[str, Field(min_length=1)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[int, Field(ge=1)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]

LARGEST_FILE_BYTES: Final = 1 << 29
"""Larger files are rejected before they are read.

The result of a million captions takes a tenth.
"""

MAY_BE_ABSENT: Final[Mapping[str, bool]] = {"may be absent": True}
"""Metadata of a dataclass field that a file may lack, such as one that was added later.

Its default is None. While it is None it is not written either, so a file that does not use it stays
readable by older versions.
"""

_STRICT: Final = CoreConfig(strict=True, allow_inf_nan=False)
_LEAVES: Final = frozenset({float, int, str, bool, type(None), np.ndarray})
_UNPRINTABLE: Final = re.compile(r"[^\x00-\x7f]")
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def read_json_bytes(path: Path, error: type[DvtrError] = InputError) -> bytes:
    """Read an untrusted JSON file, unless it is too large.

    Args:
        path: The file.
        error: Type of the error to raise.

    Returns:
        Its bytes.

    Raises:
        FileNotFoundError: It does not exist.
        DvtrError: It is larger than `LARGEST_FILE_BYTES`, or cannot be read; of the type `error`.
    """
    with reading(path, "a JSON file", error):
        require_size(path, path.stat().st_size, LARGEST_FILE_BYTES, error=error)
        return path.read_bytes()


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
    try:
        record: Record = _validator(cast("type", kind)).validate_json(data)
    except ValidationError as failure:
        parse_json(data, where, error)
        raise error(f"{where}: {_refusal(failure, kind)}") from None
    outside = _STRING.sub(b"", data)
    # Outside strings there is one colon per field, and only NaN and Infinity have these capitals.
    if outside.count(b":") != _num_fields(record) or b"N" in outside or b"I" in outside:
        parse_json(data, where, error)
    return record


def parse_json(text: str | bytes, where: str, error: type[DvtrError] = InputError) -> Any:
    """Parse JSON text of any form, for example to look at its version first.

    Args:
        text: The JSON.
        where: The file and position, for messages.
        error: Type of the error to raise.

    Returns:
        Nested dicts, lists and scalars.

    Raises:
        DvtrError: It is not JSON, is nested too deep, or has NaN or duplicate fields; of the type
            ``error``.
    """

    def refuse_constant(name: str) -> float:
        raise error(f"{where}: {name} is not allowed in a JSON file")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in pairs:
            if name in fields:
                raise error(f"{where}: the field {name[:60]!r} occurs twice in one object")
            fields[name] = value
        return fields

    with reading(where, "a JSON file", error):
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(
            decoded, parse_constant=refuse_constant, object_pairs_hook=refuse_duplicates
        )


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
def _core_schema(kind: type) -> Any:
    return _exact(TypeAdapter(kind).core_schema)


@cache
def _validator(kind: type) -> SchemaValidator:
    return SchemaValidator(_core_schema(kind))


def _exact(schema: Any) -> Any:
    """Return a schema in which every field is required unless it may be absent, and no others."""
    if isinstance(schema, list):
        return [_exact(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "default":
        return _exact(schema["schema"])
    exact = {name: _exact(part) for name, part in schema.items()}
    if kind == "dataclass":
        exact["config"] = _STRICT
        optional = _optional_fields(schema["cls"])
        for field in exact["schema"]["fields"]:
            if field["name"] in optional:
                field["schema"] = {"type": "default", "schema": field["schema"], "default": None}
    if kind == "dataclass-args":
        exact["extra_behavior"] = "forbid"
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
    text = repr(first["input"])
    value_text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"{_position(steps)}expected {_expected(first, kind, steps)}, found {value_text}"


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
