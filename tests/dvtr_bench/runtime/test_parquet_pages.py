"""What texts unpack to, by their pages, against the texts themselves."""

import io
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvtr_bench.errors import InputError
from dvtr_bench.reading.held_file import HeldFile
from dvtr_bench.reading.parquet_files import BoundedParquet, _padded_items
from dvtr_bench.reading.parquet_pages import (
    _sum_of_delta,
    longest_entry,
    read_pages,
    repeated_bytes,
)

DELTA = {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"}


def texts(count: int, seed: int = 1) -> list[str]:
    """Return texts of which many begin as the one before."""
    draw = random.Random(seed)
    found, last = [], ""
    for _ in range(count):
        kept = last[: draw.choice((0, 0, draw.randint(0, 300), 10_000))]
        last = kept + "abc"[: draw.randint(0, 3)] * draw.choice((1, 1, 60))
        found.append(last[-400:] if draw.random() < 0.2 else last[:400])
    return found


def repeated(values: list[str]) -> int:
    """Return how much each text begins as the one before, of all together: the oracle."""
    pairs = zip(values, values[1:], strict=False)
    return sum(len(os.path.commonprefix(pair)) for pair in pairs)


def written(table: pa.Table, **options: Any) -> tuple[io.BytesIO, Any, Any]:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    opened = pq.ParquetFile(file)
    return file, opened.metadata.row_group(0).column(0), opened.schema.column(0)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("form", ["plain", "with gaps", "lists"])
def test_what_texts_repeat_is_known_without_them(form: str, compression: str, version: str) -> None:
    values = texts(3_000, seed=len(form + compression))
    column: Any = values
    if form == "with gaps":
        column = [text for one in values for text in (one, None)]
    elif form == "lists":
        column = [values[first : first + 3] for first in range(0, len(values), 3)]
    file, chunk, schema = written(
        pa.table({"a": column}),
        compression=compression,
        data_page_version=version,
        data_page_size=1 << 28,
        max_rows_per_page=1 << 20,
        **DELTA
        if form != "lists"
        else {**DELTA, "column_encoding": {"a.list.element": "DELTA_BYTE_ARRAY"}},
    )
    levels = schema.max_repetition_level, schema.max_definition_level
    (page,) = read_pages(file, chunk, len(file.getbuffer()))
    assert page.repeats
    assert page.num_values == chunk.num_values
    assert repeated_bytes(file, page, chunk.compression, levels) == repeated(values)


@pytest.mark.parametrize("page_bytes", [1 << 10, 1 << 14])
def test_pages_are_those_that_were_written(page_bytes: int) -> None:
    values = texts(5_000)
    file, chunk, _ = written(
        pa.table({"a": values}), data_page_size=page_bytes, compression="none", **DELTA
    )
    pages = list(read_pages(file, chunk, len(file.getbuffer())))
    assert len(pages) > 3
    assert sum(page.num_values for page in pages) == 5_000
    starts = [page.start for page in pages]
    assert starts == sorted(starts)
    assert sum(page.unpacked_bytes for page in pages) < chunk.total_uncompressed_size
    total = first = 0
    for page in pages:
        found = repeated_bytes(file, page, "UNCOMPRESSED", (0, 1))
        assert found == repeated(values[first : first + page.num_values])
        first += page.num_values
        total += found
    assert total > 100_000


def test_entries_of_a_dictionary() -> None:
    values = texts(300)
    file, chunk, _ = written(pa.table({"a": values}), compression="snappy")
    dictionary, data = read_pages(file, chunk, len(file.getbuffer()))
    assert dictionary.is_dictionary
    assert dictionary.num_values == len(set(values))
    assert data.refers
    assert longest_entry(file, dictionary, "SNAPPY") == max(map(len, values))


def delta_binary_packed(values: list[int], block: int = 128, parts: int = 4) -> bytes:
    """Write numbers as the specification says, at the width that the largest delta needs."""

    def number(value: int) -> bytes:
        found = bytearray()
        while value > 127:
            found.append(value & 127 | 128)
            value >>= 7
        return bytes([*found, value])

    def signed(value: int) -> bytes:
        return number(value * 2 if value >= 0 else -value * 2 - 1)

    deltas = [after - before for before, after in zip(values, values[1:], strict=False)]
    content = number(block) + number(parts) + number(len(values)) + signed(values[0])
    for first in range(0, len(deltas), block):
        least = min(deltas[first : first + block])
        rest = [delta - least for delta in deltas[first : first + block]]
        groups = [rest[n : n + block // parts] for n in range(0, len(rest), block // parts)]
        widths = [max(group).bit_length() for group in groups]
        content += signed(least) + bytes([*widths, *[0] * (parts - len(groups))])
        for group, width in zip(groups, widths, strict=True):
            packed = sum(one << place * width for place, one in enumerate(group))
            content += packed.to_bytes(block // parts * width // 8, "little")
    return content


@pytest.mark.parametrize(("block", "parts"), [(128, 4), (256, 8), (1 << 20, 2), (128, 1)])
@pytest.mark.parametrize("count", [1, 2, 32, 33, 128, 129, 5_000])
def test_lengths_of_any_writer(count: int, block: int, parts: int) -> None:
    draw = random.Random(f"{count} {block}")
    for largest in (0, 1, 300, (1 << 31) - 1):
        values = [draw.randint(0, largest) for _ in range(count)]
        content = delta_binary_packed(values, block, parts)
        assert _sum_of_delta(content + b"texts", count) == sum(values)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x01\x04\x03",
        delta_binary_packed([5, 900, 1])[:12],
        delta_binary_packed([1] * 99),
        delta_binary_packed([1, 2], 128, 8),
        b"\x80\x01\x00\x02\x00" + b"\0" * 99,
        b"\x80\x01\x04\x02\x01" + b"\0" * 99,
        b"\x80\x01\x04\x02\x00\x00\x40" + b"\xff" * 999,
        b"\xff" * 99,
    ],
)
def test_lengths_that_no_writer_writes(content: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        _sum_of_delta(content, 10)


def test_texts_that_repeat_a_little_are_read(tmp_path: Path) -> None:
    values = texts(200_000)
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"a.b": values, "n": range(200_000)}),
        path,
        **{**DELTA, "column_encoding": {"a.b": "DELTA_BYTE_ARRAY"}},
    )
    assert BoundedParquet(path, path).read(["a.b"])["a.b"].to_pylist() == values


def test_missing_lists_of_a_fixed_length_are_counted() -> None:
    number = pa.int8()
    assert _padded_items(number) == 1
    assert _padded_items(pa.list_(number, 7)) == 7
    assert _padded_items(pa.list_(pa.list_(number, 7), 5)) == 35
    assert _padded_items(pa.struct({"a": number, "b": pa.list_(pa.list_(number, 3))})) == 3
    assert _padded_items(pa.fixed_shape_tensor(number, [4, 5])) == 20


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def test_a_row_group_takes_one_request_over_the_network(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({name: texts(3_000, seed) for seed, name in enumerate("abcd")})
    pq.write_table(table, path, row_group_size=1_000, data_page_size=1 << 10)
    remote = Counting(path.read_bytes())
    file = BoundedParquet(remote, "a.parquet", pre_buffer=True)
    for group in range(3):
        before = remote.reads
        expected = table.select(["b", "c"]).slice(1_000 * group, 1_000)
        assert file.read(["b", "c"], group).equals(expected)
        assert remote.reads == before + 1
    assert list(file.rows(["a"], 100)) == table.select(["a"]).to_pylist()


def test_a_held_file_is_the_file() -> None:
    content = random.Random(1).randbytes(100_000)
    file = HeldFile(io.BytesIO(content))
    assert file.size == 100_000
    file.hold([(50_000, 60_000), (10, 20), (30_000, 10)])
    draw = random.Random(2)
    for _ in range(300):
        start, size = draw.randint(0, 110_000), draw.randint(0, 30_000)
        file.seek(start)
        assert file.read(size) == content[start : start + size]
        assert file.tell() == min(start + size, max(start, 100_000))
    file.seek(-10, io.SEEK_END)
    assert file.read() == content[-10:]


def test_threads_do_not_move_each_others_place() -> None:
    content = random.Random(1).randbytes(50_000)
    file = HeldFile(io.BytesIO(content))
    file.hold([(0, 20_000)])

    def read_at(start: int) -> bytes:
        file.seek(start)
        return file.read(100)

    draw = random.Random(2)
    starts = [draw.randint(0, 49_000) for _ in range(3_000)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_at, starts))
    assert found == [content[start : start + 100] for start in starts]


def test_a_chunk_beyond_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": texts(3_000)}), path, compression="none")
    content = path.read_bytes()
    path.write_bytes(b"PAR1" + content[-3_000:])
    with pytest.raises(InputError, match=r"a\.parquet: not a complete Parquet file"):
        BoundedParquet(path, path).read(["a"])
