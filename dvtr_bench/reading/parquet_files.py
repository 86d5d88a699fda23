"""Parquet files that others wrote: opened and read within bounds.

A footer states how many rows and bytes follow, and a dictionary lets a few bytes stand for any
number of long values. Both are held against the file's size before memory is taken.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import reading, require_size

LARGEST_UNPACKED_BYTES: Final = 1 << 31
"""Columns of a file that unpack to more are not read at once."""

_CERTAINLY_SMALL_BYTES: Final = 1 << 29
_MOST_VALUES_PER_BYTE: Final = 64
_VALUES_OF_SMALL_FILES: Final = 10_000
_LARGEST_TEXT_OF_FOOTER: Final = 1 << 27
_MOST_ITEMS_OF_FOOTER: Final = 1_000_000
_KIND: Final = "a complete Parquet file"


class BoundedParquet:
    """An open Parquet file of others.

    Attributes:
        file: PyArrow's file; what is read through it directly is not bounded.
        where: Its name, for messages.
    """

    def __init__(
        self,
        source: Any,
        where: Path | str,
        *,
        error: type[DvtrError] = InputError,
        advice: str = "get the file again",
        kind: str = _KIND,
        **options: Any,
    ) -> None:
        """Open a file and check what its footer states.

        Args:
            source: A path, or what PyArrow opens.
            where: Its name, for messages.
            error: Type of the errors to raise.
            advice: What to do about them.
            kind: What the file should be.
            **options: For PyArrow's ParquetFile.

        Raises:
            FileNotFoundError: There is no such file.
            DvtrError: It is no Parquet file, or states sizes that it cannot have; of the type
                ``error``.
        """
        self.where = where
        self._error = error
        self._advice = advice
        self._kind = kind
        self._source = source
        with self._reading():
            self.file = pq.ParquetFile(
                source,
                thrift_string_size_limit=_LARGEST_TEXT_OF_FOOTER,
                thrift_container_size_limit=_MOST_ITEMS_OF_FOOTER,
                **options,
            )
            self._groups = [
                self.file.metadata.row_group(group)
                for group in range(self.file.metadata.num_row_groups)
            ]
            is_path = isinstance(source, str | Path)
            self._size = Path(source).stat().st_size if is_path else None
            self._check_footer()

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return sum(group.num_rows for group in self._groups)

    @property
    def group_rows(self) -> list[int]:
        """Number of rows of each row group."""
        return [group.num_rows for group in self._groups]

    @property
    def schema(self) -> pa.Schema:
        """Columns and metadata."""
        return self.file.schema_arrow

    def close(self) -> None:
        """Close the file."""
        self.file.close(force=True)

    def read(self, columns: Sequence[str], group: int | None = None) -> pa.Table:
        """Read columns.

        Args:
            columns: Their names.
            group: A row group; None for all.

        Returns:
            A table.

        Raises:
            DvtrError: They cannot be read, or unpack to more than `LARGEST_UNPACKED_BYTES`.
        """
        groups = list(range(len(self._groups))) if group is None else [group]
        with self._reading():
            self._require_columns(columns)
            self._require_bounded(columns, groups)
            table = self.file.read_row_groups(groups, list(columns), use_threads=False)
            expected = sum(self._groups[number].num_rows for number in groups)
            if table.num_rows != expected:
                raise ValueError(f"{table.num_rows:,} rows, its footer states {expected:,}")
            return table

    def rows(self, leaves: Sequence[str], batch_rows: int) -> Iterator[dict[str, Any]]:
        """Yield all rows as Python values; few are in memory.

        Args:
            leaves: Names of columns, or of parts of them (``video.path``).
            batch_rows: Rows that are read at once.

        Raises:
            DvtrError: They cannot be read, or a row group unpacks to more than
                `LARGEST_UNPACKED_BYTES`.
        """
        number = 0
        for group in range(len(self._groups)):
            with self._reading():
                self._require_bounded(leaves, [group])
            batches = self.file.iter_batches(
                batch_rows, row_groups=[group], columns=list(leaves), use_threads=False
            )
            while True:
                place = f"{self.where}: damaged after row {number}"
                with reading(place, self._kind, self._error, self._advice):
                    batch = next(batches, None)
                    rows = [] if batch is None else batch.to_pylist()
                if batch is None:
                    break
                number += len(rows)
                yield from rows

    def _reading(self) -> Any:
        return reading(self.where, self._kind, self._error, self._advice)

    def _check_footer(self) -> None:
        num_rows = self.num_rows
        if self.file.metadata.num_rows != num_rows or min(self.group_rows, default=0) < 0:
            raise ValueError("its footer contradicts itself about the number of rows")
        self._require_plausible(num_rows, "rows")
        names = self.schema.names
        if len(set(names)) != len(names):
            raise ValueError("two columns have one name")

    def _require_plausible(self, count: int, called: str) -> None:
        if self._size is None:  # read over the network, by parts
            return
        if count > _VALUES_OF_SMALL_FILES + _MOST_VALUES_PER_BYTE * self._size:
            raise ValueError(f"its footer states {count:,} {called} in {self._size:,} bytes")

    def _require_columns(self, columns: Sequence[str]) -> None:
        names = self.schema.names
        if missing := [name for name in columns if name not in names]:
            raise ValueError(f"expected a column {missing[0]!r}, found {', '.join(names)[:200]}")

    def _require_bounded(self, columns: Sequence[str], groups: Sequence[int]) -> None:
        """Raise if columns unpack to too much, by what the footer states and the dictionaries."""
        stated = 0
        suspects: dict[str, None] = {}
        for number in groups:
            group = self._groups[number]
            for place in range(group.num_columns):
                chunk = group.column(place)
                path = chunk.path_in_schema
                if not any(path == name or path.startswith(f"{name}.") for name in columns):
                    continue
                self._require_plausible(chunk.num_values, "values of a column")
                stated += max(0, chunk.total_uncompressed_size)
                if (
                    chunk.physical_type == "BYTE_ARRAY"
                    and any("DICTIONARY" in encoding for encoding in chunk.encodings)
                    and chunk.num_values * chunk.total_uncompressed_size > _CERTAINLY_SMALL_BYTES
                ):
                    suspects[path] = None
        require_size(
            self.where, stated, LARGEST_UNPACKED_BYTES, "what its columns unpack to", self._error
        )
        for path in suspects:
            require_size(
                self.where,
                self._unpacked_bytes(path, groups),
                LARGEST_UNPACKED_BYTES,
                f"what the column {path.partition('.')[0]!r} unpacks to",
                self._error,
            )

    def _unpacked_bytes(self, leaf: str, groups: Sequence[int]) -> int:
        """Return what a column of texts unpacks to, without unpacking it."""
        with self._reading(), pq.ParquetFile(self._source, read_dictionary=[leaf]) as packed:
            table = packed.read_row_groups(list(groups), [leaf], use_threads=False)
        num_bytes = 0
        for array in table.column(0).chunks:
            while pa.types.is_nested(array.type) and not pa.types.is_dictionary(array.type):
                array = array.field(0) if pa.types.is_struct(array.type) else array.flatten()
            if not pa.types.is_dictionary(array.type):
                num_bytes += array.nbytes
            elif len(array.dictionary):
                lengths = pc.binary_length(array.dictionary)
                num_bytes += pc.sum(pc.take(lengths.cast(pa.int64()), array.indices)).as_py() or 0
        return num_bytes
