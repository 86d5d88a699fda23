"""Reading of users' tables in CSV, JSONL, JSON or Parquet as rows of named cells."""

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError, NotFoundError

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+\Z")
_CSV_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")


class TableRow(NamedTuple):
    """One row of a table.

    Attributes:
        where: File and line or row, for messages.
        cells: Values by column name: strings in CSV, any JSON values in other formats.
    """

    where: str
    cells: Mapping[str, Any]


class Table:
    """The rows of a table in file order, parsed from its text on every iteration.

    Attributes:
        path: The file.
        columns: Names of all columns, in the order of their first occurrence.
    """

    def __init__(self, path: Path, rows: Callable[[], Iterator[TableRow]]) -> None:
        """Read all rows once, so that errors of the file are found early.

        Args:
            path: The file.
            rows: Returns an iterator over its rows.

        Raises:
            AnnotationError: The file has no rows, or a row is malformed.
        """
        self.path = path
        self._rows = rows
        columns: dict[str, None] = {}
        count = 0
        for count, row in enumerate(rows(), start=1):  # noqa: B007 (used after the loop)
            columns.update(dict.fromkeys(row.cells))
        if not count:
            raise AnnotationError(f"{path}: expected at least one row of captions, found none")
        self.columns = tuple(columns)

    def __iter__(self) -> Iterator[TableRow]:
        """Yield the rows."""
        return self._rows()


def read_table(path: Path, encoding: str = "utf-8") -> Table:
    """Read a table of captions.

    Args:
        path: A file with the suffix .csv, .tsv, .jsonl, .ndjson, .json or .parquet.
        encoding: Encoding of a text file; a UTF-8 byte order mark is accepted.

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
        return Table(path, partial(_parquet_rows, path))
    text = read_text(path, encoding)
    if suffix in {".csv", ".tsv"}:
        return Table(path, partial(_csv_rows, path, text))
    if suffix == ".json":
        return Table(path, partial(_json_rows, path, text))
    return Table(path, partial(_jsonl_rows, path, text))


def _csv_rows(path: Path, text: str) -> Iterator[TableRow]:
    header_line = text.partition("\n")[0]
    # Spreadsheet programs write semicolons in many languages.
    delimiter = max("\t;,", key=header_line.count)
    reader = csv.reader(_lines(_CSV_LINE, text), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        start = reader.line_num + 1
        for cells in reader:
            where = f"{path}, line {start}"
            start = reader.line_num + 1
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise AnnotationError(
                    f"{where}: expected {len(header)} cells ({', '.join(header)}), found "
                    f"{len(cells)}: put captions that contain {delimiter!r} into double quotes"
                )
            yield TableRow(where, dict(zip(header, cells, strict=True)))
    except csv.Error as failure:
        raise AnnotationError(f"{path}, line {reader.line_num}: not CSV ({failure})") from None


def _lines(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield lines with their ends, without a copy of the whole text as a list or a file."""
    return (line[0] for line in pattern.finditer(text))


def _check_header(path: Path, header: list[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise AnnotationError(f"{path}, line 1: the column {twice[0]!r} occurs twice")
    if "" in header:
        raise AnnotationError(
            f"{path}, line 1: column {header.index('') + 1} has no name: expected a header line "
            "such as file_name,caption"
        )


def _jsonl_rows(path: Path, text: str) -> Iterator[TableRow]:
    for number, line in enumerate(_lines(_LINE, text), start=1):
        if line.strip():
            yield _json_row(f"{path}, line {number}", line)


def _json_row(where: str, line: str) -> TableRow:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as failure:
        raise AnnotationError(f"{where}: not JSON ({failure})") from None
    return _object_row(where, value)


def _json_rows(path: Path, text: str) -> Iterator[TableRow]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as failure:
        raise AnnotationError(f"{path}: not JSON ({failure})") from None
    if not isinstance(values, list):
        raise AnnotationError(f"{path}: expected a list of objects, found {type(values).__name__}")
    for number, value in enumerate(values, start=1):
        yield _object_row(f"{path}, entry {number}", value)


def _object_row(where: str, value: object) -> TableRow:
    if not isinstance(value, dict):
        raise AnnotationError(
            f'{where}: expected an object such as {{"file_name": "a.mp4", "caption": "..."}}, '
            f"found {type(value).__name__}"
        )
    return TableRow(where, value)


def _parquet_rows(path: Path) -> Iterator[TableRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(path).iter_batches()
        rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
        for number, cells in enumerate(rows, start=1):
            yield TableRow(f"{path}, row {number}", cells)
    except pa.ArrowInvalid as failure:
        raise AnnotationError(f"{path}: not a Parquet file ({failure})") from None
