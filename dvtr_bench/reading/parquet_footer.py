"""The footer of a Parquet file, looked through before PyArrow is asked about its columns.

PyArrow ends the process, without an exception, when it is asked about a column whose histograms of
levels have another length than its levels.
"""

import struct
from typing import Any, BinaryIO, Final

from dvtr_bench.reading.held_file import HeldFile
from dvtr_bench.reading.thrift_compact import read_struct

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
