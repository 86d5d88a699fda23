"""Parquet files that others wrote: opened and read within bounds.

A footer states how many rows and bytes follow; pages may unpack to more than it states; and a
dictionary, or a text that repeats the one before it, lets a few bytes stand for any number of long
values. All are measured before memory is taken.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import reading, require_size
from dvtr_bench.reading.held_file import HeldFile
from dvtr_bench.reading.parquet_footer import check_footer
from dvtr_bench.reading.parquet_pages import (
    Page,
    chunk_range,
    longest_entry,
    read_pages,
    repeated_bytes,
)

LARGEST_UNPACKED_BYTES: Final = 1 << 31
"""Columns of a file that unpack to more are not read at once."""

_SMALL_BYTES: Final = 1 << 29
_MOST_VALUES_PER_BYTE: Final = 64
_VALUES_OF_SMALL_FILES: Final = 10_000
_LARGEST_TEXT_OF_FOOTER: Final = 1 << 27
_MOST_ITEMS_OF_FOOTER: Final = 1_000_000
_KIND: Final = "a complete Parquet file"
_WIDTHS: Final = {
    **{"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8},
    "BYTE_ARRAY": 4,
}
"""What Arrow keeps of a value besides its bytes; of another type, its length."""

_TAIL_BYTES: Final = 1 << 16
"""Of a file over the network: as much as Arrow asks for first; most footers are shorter."""

_ENTRY_BYTES: Final = 16
"""What Arrow keeps of an entry of a dictionary."""


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
            source: A path, or a file that is open for reading bytes.
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
        self._source = source if isinstance(source, str | Path) else HeldFile(source)
        with self._reading():
            if isinstance(self._source, HeldFile):
                self._size = self._source.size
                self._source.hold([(max(0, self._size - _TAIL_BYTES), _TAIL_BYTES)])
            else:
                self._size = Path(self._source).stat().st_size
            self.file = pq.ParquetFile(
                self._source,
                thrift_string_size_limit=_LARGEST_TEXT_OF_FOOTER,
                thrift_container_size_limit=_MOST_ITEMS_OF_FOOTER,
                **options,
            )
            with self._file_for(()) as file:
                check_footer(file, self._size, self.file.schema)
            self._groups = [
                self.file.metadata.row_group(group)
                for group in range(self.file.metadata.num_row_groups)
            ]
            first = self._groups[:1]
            self._paths = [
                group.column(place).path_in_schema
                for group in first
                for place in range(group.num_columns)
            ]
            self._columns = [_column_of(path, self.schema.names) for path in self._paths]
            self._unpacked: dict[tuple[int, int], int] = {}
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
            place = f"{self.where}: damaged after row {number}"
            with reading(place, self._kind, self._error, self._advice):
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
        if count > _VALUES_OF_SMALL_FILES + _MOST_VALUES_PER_BYTE * self._size:
            raise ValueError(f"its footer states {count:,} {called} in {self._size:,} bytes")

    def _require_columns(self, columns: Sequence[str]) -> None:
        names = self.schema.names
        if missing := [name for name in columns if name not in names]:
            raise ValueError(f"expected a column {missing[0]!r}, found {', '.join(names)[:200]}")

    def _require_bounded(self, columns: Sequence[str], groups: Sequence[int]) -> None:
        """Raise if columns unpack to too much, by their pages and what these repeat."""
        wanted = [
            (number, place)
            for number in groups
            for place, path in enumerate(self._paths)
            if any(path == name or path.startswith(f"{name}.") for name in columns)
        ]
        new = [chunk for chunk in wanted if chunk not in self._unpacked]
        with self._file_for(new) as file:
            for number, place in new:
                self._unpacked[number, place] = self._chunk_bytes(file, number, place)
        of_columns: Counter[str] = Counter()
        for number, place in wanted:
            of_columns[self._columns[place]] += self._unpacked[number, place]
        for name, num_bytes in of_columns.items():
            self._require_size(num_bytes, f"what the column {name!r} unpacks to")
        self._require_size(of_columns.total(), "what its columns unpack to")

    def _require_size(self, num_bytes: int, what: str) -> None:
        require_size(self.where, num_bytes, LARGEST_UNPACKED_BYTES, what, self._error)

    @contextmanager
    def _file_for(self, chunks: Sequence[tuple[int, int]]) -> Iterator[BinaryIO | HeldFile]:
        """Open the file itself; over the network, read the chunks at once, for Arrow too."""
        if isinstance(self._source, HeldFile):
            if chunks:
                self._source.hold(
                    chunk_range(self._groups[number].column(place)) for number, place in chunks
                )
            yield self._source
        else:
            with open(self._source, "rb") as file:
                yield file

    def _chunk_bytes(self, file: BinaryIO | HeldFile, number: int, place: int) -> int:
        """Return what a chunk of a column unpacks to."""
        group = self._groups[number]
        chunk = group.column(place)
        self._require_plausible(chunk.num_values, "values of a column")
        pages = list(read_pages(file, chunk, self._size))
        column = self.file.schema.column(place)
        width = _WIDTHS.get(chunk.physical_type, column.length)
        stated: int = max(
            chunk.total_uncompressed_size,
            chunk.num_values * width,
            sum(page.unpacked_bytes for page in pages),
        )
        stated += sum(page.num_values * _ENTRY_BYTES for page in pages if page.is_dictionary)
        field = self.schema.field(self._columns[place])
        padded = _padded_items(field.type)
        if padded > 1:
            rows = group.num_rows if pa.types.is_fixed_size_list(field.type) else chunk.num_values
            stated = max(stated, rows * padded * max(1, width))
        self._require_size(stated, f"what the column {field.name!r} unpacks to")
        if "BYTE_ARRAY" not in chunk.physical_type or chunk.num_values * stated <= _SMALL_BYTES:
            return stated
        if any(page.repeats for page in pages):
            return stated + self._repeated_bytes(file, chunk, column, pages)
        if chunk.physical_type == "BYTE_ARRAY" and any(page.refers for page in pages):
            return max(stated, self._referred_bytes(chunk.path_in_schema, number))
        return stated

    def _repeated_bytes(
        self, file: BinaryIO | HeldFile, chunk: Any, column: Any, pages: Sequence[Page]
    ) -> int:
        """Return what texts of a chunk repeat of those before them, and of its dictionary."""
        levels = column.max_repetition_level, column.max_definition_level
        codec = chunk.compression
        longest = max(
            (longest_entry(file, page, codec) for page in pages if page.is_dictionary), default=0
        )
        return sum(
            repeated_bytes(file, page, codec, levels)
            if page.repeats
            else page.num_values * longest * page.refers
            for page in pages
        )

    def _referred_bytes(self, leaf: str, group: int) -> int:
        """Return what a column of texts with a dictionary unpacks to, without unpacking it."""
        with (
            self._reading(),
            pq.ParquetFile(
                self._source, metadata=self.file.metadata, read_dictionary=[leaf]
            ) as packed,
        ):
            table = packed.read_row_groups([group], [leaf], use_threads=False)
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


def _column_of(path: str, names: Sequence[str]) -> str:
    """Return the column that a part of it, such as ``video.path``, belongs to."""
    return next(name for name in names if path == name or path.startswith(f"{name}."))


def _padded_items(kind: pa.DataType) -> int:
    """Return how many items one missing value of a type takes: lists of a fixed length are filled.

    The type is what the footer states, in a part that Arrow reads for itself.
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    items = max(
        (_padded_items(kind.field(number).type) for number in range(kind.num_fields)), default=1
    )
    return items * kind.list_size if pa.types.is_fixed_size_list(kind) else items
