"""Safetensors files of others: their header is held against the file before a tensor is read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import DvtrError, WeightsError
from dvtr_bench.reading.border import reading, require_size
from dvtr_bench.reading.json_toml_text import parse_json

if TYPE_CHECKING:
    import torch

_KIND: Final = "a safetensors file"
_LENGTH_BYTES: Final = 8
_LARGEST_HEADER_BYTES: Final = 1 << 24
"""Of the largest CLIP of open_clip, it takes less than 300,000 bytes."""

_METADATA: Final = "__metadata__"
_FIELDS: Final = {"dtype", "shape", "data_offsets"}

_ITEM_BYTES: Final[Mapping[str, int]] = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip

_LARGEST_AXIS: Final = 1 << 62
_MOST_AXES: Final = 16


@dataclass(frozen=True)
class StoredTensor:
    """What the header of a safetensors file says about a tensor.

    Attributes:
        dtype: Such as ``F32``.
        shape: Its shape.
        start: First byte, counted from the end of the header.
        end: The byte after the last.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensors(
    path: Path, advice: str = "get the file again", error: type[DvtrError] = WeightsError
) -> "dict[str, torch.Tensor]":
    """Read a safetensors file.

    Args:
        path: The file.
        advice: What to do about a damaged file, for messages.
        error: Type of the error to raise.

    Returns:
        Its tensors by name, on the CPU.

    Raises:
        DvtrError: The file is missing, damaged or contradicts itself; of the type ``error``.
    """
    read_header(path, advice, error)
    from safetensors.torch import load_file

    with reading(path, _KIND, error, advice):
        tensors: dict[str, torch.Tensor] = load_file(path)
        return tensors


def read_header(
    path: Path, advice: str = "get the file again", error: type[DvtrError] = WeightsError
) -> dict[str, StoredTensor]:
    """Read what a safetensors file says about its tensors, and hold it against the file's size.

    Args:
        path: The file.
        advice: What to do about a damaged file, for messages.
        error: Type of the error to raise.

    Returns:
        Names, types and shapes. The tensors follow each other without gaps and fill the file.

    Raises:
        DvtrError: The file is missing, damaged or contradicts itself; of the type ``error``.
    """
    try:
        with reading(path, _KIND, error, advice), path.open("rb") as file:
            size = path.stat().st_size
            stated = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            length = min(size - _LENGTH_BYTES, stated)
            if length < 2 or stated != length:
                raise ValueError(f"its header of {stated:,} bytes is not inside its {size:,} bytes")
            require_size(path, length, _LARGEST_HEADER_BYTES, "the header", error)
            header = parse_json(file.read(length), f"{path}: the header", error)
            found = dict(_tensors(header))
            _require_filled(found, size - _LENGTH_BYTES - length)
            return found
    except FileNotFoundError as failure:
        raise error(f"{path} cannot be read (there is no such file): {advice}") from failure


def _tensors(header: Any) -> "list[tuple[str, StoredTensor]]":
    if not isinstance(header, dict):
        raise ValueError(f"its header is {type(header).__name__}, no object")
    return [(name, _tensor(name, of)) for name, of in header.items() if name != _METADATA]


def _tensor(name: str, record: Any) -> StoredTensor:
    if not isinstance(record, dict) or record.keys() != _FIELDS:
        raise ValueError(f"{name!r}: expected {', '.join(sorted(_FIELDS))}")
    dtype, shape, offsets = record["dtype"], record["shape"], record["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
        raise ValueError(f"{name!r} is of an unknown type")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{name!r}: its shape and place must be lists of whole numbers from 0")
    taken, stated = math.prod(shape) * _ITEM_BYTES[dtype], offsets[1] - offsets[0]
    if taken != stated:
        raise ValueError(
            f"{name!r}: its shape takes {_number(taken)} bytes, its place has {stated:,}"
        )
    return StoredTensor(dtype, tuple(shape), *offsets)


def _are_sizes(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= _MOST_AXES
        and all(type(value) is int and 0 <= value < _LARGEST_AXIS for value in values)
    )


def _number(value: int) -> str:
    """Return a number with commas; its size in bits where its digits would fill a line."""
    return f"{value:,}" if value < 1 << 100 else f"2^{value.bit_length() - 1} and more"


def _require_filled(tensors: Mapping[str, StoredTensor], size: int) -> None:
    places = sorted((tensor.start, tensor.end) for tensor in tensors.values())
    for (_, end), (start, _) in pairwise([(0, 0), *places, (size, size)]):
        if start != end:
            what = "overlap" if start < end else "leave a gap"
            raise ValueError(f"its tensors {what} at byte {min(start, end):,} of the data")
