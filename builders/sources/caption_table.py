"""Reading of users' tables in CSV, JSONL, JSON or Parquet as rows of named cells."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from builders.sources.delimited import open_delimited
from builders.sources.json_forms import (
    find_form,
    is_in_two_languages,
    object_cells,
    published_cells,
    read_entries,
)
from builders.sources.text_file import read_lines, read_text
from dvtr_bench.errors import AnnotationError, NotFoundError
from dvtr_bench.reading.json_toml_text import parse_json_values, parse_published_json
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from dvtr_bench.reading.parquet_files import BoundedParquet

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

SHOWS_PROGRESS_ROWS: Final = 100_000
"""Tables of at least this many rows show a progress bar."""

_ADVANCE_ROWS: Final = 1_000
_BATCH_ROWS: Final = 4_096
_VIDEOS_AT_ONCE: Final = 8
_PANDAS_INDEX: Final = "__index_level_0__"


class TableRow(NamedTuple):
    """One row of a table.

    Attributes:
        where: File and line or row, for messages.
        cells: Values by column name: strings in CSV, any JSON values in other formats.
    """

    where: str
    cells: Mapping[str, Any]


class Table:
    """The rows of a table in file order, read from the file on every iteration.

    Attributes:
        path: The file.
        columns: Names of all columns, in the order of their first occurrence.
        num_rows: Number of rows.
        notes: Remarks for the card on what was not read, one sentence each.
    """

    def __init__(
        self,
        path: Path,
        rows: Callable[[], Iterator[TableRow]],
        columns: Iterable[str],
        num_rows: int,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Describe the rows, which were read once, so that errors of the file are found early.

        Args:
            path: The file.
            rows: Returns an iterator over its rows.
            columns: Names of all columns.
            num_rows: Number of rows.
            notes: Remarks for the card.

        Raises:
            AnnotationError: The file has no rows.
        """
        if not num_rows:
            raise AnnotationError(f"{path}: expected at least one row of captions, found none")
        self.path = path
        self.columns = tuple(columns)
        self.num_rows = num_rows
        self.notes = notes
        self._rows = rows

    def __iter__(self) -> Iterator[TableRow]:
        """Yield the rows; a large table shows its progress."""
        if self.num_rows < SHOWS_PROGRESS_ROWS:
            yield from self._rows()
            return
        with progress_bar(f"read {self.path.name}", self.num_rows) as advance:
            for number, row in enumerate(self._rows(), start=1):
                yield row
                if number % _ADVANCE_ROWS == 0:
                    advance(_ADVANCE_ROWS)
            advance(self.num_rows % _ADVANCE_ROWS)


def read_table(path: Path, encoding: str = "utf-8", language: str = "en") -> Table:
    """Read a table of captions.

    Args:
        path: A file with the suffix .csv, .tsv, .jsonl, .ndjson, .json or .parquet.
        encoding: Encoding of a text file; a UTF-8 byte order mark is accepted.
        language: Tag of the language that is wanted where a form has captions in several.

    Returns:
        Its rows, at least one.

    Raises:
        AnnotationError: The file's content does not match its suffix, or it has no rows.
        NotFoundError: There is no such file.
    """
    if not path.is_file():
        raise NotFoundError(f"--captions {path}: expected a file, found nothing")
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise AnnotationError(
            f"{path}: expected a name that ends in {', '.join(TABLE_SUFFIXES)}, found {suffix!r}"
        )
    if suffix == ".parquet":
        return _parquet_table(path)
    if suffix in {".csv", ".tsv"}:
        return _delimited_table(path, encoding)
    return _json_table(path, encoding, language)


def _delimited_table(path: Path, encoding: str) -> Table:
    file = open_delimited(path, partial(read_lines, path, encoding))

    def rows() -> Iterator[TableRow]:
        name = str(path)
        return (TableRow(f"{name}, line {line}", cells) for line, cells in file.records())

    return Table(path, rows, file.columns, file.num_rows, _index_notes(path, file.left_out))


def _index_notes(path: Path, left_out: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        f"The column {name!r} of {path.name}, which only counts rows, was left out."
        if name
        else f"The first column of {path.name}, which has no name and only counts rows, was left "
        "out."
        for name in left_out
    )


def _json_table(path: Path, encoding: str, language: str) -> Table:
    notes: dict[str, None] = {}
    rows: Callable[[], Iterator[TableRow]] = partial(_rows_of_values, path, encoding, notes)
    if path.suffix.lower() != ".json" and _has_one_object_a_line(path, encoding):
        rows = partial(_rows_of_lines, path, encoding)
    two_languages = f"{path.name} has captions in English and Chinese; those in one were read."
    columns: dict[str, None] = {}
    num_rows = 0
    for _, cells in rows():
        num_rows += 1
        columns.update(dict.fromkeys(published_cells(cells, language)))
        if is_in_two_languages(cells):
            notes[two_languages] = None

    def published() -> Iterator[TableRow]:
        return (TableRow(where, published_cells(cells, language)) for where, cells in rows())

    return Table(path, published, columns, num_rows, tuple(notes))


def _has_one_object_a_line(path: Path, encoding: str) -> bool:
    """Return whether the first line that is not empty is a row by itself."""
    for line in read_lines(path, encoding):
        if line.strip():
            try:
                value = parse_published_json(line, str(path), AnnotationError, unique=True)
            except AnnotationError:
                return False
            return not (isinstance(value, list) and all(isinstance(one, dict) for one in value))
    return True


def _rows_of_lines(path: Path, encoding: str) -> Iterator[TableRow]:
    for number, line in enumerate(read_lines(path, encoding), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            value = parse_published_json(line, where, AnnotationError, unique=True)
            yield TableRow(where, object_cells(where, value))


def _rows_of_values(path: Path, encoding: str, notes: dict[str, None]) -> Iterator[TableRow]:
    """Yield the rows of one value in a form that is known, or of objects that follow another."""
    text = read_text(path, encoding)
    values = list(parse_json_values(text, lambda line: f"{path}, line {line}", AnnotationError))
    if len(values) == 1 and not _is_row(values[0][1]):
        value = values[0][1]
        form = find_form(path, value)
        if form.note:
            notes[form.note] = None
        for place, cells in read_entries(path, form, value):
            yield TableRow(f"{path}, {place}", cells)
        return
    for line, value in values:
        where = f"{path}, line {line}"
        yield TableRow(where, object_cells(where, value))


def _is_row(value: object) -> bool:
    """Return whether an object that stands alone in its file is one row, not rows by id."""
    return isinstance(value, dict) and any(
        isinstance(value.get(key), str) for key in ("file_name", "video", "video_id")
    )


def _parquet_table(path: Path) -> Table:
    import pyarrow as pa

    file = _open_parquet(path)
    try:
        schema, num_rows = file.schema, file.num_rows
        _refuse_embedded_videos(path, file)
    finally:
        file.close()
    left_out = [
        name
        for name in schema.names
        if name == _PANDAS_INDEX and pa.types.is_integer(schema.field(name).type)
    ]
    columns = [name for name in schema.names if name not in left_out]
    # Of a video's bytes and path, only the path is read.
    leaves = [f"{name}.path" if _is_video(schema.field(name).type) else name for name in columns]
    return Table(
        path,
        partial(_parquet_rows, path, leaves),
        columns,
        num_rows,
        _index_notes(path, left_out),
    )


def _open_parquet(path: Path) -> "BoundedParquet":
    from dvtr_bench.reading.parquet_files import BoundedParquet

    return BoundedParquet(path, path, error=AnnotationError, kind="a Parquet file")


def _parquet_rows(path: Path, leaves: list[str]) -> Iterator[TableRow]:
    file, name = _open_parquet(path), str(path)
    try:
        for number, cells in enumerate(file.rows(leaves, _BATCH_ROWS), start=1):
            yield TableRow(f"{name}, row {number}", cells)
    finally:
        file.close()


def _is_video(kind: Any) -> bool:
    """Return whether a column is of Hugging Face's feature Video: bytes, path or both."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and {field.name for field in kind} == {"bytes", "path"}


def _refuse_embedded_videos(path: Path, file: "BoundedParquet") -> None:
    for name in file.schema.names:
        if not _is_video(file.schema.field(name).type):
            continue
        for row in file.rows([f"{name}.bytes"], _VIDEOS_AT_ONCE):
            if row[name]["bytes"] is not None:
                raise AnnotationError(
                    f"{path}: the column {name!r} holds the clips themselves. Write them to files "
                    'first and give their folder with --clips: see "Clips inside a Parquet file" '
                    "in docs/reference/caption-tables.md"
                )
