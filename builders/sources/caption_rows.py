"""Interpretation of a caption table: the columns of clip, captions, split and group."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from builders.sources.caption_table import Table, TableRow
from builders.sources.segments import Segment
from dvtr_bench.errors import AnnotationError

FILE_COLUMNS: Final = tuple(
    "file_name video_file_name filename file video clip path video_path clip_path".split()
)
ID_COLUMNS: Final = ("video_id", "clip_id", "id")
CAPTION_COLUMNS: Final = tuple(
    "caption captions text texts description descriptions sentence sentences".split()
)
SPLIT_COLUMN: Final = "split"
CATEGORY_COLUMN: Final = "category"
GROUP_COLUMN: Final = "group"
TIME_COLUMNS: Final = ("start_seconds", "end_seconds")
"""Start and end of a clip that is a part of its file. Not ``start`` and ``end``, which tables also
have for frame numbers and for where in some other video a clip was cut out."""
_NUMBERED: Final = re.compile(r"(?:caption|text|description|sentence)_?(\d+)", flags=re.IGNORECASE)
SPLIT_NAMES: Final = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
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
    segment: Segment | None = None


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns, by their meaning."""

    file: str | None
    video_id: str | None
    captions: tuple[str, ...]
    split: str | None
    category: str | None
    group: str | None
    extra: tuple[str, ...]
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
        AnnotationError: There is no column of clips or of captions, or no column `group_by`.
    """
    names = table.columns
    by_lower = {name.lower(): name for name in names}
    file = _first(by_lower, FILE_COLUMNS)
    video_id = _first(by_lower, ID_COLUMNS)
    caption = _first(by_lower, CAPTION_COLUMNS)
    numbered = sorted(
        (name for name in names if _NUMBERED.fullmatch(name)),
        key=lambda name: int(re.sub(r"\D", "", name)),
    )
    captions = (caption,) if caption else tuple(numbered)
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
    start, end = map(by_lower.get, TIME_COLUMNS)
    used = {file, video_id, split, category, start, end, *captions}
    extra = tuple(name for name in names if name not in used)
    return Columns(file, video_id, captions, split, category, group, extra, (start, end))


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
    cells = row.cells
    file_name = _text(row, columns.file) if columns.file else None
    video_id = _text(row, columns.video_id) if columns.video_id else None
    group = _as_text(cells.get(columns.group)) if columns.group else None
    if columns.group and group is None:
        raise AnnotationError(f"{row.where}: the column {columns.group!r} (group) is empty")
    return CaptionRow(
        where=row.where,
        file_name=file_name,
        video_id=video_id,
        captions=_captions(row, columns),
        split=_split(row, columns.split) if columns.split else None,
        category=_as_text(cells.get(columns.category)) if columns.category else None,
        group=group,
        extra={name: _as_text(cells.get(name)) for name in columns.extra},
        segment=_segment(row, columns),
    )


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
    text = _as_text(row.cells.get(column))
    if text is None:
        raise AnnotationError(f"{row.where}: the column {column!r} is empty")
    return text


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


def _captions(row: TableRow, columns: Columns) -> tuple[str, ...]:
    captions: list[str] = []
    for column in columns.captions:
        value = row.cells.get(column)
        if columns.wide and (value is None or value == ""):
            continue
        captions.extend(_caption_list(value))
    for caption in captions:
        if not isinstance(caption, str) or not caption.split():
            raise AnnotationError(
                f"{row.where}: a caption without words ({caption!r}): write it or remove the row"
            )
    if not captions:
        raise AnnotationError(f"{row.where}: no caption: write one or remove the row")
    return tuple(captions)


def _caption_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str) and value.lstrip().startswith("["):
        return _parse_list(value) or [value]
    return ["" if value is None else value]


def _parse_list(text: str) -> list[str] | None:
    """Parse a list in a cell, in JSON or, as pandas writes it, in Python."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
    return None
