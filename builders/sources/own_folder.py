"""Rows of a user's tables by clip, and the columns that are the user's own."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

from builders.sources.caption_rows import CaptionRow
from builders.sources.named_clips import NamedClip
from builders.sources.packed import Packed
from builders.sources.segments import SEGMENT_FIELDS
from dvtr_bench.dataset.manifest import TREATMENT_FIELD, VIDEO_FIELDS

Value = TypeVar("Value")


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
        """Pack the rows, which are in the order of the tables."""
        # A table may list the first captions of all clips, then the second ones.
        self._rows = Packed(rows, open_blocks=32)
        indices: dict[str, list[int]] = {}
        for index, named_row in enumerate(self._rows):
            indices.setdefault(named_row.clip.video_id, []).append(index)
        self.rows_of: Mapping[str, Sequence[CaptionRow]] = _ByClip(
            indices, lambda of_clip: [self._rows[index].row for index in of_clip]
        )
        self.clip_of: Mapping[str, NamedClip] = _ByClip(
            indices, lambda of_clip: self._rows[of_clip[-1]].clip
        )

    def clips(self) -> Iterator[NamedClip]:
        """Yield the clip of every row."""
        return (named_row.clip for named_row in self._rows)


class _ByClip(Mapping[str, Value], Generic[Value]):
    """Values by video id, computed from the indices of a clip's rows on every access."""

    def __init__(
        self, indices: Mapping[str, list[int]], value: Callable[[list[int]], Value]
    ) -> None:
        self._indices = indices
        self._value = value

    def __getitem__(self, video_id: str) -> Value:
        return self._value(self._indices[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


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


def find_extra_columns(clips: Collection[Sequence[CaptionRow]]) -> list[ExtraColumn]:
    """Find the further columns of a table.

    Args:
        clips: The rows of each clip.

    Returns:
        The columns in the table's order. ``_in_table`` is appended to a name that the dataset uses
        itself, such as ``clip_sha256``.
    """
    names = dict.fromkeys(name for rows in clips for row in rows for name in row.extra)
    return [ExtraColumn(name, _field(name, clips)) for name in names]


def _field(name: str, clips: Collection[Sequence[CaptionRow]]) -> pa.Field:
    differs = any(len({row.extra.get(name) for row in rows}) > 1 for rows in clips)
    column = f"{name}_in_table" if name in _RESERVED else name
    return pa.field(column, pa.list_(pa.string()) if differs else pa.string())
