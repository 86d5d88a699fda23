"""The Parquet files of a split, opened within bounds and read by row group."""

import bisect
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.parquet_files import BoundedParquet

if TYPE_CHECKING:
    import pyarrow as pa

ADVICE: Final = "build the dataset again"
"""What is said of a dataset that is damaged."""

_KIND: Final = "a complete Parquet file"


def open_shard(path: Path, num_rows: int) -> BoundedParquet:
    """Open one Parquet file of a dataset.

    Args:
        path: The file.
        num_rows: Rows that the manifest states.

    Returns:
        The open file.

    Raises:
        NotFoundError: It is missing.
        InputError: It is damaged, or has another number of rows.
    """
    try:
        opened = BoundedParquet(path, path, advice=ADVICE, memory_map=True)
    except FileNotFoundError:
        raise NotFoundError(
            f"{path} is missing but is listed in the dataset's manifest: {ADVICE}"
        ) from None
    if opened.num_rows != num_rows:
        raise InputError(
            f"{path}: {opened.num_rows:,} rows, the dataset's manifest states {num_rows:,}: "
            f"{ADVICE}"
        )
    return opened


class Shards:
    """Open Parquet files, and the row group read last: rows are mostly read in order.

    Threads may share an instance; a lock lets one of them read at a time.

    Args:
        files: The files of one config, in order.

    Attributes:
        process_id: The process that opened them.
    """

    def __init__(self, files: Sequence[BoundedParquet]) -> None:
        """Note where the row groups begin; nothing is read yet."""
        self.process_id = os.getpid()
        self._files = files
        self._groups: list[tuple[int, int]] = []
        self._starts: list[int] = []
        start = 0
        for number, file in enumerate(self._files):
            for group, num_rows in enumerate(file.group_rows):
                self._groups.append((number, group))
                self._starts.append(start)
                start += num_rows
        self._last_read: tuple[tuple[str, int], pa.Table] | None = None
        self._lock = threading.Lock()

    def cell(self, column: str, index: int) -> Any:
        """Return one value as Python objects."""
        position = bisect.bisect_right(self._starts, index) - 1
        with self._lock:
            if self._last_read is None or self._last_read[0] != (column, position):
                number, group = self._groups[position]
                table = self._files[number].read([column], group)
                self._last_read = ((column, position), table)
            table = self._last_read[1]
        with reading(self._files[self._groups[position][0]].where, _KIND, advice=ADVICE):
            return table[column][index - self._starts[position]].as_py()
