"""Interpretation of a caption table: the columns of clip, captions, split and group."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from builders.sources.caption_table import Table, TableRow
from builders.sources.segments import Segment
from builders.sources.text_file import MISSING_WORDS, ListCellError, parse_list
from dvtr_bench.errors import AnnotationError
from dvtr_bench.reading.border import reading

FILE_COLUMNS: Final = tuple(
    "file_name video_file_name filename file video clip path video_path clip_path".split()
)
ID_COLUMNS: Final = ("video_id", "clip_id", "videoid", "key", "id")
_ROW_NUMBER: Final = "id"
"""Names a clip or, beside another column that does, may number the rows."""

CAPTION_COLUMNS: Final = tuple(
    "caption captions text texts description descriptions sentence sentences comment "
    "comments".split()
)
SPLIT_COLUMN: Final = "split"
CATEGORY_COLUMN: Final = "category"
GROUP_COLUMN: Final = "group"
TIME_COLUMNS: Final = ("start_seconds", "end_seconds")
"""Start and end of a clip that is a part of its file. Not ``start`` and ``end``, which tables also
have for frame numbers and for where in some other video a clip was cut out."""
_NUMBERED: Final = re.compile(
    r"(?P<name>[a-z]+)(?:[_. -]?(?P<number>\d{1,9}))?", flags=re.IGNORECASE
)
SPLIT_NAMES: Final = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "validate", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class CaptionRow(NamedTuple):
    """The content of one row of a caption table.

    Attributes:
        where: File and line, for messages.
        file_name: The clip's file; None without such a column.
        video_id: The clip's id; None without such a column.
        captions: At least one caption, verbatim.
        split: Name of the split; None without such a column.
        category: The clip's category; None without such a column or if the cell is empty.
        group: The clip's group; None without such a column.
        extra: All other columns, as text; None for an empty cell.
        num_missing: Number of missing values (``None``, ``nan``, ...) among the captions.
        segment: The part of the file that the clip is; None for the whole file.
    """

    where: str
    file_name: str | None
    video_id: str | None
    captions: tuple[str, ...]
    split: str | None
    category: str | None
    group: str | None
    extra: Mapping[str, str | None]
    num_missing: int = 0
    segment: Segment | None = None


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns, by their meaning, and remarks for the card on them."""

    file: str | None
    video_id: str | None
    captions: tuple[str, ...]
    split: str | None
    category: str | None
    group: str | None
    extra: tuple[str, ...]
    notes: tuple[str, ...] = ()
    times: tuple[str | None, str | None] = (None, None)

    @property
    def wide(self) -> bool:
        """Whether there are several caption columns, in which cells may be empty."""
        return len(self.captions) > 1


def find_columns(table: Table, group_by: str | None = None) -> Columns:
    """Identify the columns of a table by their names, ignoring case.

    Args:
        table: The table.
        group_by: The column of groups; None for ``group``, if there is one.

    Returns:
        The columns.

    Raises:
        AnnotationError: There is no column of clips or of captions, or no column `group_by`; or a
            name holds a control character.
    """
    names = table.columns
    by_lower = {name.lower(): name for name in names}
    file = _first(by_lower, FILE_COLUMNS)
    video_id = _first(by_lower, ID_COLUMNS)
    notes: tuple[str, ...] = ()
    start, end = map(by_lower.get, TIME_COLUMNS)
    if file and video_id and video_id.lower() == _ROW_NUMBER:
        if _numbers_rows(table, file, video_id, (start, end)):
            notes = (f"The column {video_id!r} numbers rows: clips are named by {file!r}.",)
            video_id = None
    captions = _caption_columns(names)
    if not (file or video_id) or not captions:
        missing = (
            f"the clip ({', '.join(FILE_COLUMNS + ID_COLUMNS)})"
            if captions
            else f"captions ({', '.join(CAPTION_COLUMNS)}, or caption_1, caption_2, ...)"
        )
        raise AnnotationError(
            f"{table.path}: expected a column for {missing}; found {', '.join(names)}"
        )
    if group_by and group_by not in names:
        raise AnnotationError(
            f"{table.path}: --group-by {group_by}: no such column; found {', '.join(names)}"
        )
    group = group_by or by_lower.get(GROUP_COLUMN)
    split, category = by_lower.get(SPLIT_COLUMN), by_lower.get(CATEGORY_COLUMN)
    # The group remains a column of the dataset, since it is useful to know.
    used = {file, video_id, split, category, start, end, *captions}
    extra = tuple(name for name in names if name not in used)
    for name in extra:
        if odd := [letter for letter in name if unicodedata.category(letter)[0] == "C"]:
            raise AnnotationError(
                f"{table.path}: the column {name!r} has a character that cannot be shown "
                f"(U+{ord(odd[0]):04X}), which no reader of a dataset finds again: rename it"
            )
    return Columns(file, video_id, captions, split, category, group, extra, notes, (start, end))


def parse_row(row: TableRow, columns: Columns) -> CaptionRow:
    """Interpret and check one row.

    Args:
        row: The row.
        columns: The columns of its table.

    Returns:
        The content of the row.

    Raises:
        AnnotationError: The clip's name or a caption is empty, or the split is unknown.
    """
    with reading(row.where, "a row of captions", AnnotationError, "mend it"):
        return _parse_row(row, columns)


def _parse_row(row: TableRow, columns: Columns) -> CaptionRow:
    cells = row.cells
    file_name = _text(row, columns.file) if columns.file else None
    video_id = _text(row, columns.video_id) if columns.video_id else None
    group = _as_text(cells.get(columns.group)) if columns.group else None
    if columns.group and group is None:
        raise AnnotationError(f"{row.where}: the column {columns.group!r} (group) is empty")
    captions, num_missing = _captions(row, columns)
    return CaptionRow(
        where=row.where,
        file_name=file_name,
        video_id=video_id,
        captions=captions,
        split=_split(row, columns.split) if columns.split else None,
        category=_as_text(cells.get(columns.category)) if columns.category else None,
        group=group,
        extra={name: _as_text(cells.get(name)) for name in columns.extra},
        num_missing=num_missing,
        segment=_segment(row, columns),
    )


def has_captions(names: Iterable[str]) -> bool:
    """Return whether one of these columns has captions."""
    return bool(_caption_columns(names))


def _caption_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return all columns of captions: those of one name, by their numbers, the bare name first."""
    numbers: dict[str, list[tuple[int, str]]] = {}
    for column in names:
        found = _NUMBERED.fullmatch(column)
        if found and found["name"].lower() in CAPTION_COLUMNS:
            name = found["name"].lower().removesuffix("s")
            numbers.setdefault(name, []).append((int(found["number"] or -1), column))
    for name in CAPTION_COLUMNS:
        if name in numbers:
            ordered = sorted(numbers[name], key=lambda numbered: numbered[0])
            return tuple(column for _, column in ordered)
    return ()


def _numbers_rows(
    table: Table, file: str, row_id: str, times: tuple[str | None, str | None]
) -> bool:
    """Return whether a column numbers the rows of captions, or captions, and not clips.

    It does if a clip has several values, or if the values count up by one from row to row.
    """
    previous: int | None = None
    counts_up = True
    id_of: dict[object, object] = {}
    for row in table:
        value = row.cells.get(row_id)
        clip = (
            _as_text(_clip_name(row.cells.get(file))),
            *(_as_text(row.cells.get(name or "")) for name in times),
        )
        if id_of.setdefault(clip, value) != value:
            return True
        digits = str(value) if isinstance(value, str | int) else ""
        number = int(digits) if digits.isdecimal() and len(digits) < 19 else None
        counts_up = counts_up and number is not None and previous in (None, number - 1)
        previous = number
    return counts_up


def _segment(row: TableRow, columns: Columns) -> Segment | None:
    """Return the times of a row; those without meaning are left to the decoder, clip by clip."""
    start, end = (_seconds(row, column) for column in columns.times)
    return None if start is None and end is None else Segment(start or 0.0, end)


def _seconds(row: TableRow, column: str | None) -> float | None:
    text = _as_text(row.cells.get(column)) if column else None
    if text is None or not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise AnnotationError(
            f"{row.where}: column {column!r}: expected a time in seconds such as 12.5, or an empty "
            f"cell, found {text!r}"
        ) from None


def _first(by_lower: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _text(row: TableRow, column: str) -> str:
    text = _as_text(_clip_name(row.cells.get(column)))
    if text is None:
        raise AnnotationError(f"{row.where}: the column {column!r} is empty")
    return text


def _clip_name(value: object) -> object:
    """Return the name of a clip; Hugging Face's feature Video has it as ``path``."""
    return value["path"] if isinstance(value, dict) and "path" in value else value


def _as_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _split(row: TableRow, column: str) -> str:
    text = _as_text(row.cells.get(column))
    name = SPLIT_NAMES.get((text or "").strip().lower())
    if name is None:
        raise AnnotationError(
            f"{row.where}: column {column!r}: expected train, validation (or val) or test in every "
            f"row, found {text!r}; without this column the split is drawn"
        )
    return name


def _captions(row: TableRow, columns: Columns) -> tuple[tuple[str, ...], int]:
    """Return the captions of a row, and the number of missing values among them."""
    if not columns.wide:
        value: Any = row.cells.get(columns.captions[0])
        # Most captions are plain texts: a million of them are read here.
        is_text = isinstance(value, str) and value[:1].isalpha() and value not in MISSING_WORDS
        if is_text and not value.startswith("array("):
            return (value,), 0
    found: list[object] = []
    cells: list[tuple[bool, list[object]]] = []
    for column in columns.captions:
        value = row.cells.get(column)
        if columns.wide and (value is None or value == ""):
            continue
        items = _listed(row, column, value)
        cells.append((items is None, ["" if value is None else value] if items is None else items))
    in_lists = [item for is_single, items in cells if not is_single for item in items]
    for is_single, items in cells:
        # Beside a list of captions, one of them may stand alone: "caption" and "captions".
        found += [item for item in items if not (is_single and item in in_lists)]
    captions = [caption for caption in found if not _is_missing(caption)]
    for caption in captions:
        if isinstance(caption, list | dict):
            raise AnnotationError(
                f"{row.where}: a caption that is no text ({json.dumps(caption)[:60]}): expected a "
                "text, or a list of texts"
            )
        if not isinstance(caption, str) or not caption.split():
            raise AnnotationError(
                f"{row.where}: a caption without words ({caption!r}): write it or remove the row"
            )
    if not captions:
        missing = f" ({found[0]!r} stands for a missing value)" if found else ""
        raise AnnotationError(f"{row.where}: no caption{missing}: write one or remove the row")
    return tuple(map(str, captions)), len(found) - len(captions)


def _listed(row: TableRow, column: str, value: Any) -> list[Any] | None:
    """Return the items of a list, or of a list that a program printed; None for one caption."""
    if not isinstance(value, str):
        return value if isinstance(value, list) else None
    try:
        return parse_list(value)
    except ListCellError as failure:
        raise AnnotationError(f"{row.where}: the column {column!r} holds {failure}") from None


def _is_missing(caption: object) -> bool:
    if isinstance(caption, str):
        return caption.strip() in MISSING_WORDS
    return caption is None or (isinstance(caption, float) and math.isnan(caption))
