"""Rows of a user's tables by clip, and the columns that are the user's own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import pyarrow as pa

from builders.sources.caption_rows import CaptionRow
from builders.sources.matching import bullets
from builders.sources.named_clips import NamedClip
from builders.sources.packed import PackedGroups
from builders.sources.segments import SEGMENT_FIELDS
from dvtr_bench.dataset.manifest import TREATMENT_FIELD, VIDEO_FIELDS
from dvtr_bench.errors import AnnotationError
from dvtr_bench.runtime.wording import by_number, count_of

Value = TypeVar("Value")


_Tuples: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The values of a row and of its clip."""


class NamedRow(NamedTuple):
    """A row and the clip that it names."""

    row: CaptionRow
    clip: NamedClip


class NamedRows:
    """All rows of a user's tables, packed, since they are most of a build's memory.

    Attributes:
        rows_of: Rows by video id, in the order of the tables.
        clip_of: Clips by video id, as the last row of each names it.
    """

    def __init__(self, rows: Iterable[NamedRow]) -> None:
        """Pack the rows, which are in the order of the tables; those of a clip may stand apart."""
        # Plain tuples are unpacked in half the time.
        self._groups = PackedGroups(
            (clip.video_id, (tuple(row), tuple(clip))) for row, clip in rows
        )
        self.rows_of: Mapping[str, Sequence[CaptionRow]] = _ByClip(
            self._groups, lambda of_clip: [CaptionRow._make(row) for row, _ in of_clip]
        )
        self.clip_of: Mapping[str, NamedClip] = _ByClip(
            self._groups, lambda of_clip: NamedClip._make(of_clip[-1][1])
        )

    def clips(self) -> Iterator[NamedClip]:
        """Yield the clip of every row."""
        return (NamedClip._make(clip) for of_clip in self._groups.values() for _, clip in of_clip)


class _ByClip(Mapping[str, Value], Generic[Value]):
    """Values by video id, computed from a clip's rows on every access."""

    def __init__(
        self, groups: Mapping[str, list[_Tuples]], value: Callable[[list[_Tuples]], Value]
    ) -> None:
        self._groups = groups
        self._value = value

    def __getitem__(self, video_id: str) -> Value:
        return self._value(self._groups[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


_RESERVED = frozenset(field.name for field in (*VIDEO_FIELDS, TREATMENT_FIELD, *SEGMENT_FIELDS))


@dataclass(frozen=True)
class ExtraColumn:
    """One further column of a user's table.

    Attributes:
        name: Name in the table.
        field: Field in the dataset: a string or, if rows of one clip differ, a list of strings, one
            a row.
    """

    name: str
    field: pa.Field

    def value(self, rows: Sequence[CaptionRow]) -> str | list[str | None] | None:
        """Return the value of a clip, given its rows."""
        values = [row.extra.get(self.name) for row in rows]
        return values if pa.types.is_list(self.field.type) else values[0]


def look_over(
    rows_of: Mapping[str, Sequence[CaptionRow]],
) -> tuple[tuple[ExtraColumn, ...], tuple[str, ...]]:
    """Look over all rows once: find their further columns, and what the card must say of them.

    Returns:
        The columns in the order of the tables, ``_in_table`` appended to a name that the dataset
        uses itself, such as ``clip_sha256``; and remarks on missing values and repeated rows.

    Raises:
        AnnotationError: Rows of one clip disagree on its category.
    """
    problems: list[str] = []
    differs: dict[str, bool] = {}
    num_missing = num_repeated = 0
    for video_id, rows in rows_of.items():
        first = rows[0]
        for row in rows:
            num_missing += row.num_missing
            for name, value in row.extra.items():
                differs[name] = differs.get(name, False) or value != first.extra.get(name)
        if len(rows) > 1:
            num_repeated += len(rows) - len(set(map(_content, rows)))
            categories = sorted({row.category for row in rows if row.category is not None})
            if len(categories) > 1:
                problems.append(
                    f"{rows[-1].where}: {video_id!r} is of {len(categories)} categories: "
                    f"{', '.join(categories)}"
                )
    if problems:
        verb = by_number(len(problems), "contradicts itself", "contradict themselves")
        raise AnnotationError(f"{count_of(len(problems), 'clip')} {verb}:{bullets(problems)}")
    notes = []
    if num_missing:
        notes.append(
            f"{count_of(num_missing, 'missing value')} (None, nan, null) among the captions "
            f"{by_number(num_missing, 'was', 'were')} left out."
        )
    if num_repeated:
        notes.append(
            f"{count_of(num_repeated, 'row')} {by_number(num_repeated, 'repeats', 'repeat')} the "
            "clip, the captions and all else of a row before, and "
            f"{by_number(num_repeated, 'was', 'were')} kept."
        )
    extras = (
        ExtraColumn(
            name,
            pa.field(
                f"{name}_in_table" if name in _RESERVED else name,
                pa.list_(pa.string()) if is_list else pa.string(),
            ),
        )
        for name, is_list in differs.items()
    )
    return tuple(extras), tuple(notes)


def _content(row: CaptionRow) -> tuple[object, ...]:
    """Return all that a row says, without where it stands."""
    return row.captions, row.split, row.category, row.group, tuple(row.extra.items())
