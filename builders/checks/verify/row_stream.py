"""Read rows of one config by file and row group, in bounded memory; what deviates is a finding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import brief_value, reading
from dvtr_bench.reading.parquet_files import BoundedParquet


@dataclass(frozen=True)
class Finding:
    """One deviation of a dataset from its manifest.

    Attributes:
        place: A file of the dataset, relative to its folder, or ``test split`` and the like.
        message: What was expected and what was found.
    """

    place: str
    message: str

    def __str__(self) -> str:
        """Place and message in one line."""
        return f"{self.place}: {self.message}"


def shown(value: object) -> str:
    """Return a value for a message; long ones are shortened.

    Example:
        >>> shown("a boat")
        "'a boat'"
    """
    return brief_value(value, 90)


OpenFile = Callable[[str], Any]
"""From a path relative to a dataset's folder to what PyArrow opens: ``folder.joinpath``, or a file
that is read over the network."""


class Row(NamedTuple):
    """One row and its position.

    Attributes:
        path: The file, relative to the dataset's folder.
        number: The row in it, from 0.
        values: By column.
    """

    path: str
    number: int
    values: dict[str, Any]


class UnreadableRowsError(Exception):
    """Rows of a file that cannot be read, though the file opens.

    Attributes:
        path: The file, relative to the dataset's folder.
    """

    def __init__(self, path: str, first: int, last: int, reason: str) -> None:
        """Name the rows and the reason."""
        super().__init__(f"rows {first:,} to {last:,} cannot be read ({reason})")
        self.path = path


def read_groups(
    open_file: OpenFile, paths: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[str, int, pa.Table]]:
    """Read row groups in order.

    Args:
        open_file: Opens files of the dataset.
        paths: Files of one config, in order.
        columns: The columns to read.

    Yields:
        The file, the number of its first row in the group, and the rows.

    Raises:
        FileNotFoundError: A file is missing.
        InputError: A file is no Parquet file.
        UnreadableRowsError: A group is damaged.
    """
    for path in paths:
        # Pre-buffered: adjacent columns are read at once, which needs one network request instead
        # of one per column.
        file = BoundedParquet(open_file(path), path, pre_buffer=True)
        try:
            start = 0
            for group, count in enumerate(file.group_rows):
                try:
                    table = file.read(columns, group)
                except InputError as failure:
                    reason = str(failure).removeprefix(f"{path}: ")
                    raise UnreadableRowsError(path, start, start + count - 1, reason) from failure
                yield path, start, table
                start += count
        finally:
            file.close()


def read_rows(open_file: OpenFile, paths: Sequence[str], columns: Sequence[str]) -> Iterator[Row]:
    """Read rows in order, as Python values.

    Args:
        open_file: Opens files of the dataset.
        paths: Files of one config, in order.
        columns: The columns to read.

    Yields:
        One row at a time.

    Raises:
        UnreadableRowsError: A group is damaged.
    """
    for path, start, table in read_groups(open_file, paths, columns):
        for batch in table.to_batches(max_chunksize=1_000):
            for number, values in enumerate(python_values(path, start, batch), start):
                yield Row(path, number, values)
            start += batch.num_rows


def python_values(path: str, start: int, batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    """Return rows as Python values.

    Args:
        path: The file, relative to the dataset's folder.
        start: Number of the first row.
        batch: The rows.

    Returns:
        One dict per row.

    Raises:
        UnreadableRowsError: Text that is not UTF-8.
    """
    try:
        with reading(path, "rows of a dataset"):
            rows: list[dict[str, Any]] = batch.to_pylist()
            return rows
    except InputError as failure:
        last, reason = start + batch.num_rows - 1, str(failure).removeprefix(f"{path}: ")
        raise UnreadableRowsError(path, start, last, reason) from failure
