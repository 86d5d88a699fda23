"""Parquet files behind the border: read as PyArrow reads them, unless they unpack to too much."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.reading import parquet_files
from dvtr_bench.reading.parquet_files import BoundedParquet
from tests.hostile.making import bomb

TABLE = pa.table(
    {
        "name": [f"clip {n}" for n in range(100)],
        "words": [["a", "road"]] * 100,
        "picture": [{"bytes": b"x" * n, "path": None} for n in range(100)],
        "number": list(range(100)),
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pq.write_table(TABLE, tmp_path / "a.parquet", row_group_size=30)
    return tmp_path / "a.parquet"


@pytest.mark.parametrize(
    "columns", [["name"], ["words", "number"], ["picture"], TABLE.schema.names]
)
def test_columns_are_read_as_pyarrow_reads_them(path: Path, columns: list[str]) -> None:
    file = BoundedParquet(path, path)
    assert file.num_rows == 100
    assert file.group_rows == [30, 30, 30, 10]
    assert file.read(columns).equals(TABLE.select(columns))
    assert file.read(columns, 3).equals(TABLE.select(columns).slice(90))
    assert list(file.rows(columns, 7)) == TABLE.select(columns).to_pylist()


def test_a_part_of_a_column(path: Path) -> None:
    rows = list(BoundedParquet(path, path).rows(["picture.path"], 50))
    assert rows == [{"picture": {"path": None}}] * 100


def test_a_text_that_stands_in_many_rows_is_read_while_it_unpacks_to_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"caption": bomb(2_000), "nested": bomb(2_000, 3)}), path)
    assert len(BoundedParquet(path, path).read(["nested"])) == 2_000
    assert len(BoundedParquet(path, path).read(["caption"])) == 2_000  # 2,000 MiB of 2,048
    monkeypatch.setattr(parquet_files, "LARGEST_UNPACKED_BYTES", 2_000 << 20)
    assert len(BoundedParquet(path, path).read(["caption"])) == 2_000
    monkeypatch.setattr(parquet_files, "LARGEST_UNPACKED_BYTES", (2_000 << 20) - 1)
    with pytest.raises(ResultError, match=r"the column 'caption' unpacks to takes 2,097,152,000 b"):
        BoundedParquet(path, path, error=ResultError).read(["caption"])


def test_a_list_of_one_text_is_measured_too(tmp_path: Path) -> None:
    words = pa.ListArray.from_arrays(pa.array([0, 3_000, 3_000]), bomb(3_000))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"captions": words}), path)
    with pytest.raises(InputError, match="the column 'captions' unpacks to takes 3,145,728,000"):
        BoundedParquet(path, path).read(["captions"])


def test_what_is_missing_is_named(path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.parquet: .*expected a column 'caption', found name"):
        BoundedParquet(path, path).read(["caption"])
    with pytest.raises(FileNotFoundError):
        BoundedParquet(path.with_name("b.parquet"), path)
