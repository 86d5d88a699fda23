"""NumPy's ``.npy`` and ``.npz`` files of others: shapes are known before memory is taken.

Headers are read by a grammar of their own, since NumPy evaluates them as Python literals.
"""

import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.reading.zip_entries import ZipEntries, open_zip

_MAGIC: Final = b"\x93NUMPY"
_LENGTH_BYTES: Final = {b"\x01\x00": 2, b"\x02\x00": 4}
"""Size of the header's length by version; the third is for names of fields alone."""

_LARGEST_HEADER_BYTES: Final = 10_000
"""As NumPy has it."""

_MOST_AXES: Final = 32

_ITEM: Final = (
    r"""\s*(?:'descr'\s*:\s*(?P<descr>'[^'\\]*'|\[.*\])"""
    r"""|'fortran_order'\s*:\s*(?P<order>True|False)"""
    r"""|'shape'\s*:\s*\((?P<shape>[\d,\sL]*)\))\s*"""
)
_HEADER_ITEM: Final = re.compile(_ITEM, re.DOTALL)

_DTYPE: Final = re.compile(
    r"[<>|=]?(?:[bhilqpBHILQPefdgFDG?O]|[biufcSUVO]\d{1,10}|[mM]8(\[\w+\])?)"
)


@dataclass(frozen=True)
class StoredArray:
    """What the header of an array says, held against the size of its entry.

    Attributes:
        name: Its name, without ``.npy``.
        dtype: Its type; of Python objects only so that it can be refused.
        shape: Its shape.
        fortran_order: Whether the first axis varies fastest.
        header_bytes: Size of the header.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    header_bytes: int

    @property
    def order(self) -> Literal["F", "C"]:
        """The order as NumPy names it."""
        return "F" if self.fortran_order else "C"

    @property
    def size_bytes(self) -> int:
        """What the array takes, without its header."""
        return self.dtype.itemsize * math.prod(self.shape)


class NpzFile:
    """An open ``.npz`` file: use it inside the ``with`` that opened it.

    Attributes:
        names: Names of its arrays, in order.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, entries: ZipEntries) -> None:
        """Store the arguments."""
        self._path = path
        self._archive = archive
        self._entries = entries
        self.names = [name.removesuffix(".npy") for name in entries.names]

    def describe(self, name: str) -> StoredArray:
        """Read the header of an array."""
        entry = self._entries.entry(f"{name}.npy")
        with self._archive.open(entry) as stream:
            array = read_array_header(stream, name, entry.file_size)
        return array

    def read(self, array: StoredArray) -> NDArray[Any]:
        """Read an array into memory; the file has its checksum."""
        entry = self._entries.entry(f"{array.name}.npy")
        if array.dtype.hasobject:
            raise ValueError(f"{array.name} holds Python objects")
        with self._archive.open(entry) as stream:
            stream.read(array.header_bytes)
            return read_array_data(stream, array)

    def rows(self, array: StoredArray, at_once: int) -> Iterator[NDArray[Any]]:
        """Read an array with one axis a few rows at a time.

        Args:
            array: The array.
            at_once: Rows of each part.

        Yields:
            The next rows.
        """
        entry = self._entries.entry(f"{array.name}.npy")
        with self._archive.open(entry) as stream:
            stream.read(array.header_bytes)
            for first in range(0, array.shape[0], at_once):
                count = min(at_once, array.shape[0] - first)
                yield np.frombuffer(_exactly(stream, count * array.dtype.itemsize), array.dtype)
            stream.read(1)  # at the end, zipfile compares the checksum

    def map(self, array: StoredArray) -> NDArray[Any]:
        """Map an array into memory that is stored without compression, if its checksum fits."""
        entry = self._entries.entry(f"{array.name}.npy")
        with self._archive.open(entry) as stream:
            while stream.read(1 << 20):
                pass
        start = _data_start(self._path, entry) + array.header_bytes
        return np.memmap(
            self._path, array.dtype, mode="r", offset=start, shape=array.shape, order=array.order
        )

    def is_compressed(self, array: StoredArray) -> bool:
        """Tell whether an array is compressed."""
        return self._entries.entry(f"{array.name}.npy").compress_type != zipfile.ZIP_STORED


@contextmanager
def open_npz(path: Path) -> Iterator[NpzFile]:
    """Open an ``.npz`` file; the border stands around all of its use.

    Args:
        path: The file.

    Yields:
        The open file.

    Raises:
        InputError: A header, an entry or the directory says something impossible, or anything else
            fails while the file is open.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "x.npz"
        ...     np.savez(path, a=np.eye(2))
        ...     with open_npz(path) as npz:
        ...         npz.describe("a").shape
        (2, 2)
    """
    with open_zip(path, "an .npz file", advice="write or copy it again") as (archive, entries):
        yield NpzFile(path, archive, entries)


def read_npy(path: Path, largest: int) -> NDArray[Any]:
    """Read an ``.npy`` file; call it inside `dvtr_bench.reading.border.reading`.

    Args:
        path: The file.
        largest: Most bytes that it may have.

    Returns:
        The array.

    Raises:
        ValueError: It is larger, holds Python objects, or its header says something impossible.
    """
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"it takes {size:,} bytes: expected at most {largest:,}")
    with path.open("rb") as file:
        array = read_array_header(file, path.stem, size)
        if array.dtype.hasobject:
            raise ValueError("it holds Python objects, which only a pickle can store")
        return read_array_data(file, array)


def map_npy(path: Path) -> NDArray[Any]:
    """Map an ``.npy`` file, copy on write; call it inside `dvtr_bench.reading.border.reading`.

    Args:
        path: The file.

    Returns:
        The array; writing to it does not change the file.

    Raises:
        ValueError: It holds Python objects, or its header says something impossible.
    """
    with path.open("rb") as file:
        array = read_array_header(file, path.stem, path.stat().st_size)
        if array.dtype.hasobject:
            raise ValueError("it holds Python objects, which only a pickle can store")
        if 0 in array.shape:
            return read_array_data(file, array)
    return np.memmap(
        path, array.dtype, mode="c", offset=array.header_bytes, shape=array.shape, order=array.order
    )


def read_array_header(stream: Any, name: str, size: int) -> StoredArray:
    """Read the header of an array and hold it against the size of what it describes.

    Args:
        stream: At the start of the array.
        name: Its name, for messages.
        size: Size of header and data, in bytes.

    Returns:
        What it says.

    Raises:
        ValueError: It is no header, or its shape takes another number of bytes.
    """
    start = stream.read(len(_MAGIC) + 2)
    width = _LENGTH_BYTES.get(start[-2:])
    if not start.startswith(_MAGIC):
        raise ValueError(f"{name} is not an array of NumPy")
    if width is None:
        raise ValueError(f"{name} is written in a form for structured arrays")
    length = int.from_bytes(_exactly(stream, width), "little")
    if length > _LARGEST_HEADER_BYTES:
        raise ValueError(f"{name} has a header of {length:,} bytes")
    text = _exactly(stream, length).decode("latin1")
    found: dict[str, str] = {}
    body = text.strip()
    if not body.startswith("{") or not body.endswith("}"):
        raise ValueError(f"{name} has no header")
    at = 1
    while item := _HEADER_ITEM.match(body, at):
        fields = {key: value for key, value in item.groupdict().items() if value is not None}
        if fields.keys() & found.keys():
            raise ValueError(f"{name} has a header that says {', '.join(fields)} twice")
        found.update(fields)
        at = item.end()
        if body[at] != ",":
            break
        at += 1
    if body[at:].strip() != "}" or found.keys() != {"descr", "order", "shape"}:
        raise ValueError(f"{name} has a header that is not NumPy's")
    header_bytes = len(start) + width + length
    dtype, shape = _dtype(name, found["descr"]), _shape(name, found["shape"])
    array = StoredArray(name, dtype, shape, found["order"] == "True", header_bytes)
    if not dtype.hasobject and header_bytes + array.size_bytes != size:
        raise ValueError(
            f"{name} states the shape {shape}, which does not take the "
            f"{max(0, size - header_bytes):,} bytes that are there"
        )
    return array


def read_array_data(stream: "BinaryIO | Any", array: StoredArray) -> NDArray[Any]:
    """Read the data that follow a header.

    Args:
        stream: At the end of the header.
        array: What the header says.

    Returns:
        The array.

    Raises:
        ValueError: The data end early.
    """
    found = np.empty(array.shape, array.dtype, array.order)
    if found.nbytes:
        target = found.reshape(-1, order="A").view(np.uint8)
        at = 0
        while at < len(target):
            part = stream.read(min(1 << 20, len(target) - at))
            if not part:
                raise ValueError(f"{array.name} ends early")
            target[at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)
    stream.read(1)  # at the end, zipfile compares the checksum
    return found


def _dtype(name: str, descr: str) -> np.dtype[Any]:
    if not descr.startswith("'"):
        raise ValueError(f"{name} is written in a form for structured arrays")
    if not _DTYPE.fullmatch(descr[1:-1]):
        raise ValueError(f"{name} has the type {descr[:40]}, which is none of NumPy's")
    return np.dtype(descr[1:-1])


def _shape(name: str, text: str) -> tuple[int, ...]:
    axes = [axis.strip().removesuffix("L") for axis in text.split(",")]
    if axes and not axes[-1]:
        axes.pop()
    if len(axes) > _MOST_AXES or not all(axis.isdigit() and len(axis) < 20 for axis in axes):
        raise ValueError(f"{name} has a shape that no array has")
    return tuple(map(int, axes))


def _exactly(stream: Any, count: int) -> bytes:
    data: bytes = stream.read(count)
    if len(data) != count:
        raise ValueError("the array ends early")
    return data


def _data_start(path: Path, entry: zipfile.ZipInfo) -> int:
    """Return the offset of an uncompressed entry's data in the file."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)  # lengths of its name and its extra field
        lengths = file.read(4)
    name, extra = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
    return entry.header_offset + 30 + name + extra
