"""What a column of a Parquet file unpacks to, by its pages, before any of them is unpacked.

A footer states sizes, but nothing holds a page to them: its own header says what it unpacks to,
and a text in DELTA_BYTE_ARRAY may repeat the one before it at no cost. Headers are read here, and
of such pages the lengths alone.

Source: the Parquet format, https://github.com/apache/parquet-format (parquet.thrift and
Encodings.md).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

from dvtr_bench.reading.held_file import HeldFile
from dvtr_bench.reading.parquet_footer import read_struct, read_varint, read_zigzag

_HEADER_BYTES: Final = 1 << 12
_LARGEST_HEADER_BYTES: Final = 1 << 24
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_PLAIN_DICTIONARY, _DELTA_BYTE_ARRAY, _RLE_DICTIONARY, _RLE = 2, 7, 8, 3
_VALUES_AT_ONCE: Final = 1 << 16
_MOST_ENTRIES: Final = 1 << 22
_CODECS: Final = {"LZ4": "lz4_raw"}
_OLD_WRITERS_BYTES: Final = 100
"""By which some writers state a chunk shorter than it is; Arrow reads as much more."""


@dataclass(frozen=True)
class Page:
    """One page of a column chunk, as its header states it.

    Attributes:
        kind: 0 data, 2 dictionary, 3 data of the second form.
        start: Where its content begins in the file.
        packed_bytes: Size of the content in the file.
        unpacked_bytes: Size of the content once it is decompressed.
        num_values: Number of values, missing ones too.
        encoding: How the values are written.
        details: The header of its kind, by field number.
    """

    kind: int
    start: int
    packed_bytes: int
    unpacked_bytes: int
    num_values: int
    encoding: int
    details: dict[int, Any]

    @property
    def is_dictionary(self) -> bool:
        """Whether it is the dictionary of its column."""
        return self.kind == _DICTIONARY

    @property
    def refers(self) -> bool:
        """Whether its values are numbers of entries in a dictionary."""
        return not self.is_dictionary and self.encoding in (_PLAIN_DICTIONARY, _RLE_DICTIONARY)

    @property
    def repeats(self) -> bool:
        """Whether each text may repeat the beginning of the one before."""
        return not self.is_dictionary and self.encoding == _DELTA_BYTE_ARRAY


def read_pages(file: BinaryIO | HeldFile, chunk: Any, file_bytes: int) -> Iterator[Page]:
    """Yield the pages of a column chunk that Arrow would read; only headers are read.

    Args:
        file: The file, open for reading.
        chunk: PyArrow's metadata of the chunk.
        file_bytes: Size of the file.

    Raises:
        ValueError: The chunk or a page leaves the file, or contradicts what is stated of it.
    """
    start, most_bytes = chunk_range(chunk)
    end = start + chunk.total_compressed_size
    if not 0 <= start <= end <= file_bytes:
        raise ValueError(f"a column at byte {start:,} ends at {end:,} of {file_bytes:,}")
    end = min(start + most_bytes, file_bytes)
    seen = 0
    while seen < chunk.num_values and start < end:
        header, size = _read_header(file, start, end)
        page = _page(header, start + size)
        if page.start + page.packed_bytes > end:
            raise ValueError(f"a page at byte {start:,} reaches beyond its column")
        if page.kind in (_DATA, _DATA_V2):
            seen += page.num_values
        elif page.is_dictionary and page.num_values > page.unpacked_bytes // 4:
            raise ValueError(
                f"a dictionary of {page.num_values:,} values in {page.unpacked_bytes:,} bytes"
            )
        if seen > chunk.num_values:
            raise ValueError(f"its pages hold more than the {chunk.num_values:,} values stated")
        yield page
        start = page.start + page.packed_bytes


def chunk_range(chunk: Any) -> tuple[int, int]:
    """Return where a column chunk begins and how many bytes are read of it at most."""
    start = chunk.data_page_offset
    dictionary = chunk.dictionary_page_offset
    if dictionary and 0 < dictionary < start:
        start = dictionary
    return start, chunk.total_compressed_size + _OLD_WRITERS_BYTES


def repeated_bytes(
    file: BinaryIO | HeldFile, page: Page, codec: str, levels: tuple[int, int]
) -> int:
    """Return how many bytes the texts of a page in DELTA_BYTE_ARRAY repeat of those before them.

    Args:
        file: The file.
        page: The page.
        codec: How PyArrow calls the compression of its column.
        levels: Highest levels of repetition and of definition of the column.

    Raises:
        ValueError: The page cannot be read.
    """
    content = _content(file, page)
    if page.kind == _DATA_V2:
        skipped = sum(_at_least_zero(page.details.get(number, 0)) for number in (5, 6))
        packed = content[skipped:]
        if page.details.get(7, True):
            packed = _decompressed(packed, page.unpacked_bytes - skipped, codec)
        return _sum_of_delta(packed, page.num_values)
    content = _decompressed(content, page.unpacked_bytes, codec)
    place = 0
    # Each kind of levels is there where the column can have them, with its length before it.
    for highest, field in zip(levels, (4, 3), strict=True):
        if highest:
            if page.details.get(field) != _RLE:
                raise ValueError("levels in an encoding that no writer of this one uses")
            place += 4 + struct.unpack_from("<I", content, place)[0]
    return _sum_of_delta(content[place:], page.num_values)


def longest_entry(file: BinaryIO | HeldFile, page: Page, codec: str) -> int:
    """Return the length of the longest text in the page of a dictionary.

    Args:
        file: The file.
        page: The page.
        codec: How PyArrow calls the compression of its column.

    Raises:
        ValueError: The page cannot be read, or holds more entries than writers put there.
    """
    if page.num_values > _MOST_ENTRIES:
        raise ValueError(f"a dictionary of {page.num_values:,} texts")
    content = _decompressed(_content(file, page), page.unpacked_bytes, codec)
    longest = place = 0
    for _ in range(page.num_values):
        length = struct.unpack_from("<I", content, place)[0]
        longest = max(longest, length)
        place += 4 + length
    return longest


def _content(file: BinaryIO | HeldFile, page: Page) -> bytes:
    file.seek(page.start)
    return file.read(page.packed_bytes)


def _decompressed(content: bytes, num_bytes: int, codec: str) -> bytes:
    if codec == "UNCOMPRESSED" or not num_bytes:
        return content
    if num_bytes < 0:
        raise ValueError("a page of negative size")
    name = _CODECS.get(codec, codec.lower())
    unpacked: bytes = pa.decompress(content, num_bytes, name, asbytes=True)
    return unpacked


def _sum_of_delta(content: bytes, most: int) -> int:
    """Return the sum of lengths in DELTA_BINARY_PACKED, of which there are at most so many."""
    block, place = read_varint(content, 0)
    parts, place = read_varint(content, place)
    count, place = read_varint(content, place)
    value, place = read_zigzag(content, place)
    if count > most or not 0 < parts <= block or block % parts or (block // parts) % 32:
        raise ValueError("lengths of texts that contradict themselves")
    per_part = block // parts
    total = value if count else 0
    left = count - 1
    while left > 0:
        least, place = read_zigzag(content, place)
        widths = content[place : place + parts]
        place += parts
        if len(widths) < parts:
            raise ValueError("lengths of texts that are cut off")
        for width in widths:
            if left <= 0:
                break
            taken = min(left, per_part)
            value, added = _part(content, place, width, taken, value, least)
            total += added
            place += per_part * width // 8
            left -= taken
    return total


def _part(
    content: bytes, place: int, width: int, count: int, value: int, least: int
) -> tuple[int, int]:
    """Return the last value of a part whose deltas have one width, and the sum of its values."""
    if not width:
        last = value + least * count
        _require_lengths(value, last)
        return last, count * value + least * count * (count + 1) // 2
    if width > 32:
        raise ValueError("lengths of texts beyond 32 bits")
    total = 0
    for first in range(0, count, _VALUES_AT_ONCE):
        taken = min(_VALUES_AT_ONCE, count - first)
        begin = place + first * width // 8
        packed = np.frombuffer(content[begin : begin + (taken * width + 7) // 8], np.uint8)
        if len(packed) * 8 < taken * width:
            raise ValueError("lengths of texts that are cut off")
        bits = np.unpackbits(packed, count=taken * width, bitorder="little").reshape(taken, width)
        deltas = bits @ (np.int64(1) << np.arange(width, dtype=np.int64)) + least
        values = value + np.cumsum(deltas)
        _require_lengths(int(values.min()), int(values.max()))
        total += int(values.sum())
        value = int(values[-1])
    return value, total


def _require_lengths(*values: int) -> None:
    if min(values) < 0 or max(values) >= 1 << 31:
        raise ValueError("a text of a length that none has")


def _page(header: dict[int, Any], start: int) -> Page:
    kind = header.get(1, -1)
    details = header.get({_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind, -1), {})
    if not isinstance(details, dict):
        raise ValueError("the header of a page is damaged")
    return Page(
        kind=kind,
        start=start,
        packed_bytes=_at_least_zero(header.get(3)),
        unpacked_bytes=_at_least_zero(header.get(2)),
        num_values=_at_least_zero(details.get(1, 0)),
        encoding=details.get(4 if kind == _DATA_V2 else 2, -1),
        details=details,
    )


def _at_least_zero(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("a page states a size that none has")
    return value


def _read_header(file: BinaryIO | HeldFile, start: int, end: int) -> tuple[dict[int, Any], int]:
    """Return the fields of the page header at a place, and its size."""
    window = _HEADER_BYTES
    while True:
        file.seek(start)
        content = file.read(min(window, end - start))
        try:
            return read_struct(content)
        except IndexError:
            if window >= min(end - start, _LARGEST_HEADER_BYTES):
                raise ValueError(f"the header of the page at byte {start:,} is cut off") from None
            window *= 16
