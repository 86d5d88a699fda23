"""Rows of a user's tables by clip, and the splits: as stated, by folder, or drawn by seed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

from builders.sources.caption_rows import SPLIT_NAMES, CaptionRow
from builders.sources.named_clips import NamedClip
from builders.sources.packed import Packed
from builders.sources.problems import bullets
from builders.sources.split_drawing import draw_splits
from dvtr_bench.dataset.schema import VIDEO_FIELDS
from dvtr_bench.errors import AnnotationError


@dataclass(frozen=True)
class SplitChoice:
    """The split of each clip, and where it comes from.

    Attributes:
        split_of: Split by video id.
        notes: Remarks for the card.
    """

    split_of: Mapping[str, str]
    notes: tuple[str, ...]


def choose_splits(
    rows_of: Mapping[str, Sequence[CaptionRow]],
    clip_of: Mapping[str, NamedClip],
    *,
    seed: int,
    ratios: tuple[int, int, int],
) -> SplitChoice:
    """Choose a split for each clip.

    Args:
        rows_of: Rows by video id.
        clip_of: Clips by video id.
        seed: Seed for drawing splits.
        ratios: Shares of train, validation and test for drawing splits.

    Returns:
        The ``split`` column of the table; without one, the folders ``train``, ``validation`` and
        ``test`` if all clips are in such folders; otherwise splits drawn by seed.

    Raises:
        AnnotationError: Rows of one clip disagree on its split or group.
    """
    group_of = _groups(rows_of)
    stated = _stated(rows_of) or _by_folder(clip_of)
    if stated:
        notes = ["The splits are those that the table or its folders state."]
        crossing = _crossing(group_of, stated)
        if crossing:
            notes.append(
                f"{len(crossing)} groups have clips in more than one split, such as "
                f"{crossing[0]!r}: test clips may look like train clips."
            )
        return SplitChoice(stated, tuple(notes))
    drawn = draw_splits(group_of, seed, ratios)
    num_groups = len(set(group_of.values()))
    kept = (
        f"clips of one group kept together ({num_groups:,} groups)"
        if num_groups < len(group_of)
        else "each clip on its own"
    )
    shares = "/".join(map(str, ratios))
    note = f"The splits were drawn by seed {seed}, {shares} by number of clips, {kept}."
    return SplitChoice(drawn, (note,))


def _groups(rows_of: Mapping[str, Sequence[CaptionRow]]) -> dict[str, str]:
    """Return the group of each clip; a clip without a group is its own group."""
    problems, group_of = [], {}
    for video_id, rows in rows_of.items():
        groups = {row.group for row in rows}
        if len(groups) > 1:
            problems.append(f"{rows[-1].where}: {video_id!r} is in two groups, {groups}")
        group = rows[0].group
        group_of[video_id] = f"clip:{video_id}" if group is None else f"group:{group}"
    _refuse(problems)
    return group_of


def _stated(rows_of: Mapping[str, Sequence[CaptionRow]]) -> dict[str, str]:
    problems, split_of = [], {}
    for video_id, rows in rows_of.items():
        splits = {row.split for row in rows}
        if len(splits) > 1:
            names = ", ".join(sorted(str(split) for split in splits))
            problems.append(f"{rows[-1].where}: {video_id!r} is in two splits: {names}")
        if rows[0].split is not None:
            split_of[video_id] = rows[0].split
    _refuse(problems)
    return split_of


def _by_folder(clip_of: Mapping[str, NamedClip]) -> dict[str, str]:
    split_of = {}
    for video_id, clip in clip_of.items():
        folder, _, rest = (clip.file or "").partition("/")
        split = SPLIT_NAMES.get(folder.lower())
        if split is None or not rest:
            return {}
        split_of[video_id] = split
    return split_of


def _crossing(group_of: Mapping[str, str], split_of: Mapping[str, str]) -> list[str]:
    splits: dict[str, set[str]] = {}
    for video_id, group in group_of.items():
        splits.setdefault(group, set()).add(split_of[video_id])
    return sorted(group.partition(":")[2] for group, names in splits.items() if len(names) > 1)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise AnnotationError(f"{len(problems)} clips contradict themselves:{bullets(problems)}")


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


_RESERVED = frozenset(field.name for field in VIDEO_FIELDS)


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
