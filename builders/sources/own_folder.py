"""Rows of a user's tables by clip, and the splits: as stated, by folder, or drawn by seed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import pyarrow as pa

from builders.sources.caption_rows import SPLIT_NAMES, CaptionRow
from builders.sources.matching import bullets
from builders.sources.named_clips import NamedClip
from builders.sources.packed import PackedGroups
from builders.sources.source import Clip, DatasetInfo
from dvtr_bench.dataset.manifest import SPLITS, TREATMENT_FIELD, VIDEO_FIELDS
from dvtr_bench.errors import AnnotationError, ConfigError

DEFAULT_RATIOS: Final = "70/10/20"


def parse_ratios(text: str) -> tuple[int, int, int]:
    """Parse the shares of train, validation and test.

    Args:
        text: Three numbers such as ``70/10/20``; only their proportions matter.

    Returns:
        Three positive integers.

    Raises:
        ConfigError: The text has another form, or a share is 0.
    """
    parts = text.split("/")
    if len(parts) != len(SPLITS) or not all(part.isdecimal() and int(part) for part in parts):
        raise ConfigError(
            f"--ratios {text}: expected the shares of train, validation and test such as "
            f"{DEFAULT_RATIOS}, each above 0"
        )
    train, validation, test = map(int, parts)
    return train, validation, test


def draw_splits(
    group_of: Mapping[str, str], seed: int, ratios: tuple[int, int, int]
) -> dict[str, str]:
    """Draw a split for each clip.

    Groups are assigned one by one, ordered by size (largest first) and then by a hash of seed and
    name, to the split that lacks the most clips. So the sizes are as close to the ratios as the
    groups allow, and the result does not depend on the order of the clips.

    Args:
        group_of: Name of the group by video id; clips of one group get the same split.
        seed: Seed of the draw.
        ratios: Shares of train, validation and test.

    Returns:
        Split by video id, in the order of `group_of`. With at least three groups no split is empty.
    """
    sizes = Counter(group_of.values())
    groups = sorted(sizes, key=lambda group: (-sizes[group], _hash(seed, group)))
    lacking = {
        split: Fraction(share * len(group_of), sum(ratios))
        for split, share in zip(SPLITS, ratios, strict=True)
    }
    split_of_group: dict[str, str] = {}
    for group in groups:
        split = max(SPLITS, key=lambda name: lacking[name])
        split_of_group[group] = split
        lacking[split] -= sizes[group]
    _fill_empty(groups, split_of_group)
    return {clip: split_of_group[group] for clip, group in group_of.items()}


def _hash(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()


def _fill_empty(groups: Sequence[str], split_of_group: dict[str, str]) -> None:
    """Move to each empty split the smallest group of the split with the most groups."""
    for split in ("test", "validation", "train"):
        counts = Counter(split_of_group.values())
        if counts[split] or not counts:
            continue
        largest, count = counts.most_common(1)[0]
        if count > 1:
            smallest = next(group for group in reversed(groups) if split_of_group[group] == largest)
            split_of_group[smallest] = split


@dataclass(frozen=True)
class Carved:
    """A dataset with a validation split taken from train.

    Attributes:
        info: The dataset; its version names the fraction.
        clips: The clips, in their original order.
        notes: Remarks for the card.
    """

    info: DatasetInfo
    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def check_fraction(fraction: float) -> None:
    """Check the share of train that becomes validation.

    Args:
        fraction: A number of at least 0 and below 1.

    Raises:
        ConfigError: The number is outside this range.
    """
    if not 0 <= fraction < 1:
        raise ConfigError(
            f"--validation-fraction: expected 0 or more and below 1, found {fraction}"
        )


def carve_validation(info: DatasetInfo, clips: tuple[Clip, ...], fraction: float) -> Carved:
    """Turn a share of the train videos into validation, chosen by the hash of their ids.

    Args:
        info: The dataset.
        clips: All its clips.
        fraction: The share of train; 0 changes nothing.

    Returns:
        The dataset with a validation split.
    """
    if fraction == 0:
        return Carved(info, clips, ())
    train = [clip.video_id for clip in clips if clip.split == "train"]
    by_hash = sorted(train, key=lambda video_id: hashlib.sha256(video_id.encode()).digest())
    chosen = set(by_hash[: round(fraction * len(train))])
    carved = tuple(
        replace(clip, split="validation") if clip.video_id in chosen else clip for clip in clips
    )
    mark = "." if "+" in info.version else "+"
    return Carved(
        replace(info, version=f"{info.version}{mark}validation.{fraction:g}"),
        carved,
        (
            f"The validation split is ours, not {info.pretty_name}'s: {fraction:g} of train, whole "
            "videos, chosen by the SHA-256 of their ids.",
        ),
    )


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


_RESERVED = frozenset(field.name for field in (*VIDEO_FIELDS, TREATMENT_FIELD))


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
        raise AnnotationError(f"{len(problems)} clips contradict themselves:{bullets(problems)}")
    notes = []
    if num_missing:
        notes.append(
            f"{num_missing:,} missing values (None, nan, null) among the captions were left out."
        )
    if num_repeated:
        notes.append(
            f"{num_repeated:,} rows repeat the clip, the captions and all else of a row before; "
            "they were kept."
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
