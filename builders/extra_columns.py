"""A user's further columns (licence, source, flight, ...) as columns of the dataset."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa

from builders.annotations.caption_rows import CaptionRow
from dvtr_bench.dataset.schema import VIDEO_FIELDS

_TAKEN = frozenset(field.name for field in VIDEO_FIELDS)


@dataclass(frozen=True)
class ExtraColumn:
    """One further column.

    Attributes:
        name: In the user's table.
        field: In the dataset: a string, or a list of strings, one for each row of the clip, where
            rows of one clip differ.
    """

    name: str
    field: pa.Field

    def value(self, rows: Sequence[CaptionRow]) -> str | list[str | None] | None:
        """Return the value of the clip that has these rows."""
        values = [row.extra.get(self.name) for row in rows]
        return values if pa.types.is_list(self.field.type) else values[0]


def find_extra_columns(clips: Collection[Sequence[CaptionRow]]) -> list[ExtraColumn]:
    """Find a table's further columns.

    Args:
        clips: The rows of each clip.

    Returns:
        One column for each name, in the table's order. A name that the dataset needs for itself
        (``clip_sha256``) gets ``_in_table`` at its end.
    """
    names = dict.fromkeys(name for rows in clips for row in rows for name in row.extra)
    return [ExtraColumn(name, _field(name, clips)) for name in names]


def _field(name: str, clips: Collection[Sequence[CaptionRow]]) -> pa.Field:
    differs = any(len({row.extra.get(name) for row in rows}) > 1 for rows in clips)
    column = f"{name}_in_table" if name in _TAKEN else name
    return pa.field(column, pa.list_(pa.string()) if differs else pa.string())
