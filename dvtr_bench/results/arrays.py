"""Integer arrays inside records: read-only, compared by value, written as lists."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic_core import CoreSchema, core_schema

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
