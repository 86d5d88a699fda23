"""JSON to frozen dataclasses and back: exactly the declared fields, each of its declared type."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from dvtr_bench.errors import InputError

Record = TypeVar("Record")


def from_json(kind: type[Record], value: object, where: str) -> Record:
    """Read a dataclass from JSON values.

    Args:
        kind: A dataclass whose fields are ``str``, ``int``, ``float``, ``bool``, ``X | None``,
            ``tuple[X, ...]``, ``Mapping[str, X]`` or dataclasses of these.
        value: What ``json.load`` gave.
        where: The file and place, for messages.

    Returns:
        An instance of `kind`.

    Raises:
        InputError: A field is missing, unknown or of another type; names the place.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, found {_shown(value)}")
    hints = typing.get_type_hints(kind)
    wanted = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if missing := sorted(wanted - value.keys()):
        raise InputError(f"{where}: the field {missing[0]!r} is missing")
    if unknown := sorted(value.keys() - wanted):
        raise InputError(f"{where}: the field {unknown[0]!r} is unknown")
    fields = {name: _read(hints[name], value[name], f"{where}: {name}") for name in wanted}
    return kind(**fields)


def to_json(record: object) -> Any:
    """Turn a dataclass of JSON-like fields into what ``json.dump`` takes.

    Args:
        record: A dataclass that `from_json` could read.

    Returns:
        Nested dicts, lists and scalars; fields in declared order.
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: to_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {str(key): to_json(item) for key, item in record.items()}
    if isinstance(record, (tuple, list)):
        return [to_json(item) for item in record]
    return record


def _read(hint: Any, value: object, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _read(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise InputError(f"{where}: expected a list, found {_shown(value)}")
        return tuple(_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected an object, found {_shown(value)}")
        return {key: _read(arguments[1], item, f"{where}[{key!r}]") for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value, where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise InputError(f"{where}: expected {hint.__name__}, found {_shown(value)}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
