"""Tables of text with a delimiter (CSV, TSV, ...), whose dialect is chosen by evidence.

A dialect fits if every row of the whole file has as many cells as the header. Commas in captions
have no vote. What fits in two ways that differ is decided by what a writer of each dialect would
have written, see `_quotings`; what fits in none is an error that shows the line.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from dvtr_bench.errors import AnnotationError
from dvtr_bench.reports.others_text import one_line

Quoting = Literal["doubled", "backslash", "none"]
Lines = Callable[[], Iterator[str]]
"""Opens the file anew and yields its lines with their ends."""

_DELIMITERS: Final = "\t;|,"
_SEP_LINE: Final = re.compile(r'"?sep=(.)\1*"?\s*', flags=re.IGNORECASE)
_COUNT: Final = re.compile(r"\d+(?:\.0)?")
_INDEX_NAMES: Final = re.compile(r"(?:Unnamed: \d+)?")
"""How pandas calls an index without a name: not at all or, when it has read that, such as this."""

_LETTERS_SHOWN: Final = 120


@dataclass(frozen=True)
class Dialect:
    """How a file separates and quotes its cells.

    Attributes:
        delimiter: Between cells.
        quoting: How a quote inside a quoted cell is written: twice, after a backslash, or as it is
            since quotes are text.
        skips_blanks: Whether blanks after a delimiter are none of the cell's.
        lines_before: Number of lines before the header.
    """

    delimiter: str
    quoting: Quoting
    skips_blanks: bool
    lines_before: int

    def read(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the first line and the cells of each record, the header's first.

        Raises:
            ValueError: The text does not follow the dialect.
        """
        start = self.lines_before + 1
        numbered = iter(lines)
        for _ in range(self.lines_before):
            next(numbered, None)
        if self.quoting == "backslash":
            # The csv module takes away any backslash; these escape nothing.
            others = re.compile(rf'\\(?![\\"{re.escape(self.delimiter)}])|\\$')
            numbered = (others.sub(r"\\\\", line) if "\\" in line else line for line in numbered)
        reader = csv.reader(
            numbered,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_NONE if self.quoting == "none" else csv.QUOTE_MINIMAL,
            escapechar="\\" if self.quoting == "backslash" else None,
            skipinitialspace=self.skips_blanks,
            strict=True,
        )
        try:
            for cells in reader:
                yield start, cells
                start = self.lines_before + reader.line_num + 1
        except csv.Error as failure:
            raise _NotThisDialect(start, str(failure)) from None


class _NotThisDialect(ValueError):
    """A record does not follow a dialect."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Record(NamedTuple):
    """One row of a file.

    Attributes:
        line: Number of its first line.
        cells: Text by column name.
    """

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class DelimitedFile:
    """A file of rows that all fit its header.

    Attributes:
        columns: Names of the columns.
        num_rows: Number of rows.
        left_out: Names of columns that only count rows, as pandas writes its index.
        records: Reads the rows, anew on every call.
    """

    columns: tuple[str, ...]
    num_rows: int
    left_out: tuple[str, ...]
    records: Callable[[], Iterator[Record]]


def open_delimited(path: Path, lines: Lines) -> DelimitedFile:
    """Choose the dialect of a file by reading the whole of it.

    Args:
        path: The file; the suffix ``.tsv`` says that tabs are preferred.
        lines: Opens it.

    Returns:
        The file; reading its rows raises nothing.

    Raises:
        AnnotationError: No dialect fits. The message shows the first row that does not, and a fix.
    """
    head = _Head.read(lines())
    failure: AnnotationError | None = None
    for dialect in _dialects(path, head, lines):
        try:
            return _check(path, lines, dialect)
        except AnnotationError as this:
            failure = failure or this
    raise failure or AnnotationError(f"{path}: expected at least one row of captions, found none")


@dataclass(frozen=True)
class _Head:
    """The header line of a file, the number of lines before it and the delimiter these state."""

    line: str
    lines_before: int
    stated: str | None

    @classmethod
    def read(cls, lines: Iterator[str]) -> "_Head":
        stated = None
        for number, line in enumerate(lines):
            if found := _SEP_LINE.fullmatch(line):
                stated = found[1]
            elif line.strip():
                return cls(line.rstrip("\r\n"), number, stated)
        return cls("", 0, stated)


def _dialects(path: Path, head: _Head, lines: Lines) -> Iterator[Dialect]:
    """Yield the dialects that may fit, the likeliest first."""
    if not head.line:
        return
    is_stated = head.stated is not None and head.stated in head.line
    delimiters = [head.stated or ""] if is_stated else _delimiters(path, head.line)
    for delimiter in delimiters:
        survey = _Survey.of(lines(), delimiter, head)
        for skips_blanks in _blanks(delimiter, head.line, survey):
            for quoting in _quotings(survey, delimiter):
                yield Dialect(delimiter, quoting, skips_blanks, head.lines_before)


def _delimiters(path: Path, header: str) -> list[str]:
    """Return the delimiters that the header contains, that of most columns first."""
    present = [one for one in _DELIMITERS if one in header]
    if path.suffix.lower() == ".tsv" and "\t" in present:
        return ["\t"]
    return sorted(present, key=header.count, reverse=True) or [","]


def _blanks(delimiter: str, header: str, survey: "_Survey") -> Sequence[bool]:
    """Return whether blanks after a delimiter may be skipped, the likelier answer first."""
    after = re.findall(re.escape(delimiter) + r"( ?)(?=.)", header)
    if delimiter == "\t":
        return (False,)
    if after and all(after):
        return (True,)
    return (True, False) if survey.blank_before_quote else (False, True)


@dataclass(frozen=True)
class _Survey:
    """What the lines of a file say about its quotes.

    Attributes:
        has_quotes: Whether there are any.
        lines_fit: Whether all lines have one number of cells if quotes are text.
        all_close: Whether each cell that begins with a quote ends with one, with an even number
            of quotes in it.
        doubled: Whether each such cell has its inner quotes doubled.
        backslashed: Whether each such cell has its inner quotes after a backslash.
        has_escapes: Whether a backslash stands before a quote that ends no cell and is not doubled.
        blank_before_quote: Whether a cell begins with a blank and a quote, and ends with a quote.
    """

    has_quotes: bool
    lines_fit: bool
    all_close: bool
    doubled: bool
    backslashed: bool
    has_escapes: bool
    blank_before_quote: bool

    @classmethod
    def of(cls, lines: Iterator[str], delimiter: str, head: _Head) -> "_Survey":
        escape = re.compile(rf'\\"(?!"|\s*(?:{re.escape(delimiter)}|$))')
        expected = head.line.rstrip(delimiter).count(delimiter)
        has_quotes = has_escapes = blank_before_quote = False
        lines_fit = all_close = doubled = backslashed = True
        for number, line in enumerate(lines):
            text = line.rstrip("\r\n")
            if number < head.lines_before or not text:
                continue
            # Trailing delimiters are empty columns of a spreadsheet.
            lines_fit = lines_fit and (
                text.count(delimiter) == expected
                or text.rstrip(delimiter).count(delimiter) <= expected < text.count(delimiter)
            )
            if '"' not in text:
                continue
            has_quotes = True
            has_escapes = has_escapes or bool(escape.search(text))
            for raw in text.split(delimiter):
                cell = raw.strip()
                if cell.startswith('"'):
                    inner = cell[1:-1]
                    closes = len(cell) > 1 and cell.endswith('"')
                    blank_before_quote = blank_before_quote or (raw[0] == " " and closes)
                    all_close = all_close and cell.count('"') % 2 == 0
                    doubled = doubled and closes and '"' not in inner.replace('""', "")
                    backslashed = backslashed and closes and '"' not in inner.replace('\\"', "")
        return cls(
            has_quotes,
            lines_fit,
            all_close,
            doubled,
            backslashed,
            has_escapes,
            blank_before_quote,
        )


def _quotings(survey: _Survey, delimiter: str) -> list[Quoting]:
    """Return the ways of quoting that may fit, the likeliest first.

    With tabs, quotes are text unless each cell that begins with one also ends with one. Otherwise
    they enclose cells; they are text only if no line could be read so, and no cell is left open.
    A backslash escapes a quote if no program would have written it there as text.
    """
    if not survey.has_quotes:
        return ["doubled"]
    enclosing: list[Quoting] = ["doubled", "backslash"]
    if survey.has_escapes:
        enclosing.reverse()
    if not survey.lines_fit:
        return enclosing
    if delimiter == "\t":
        if survey.backslashed and survey.has_escapes:
            return ["backslash", "none"]
        return ["doubled", "none"] if survey.doubled else ["none"]
    return [*enclosing, "none"] if survey.all_close else enclosing


def _check(path: Path, lines: Lines, dialect: Dialect) -> DelimitedFile:
    """Read a whole file in a dialect; raise at the first row that does not fit."""
    line = dialect.lines_before + 1
    header: list[str] = []
    num_rows = num_named = 0
    counts_rows = True
    try:
        for line, cells in dialect.read(lines()):
            if not header:
                header = [name.strip() for name in cells]
                num_named = _check_header(path, line, header)
            elif any(cells):
                _check_row(path, line, header[:num_named], cells, dialect)
                counts_rows = counts_rows and bool(_COUNT.fullmatch(cells[0]))
                num_rows += 1
    except _NotThisDialect as failure:
        shown = _shown(lines, failure.line)
        raise AnnotationError(
            f"{path}, line {failure.line}: not CSV ({failure}): {shown}. A caption that "
            'begins with a quote ends with one, and a quote inside it is written twice: "a sign '
            '""STOP"" beside a road"'
        ) from None
    is_index = bool(header) and bool(_INDEX_NAMES.fullmatch(header[0]))
    if is_index and not header[0] and not (counts_rows and num_rows):
        raise _nameless(path, dialect.lines_before + 1, 0)
    skipped = 1 if is_index and counts_rows else 0
    columns = tuple(header[skipped:num_named])
    return DelimitedFile(
        columns,
        num_rows,
        tuple(header[:skipped]),
        partial(_records, lines, dialect, columns, skipped),
    )


def _records(
    lines: Lines, dialect: Dialect, columns: Sequence[str], skipped: int
) -> Iterator[Record]:
    rows = dialect.read(lines())
    next(rows, None)
    end = skipped + len(columns)
    for line, cells in rows:
        if any(cells):
            yield Record(line, dict(zip(columns, cells[skipped:end], strict=True)))


def _check_header(path: Path, line: int, header: Sequence[str]) -> int:
    """Check the names of columns; return their number without empty ones at the right end."""
    num_named = len(header)
    while num_named and not header[num_named - 1]:
        num_named -= 1
    named = header[:num_named]
    twice = sorted(name for name, count in Counter(named).items() if name and count > 1)
    if twice:
        raise AnnotationError(f"{path}, line {line}: the column {twice[0]!r} occurs twice")
    if "" in named[1:]:
        raise _nameless(path, line, named.index("", 1))
    return num_named


def _nameless(path: Path, line: int, index: int) -> AnnotationError:
    return AnnotationError(
        f"{path}, line {line}: column {index + 1} has no name: expected a header line such as "
        "file_name,caption"
    )


def _check_row(
    path: Path, line: int, names: Sequence[str], cells: Sequence[Any], dialect: Dialect
) -> None:
    expected = len(names)
    if len(cells) == expected or (len(cells) > expected and not any(cells[expected:])):
        return
    fix = (
        f"put captions that contain {dialect.delimiter!r} into double quotes"
        if len(cells) > expected
        else "write an empty cell where nothing is known"
    )
    raise AnnotationError(
        f"{path}, line {line}: expected {expected} cells ({', '.join(names)}), found {len(cells)}: "
        f"{one_line(dialect.delimiter.join(cells), _LETTERS_SHOWN)!r}: {fix}"
    )


def _shown(lines: Lines, number: int) -> str:
    for count, line in enumerate(lines(), start=1):
        if count == number:
            return repr(one_line(line.rstrip("\r\n"), _LETTERS_SHOWN))
    return "the end of the file"
