"""The footer of a Parquet file, looked through before PyArrow is asked about its columns.

PyArrow ends the process, without an exception, when it is asked about a column whose histograms of
levels have another length than its levels.
"""

import struct
from typing import Any, BinaryIO, Final

from dvtr_bench.reading.held_file import HeldFile

_DEEPEST: Final = 12


def read_struct(content: bytes, place: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Return the fields of a structure by number, texts as None, and where it ends.

    Args:
        content: Bytes that hold it.
        place: Where it begins.
        depth: How many structures it stands in.

    Raises:
        IndexError: It is cut off.
        ValueError: It is damaged.
    """
    if depth > _DEEPEST:
        raise ValueError("its metadata are nested too deep")
    fields: dict[int, Any] = {}
    number = 0
    while first := content[place]:
        place += 1
        if first >> 4:
            number += first >> 4
        else:
            number, place = read_zigzag(content, place)
        kind = first & 15
        if kind in (1, 2):
            fields[number] = kind == 1
        else:
            fields[number], place = _value(content, place, kind, depth)
    return fields, place + 1


def _value(content: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2, 3):
        return content[place], place + 1
    if kind in (4, 5, 6):
        return read_zigzag(content, place)
    if kind == 7:
        return None, place + 8
    if kind == 8:
        length, place = read_varint(content, place)
        return None, place + length
    if kind in (9, 10):
        return _list(content, place, depth)
    if kind == 12:
        return read_struct(content, place, depth + 1)
    # Maps occur in no Parquet file.
    raise ValueError("its metadata are damaged")


def _list(content: bytes, place: int, depth: int) -> tuple[list[Any], int]:
    first = content[place]
    place += 1
    count = first >> 4
    if count == 15:
        count, place = read_varint(content, place)
    if depth > _DEEPEST or count > len(content):
        raise ValueError("its metadata are damaged")
    values = []
    for _ in range(count):
        value, place = _value(content, place, first & 15, depth + 1)
        values.append(value)
    return values, place


def read_varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a whole number of at least 0, and where it ends."""
    value = shift = 0
    while shift < 70:
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ValueError("a number of more than 64 bits")


def read_zigzag(content: bytes, place: int) -> tuple[int, int]:
    """Return a whole number, and where it ends."""
    value, place = read_varint(content, place)
    return (value >> 1) ^ -(value & 1), place


_ROW_GROUPS: Final = 4
_COLUMNS: Final = 1
_METADATA, _KEYS, _HIDDEN = 3, 8, 9
_SIZES: Final = 16
_TEXT_BYTES, _REPETITION, _DEFINITION = 1, 2, 3


def check_footer(file: BinaryIO | HeldFile, file_bytes: int, schema: Any) -> None:
    """Raise if PyArrow cannot be asked about the columns of a file.

    Args:
        file: The file, open for reading.
        file_bytes: Its size.
        schema: PyArrow's schema of Parquet columns.

    Raises:
        ValueError: It cannot.
    """
    file.seek(file_bytes - 8)
    (length,) = struct.unpack("<I", file.read(8)[:4])
    file.seek(file_bytes - 8 - length)
    footer, _ = read_struct(file.read(length))
    columns = [schema.column(number) for number in range(len(schema))]
    for group in footer.get(_ROW_GROUPS, []):
        chunks = group.get(_COLUMNS, [])
        if len(chunks) != len(columns):
            raise ValueError(f"a row group of {len(chunks):,} columns, expected {len(columns):,}")
        for chunk, column in zip(chunks, columns, strict=True):
            if _KEYS in chunk or _HIDDEN in chunk:
                raise ValueError(f"the column {column.path!r} is encrypted")
            _check_sizes(chunk.get(_METADATA, {}).get(_SIZES, {}), column)


def _check_sizes(sizes: dict[int, Any], column: Any) -> None:
    """Raise if what is stated of the sizes of a column does not fit it."""
    for field, highest in (
        (_REPETITION, column.max_repetition_level),
        (_DEFINITION, column.max_definition_level),
    ):
        histogram = sizes.get(field, [])
        if histogram and len(histogram) != highest + 1:
            raise ValueError(
                f"the column {column.path!r} has levels to {highest}, and a histogram of "
                f"{len(histogram)}"
            )
    if _TEXT_BYTES in sizes and column.physical_type != "BYTE_ARRAY":
        raise ValueError(f"the column {column.path!r} holds no texts, and states their size")
