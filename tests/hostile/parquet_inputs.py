"""Parquet files of few bytes that stand for many, in other ways than by a dictionary of texts."""

import base64
import io
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.datasets import folder as folder_builder
from builders.engine.check import check_source
from dvtr_bench.dataset.fingerprint import _rows as read_rows_of_dataset
from dvtr_bench.reading.parquet_files import BoundedParquet
from tests.hostile.case import Hostile
from tests.hostile.making import holds

LONG = "x" * (1 << 20)
TEXTS, CHUNKS = 128, 17
"""One MiB each: together more than is read at once."""

Edit = Callable[[bytes], bytes]


def varint(number: int, length: int = 0) -> bytes:
    """Return a whole number of at least 0 as Thrift writes it, in at least so many bytes."""
    groups = [2 * number >> shift & 127 for shift in range(0, (2 * number).bit_length() or 1, 7)]
    groups += [0] * (length - len(groups))
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def _column(chunk: pa.Array, count: int = CHUNKS) -> pa.Table:
    """Return a table whose column holds the same memory again and again."""
    ids = pa.array([f"v{number}" for number in range(len(chunk) * count)])
    return pa.table({"video_id": ids, "caption": pa.chunked_array([chunk] * count)})


def _texts() -> pa.Table:
    return _column(pa.array([LONG] * TEXTS))


def _few() -> pa.Table:
    return pa.table({"caption": ["a road", "a lake"]})


def _lists() -> pa.Table:
    return _column(pa.array([[LONG] * TEXTS]))


def _fixed() -> pa.Table:
    return _column(pa.array([LONG.encode()] * TEXTS, pa.binary(len(LONG))))


def _missing_lists() -> pa.Table:
    return _column(pa.array([None] * 10_000, pa.list_(pa.int8(), 1000)), 1)


def _written(table: Callable[[], pa.Table], edit: Edit = bytes, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink, **options)
    return edit(sink.getvalue())


@cache
def _delta(table: Callable[[], pa.Table], version: str = "1.0") -> bytes:
    return _written(
        table,
        use_dictionary=False,
        column_encoding={
            "video_id": "PLAIN",
            "caption" if table is _texts else "caption.list.element": "DELTA_BYTE_ARRAY",
        },
        data_page_version=version,
    )


def _small_in_footer(content: bytes) -> bytes:
    """Let the footer state that all unpacks to little."""
    group = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    for stated in {group.column(1).total_uncompressed_size, group.total_byte_size}:
        before = varint(stated)
        assert before in content
        content = content.replace(before, varint(1_000, len(before)))
    return content


def _large_page(content: bytes) -> bytes:
    """Let the header of a page, which two row groups share, state the largest size there is."""
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    column = metadata.row_group(0).column(1).total_uncompressed_size
    metadata.append_row_groups(pq.ParquetFile(io.BytesIO(content)).metadata)
    sink = io.BytesIO()
    metadata.write_metadata_file(sink)
    start = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    pages = content[:start]
    # The column is the page and its header, which is short.
    size = next(size for size in range(column, column - 100, -1) if varint(size) in pages)
    pages = pages.replace(varint(size), varint((1 << 31) - 1))
    return _small_in_footer(pages + sink.getvalue()[4:])


def _long_lists(content: bytes) -> bytes:
    """State lists of another fixed length, in the schema that Arrow keeps for itself."""
    found = re.search(rb"/////[A-Za-z0-9+/=]{40,}", content)
    assert found
    schema = base64.b64decode(found[0])
    old, new = struct.pack("<i", 1000), struct.pack("<i", 1 << 20)
    assert schema.count(old) == 1
    return content.replace(found[0], base64.b64encode(schema.replace(old, new)))


def _other_levels(content: bytes) -> bytes:
    """Let the schema state that no caption is missing; histograms count those that are."""
    before = b"\x25\x02\x18\x07caption"
    assert content.count(before) == 1
    return content.replace(before, b"\x25\x00\x18\x07caption")


def _read_all(path: Path) -> object:
    file = BoundedParquet(path, path)
    return file.read(file.schema.names)


def _read_parts(path: Path) -> object:
    return list(BoundedParquet(path, path).rows(["caption"], 10_000))


def _read_as_over_the_network(path: Path) -> object:
    with path.open("rb") as opened:
        return BoundedParquet(opened, path).read(["caption"])


def _read_before_an_evaluation(path: Path) -> object:
    return list(read_rows_of_dataset(path, ["caption"]))


def _build(path: Path) -> None:
    check_source(folder_builder.read(folder_builder.Options("mine", captions=path)))


def _case(
    name: str, content: Callable[[], bytes], read: Callable[[Path], object] = _read_all
) -> Hostile:
    def make(folder: Path) -> Path:
        path = folder / "a.parquet"
        path.write_bytes(content())
        assert path.stat().st_size < 1_000_000
        return path

    return Hostile(name, make, read, r"a\.parquet: what .*unpacks? to takes .*at most")


_BARE = {"use_dictionary": False, "compression": "zstd", "write_statistics": False}

INPUTS = [
    _case("texts that repeat the one before", lambda: _delta(_texts)),
    _case("the same, row by row", lambda: _delta(_texts), _read_parts),
    _case("the same, over the network", lambda: _delta(_texts), _read_as_over_the_network),
    _case("the same, before an evaluation", lambda: _delta(_texts), _read_before_an_evaluation),
    _case("the same, as a user's captions", lambda: _delta(_texts), _build),
    _case("the same, in pages of the second form", lambda: _delta(_texts, "2.0")),
    _case("lists of such texts", lambda: _delta(_lists)),
    _case(
        "pages that unpack to more than the footer states",
        lambda: _written(_texts, _small_in_footer, **_BARE),
    ),
    _case(
        "a page that states 2 GB",
        lambda: _written(
            lambda: _column(pa.array([LONG] * TEXTS), 1),
            _large_page,
            data_page_size=1 << 30,
            **_BARE,
        ),
    ),
    _case(
        "a dictionary of values of 1 MB",
        lambda: _written(_fixed, dictionary_pagesize_limit=1 << 24),
    ),
    Hostile(
        "histograms of other levels",
        lambda folder: holds("a.parquet", _written(_few, _other_levels))(folder),
        _read_all,
        r"a\.parquet: .*'caption' has levels to 0, and a histogram of 2",
    ),
    _case("missing lists of 1 MB", lambda: _written(_missing_lists, _long_lists)),
]
