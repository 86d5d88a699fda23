"""The splits of clips: as a table states them, by folder, as in an older dataset, or drawn."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from builders.sources.caption_rows import SPLIT_NAMES, CaptionRow
from builders.sources.matching import bullets
from builders.sources.named_clips import NamedClip
from builders.sources.old_splits import OldSplits
from builders.sources.segments import SOURCE_VIDEO_FIELD
from builders.sources.source import Clip, DatasetInfo, SourceRecord
from builders.sources.split_drawing import Drawing
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import AnnotationError, ConfigError
from dvtr_bench.runtime.terminal import by_number, count_of

_NAMED: Final = 5
"""Number of groups that a note names."""


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


def carve_validation(
    info: DatasetInfo, clips: tuple[Clip, ...], fraction: float, group: str | None = None
) -> Carved:
    """Turn a share of the train videos into validation, chosen by the hash of their ids.

    Args:
        info: The dataset.
        clips: All its clips.
        fraction: The share of train; 0 changes nothing.
        group: The extra column of what stays together, such as the video that clips are parts of;
            None if every clip stands alone.

    Returns:
        The dataset with a validation split.
    """
    if fraction == 0:
        return Carved(info, clips, ())
    videos = [clip.video_id if group is None else clip.extra[group] for clip in clips]
    paired = list(zip(clips, videos, strict=True))
    train = dict.fromkeys(video for clip, video in paired if clip.split == "train")
    by_hash = sorted(train, key=lambda video: hashlib.sha256(video.encode()).digest())
    chosen = set(by_hash[: round(fraction * len(train))])
    carved = tuple(
        replace(clip, split="validation") if video in chosen and clip.split == "train" else clip
        for clip, video in paired
    )
    mark = "." if "+" in info.version else "+"
    wholes = "videos" if group in {None, SOURCE_VIDEO_FIELD.name} else f"{group}s"
    return Carved(
        replace(info, version=f"{info.version}{mark}validation.{fraction:g}"),
        carved,
        (
            f"The validation split is ours, not {info.pretty_name}'s: {fraction:g} of train, whole "
            f"{wholes}, chosen by the SHA-256 of their ids.",
        ),
    )


@dataclass(frozen=True)
class SplitChoice:
    """The split of each clip, and where it comes from.

    Attributes:
        split_of: Split by video id.
        drawn: Whether a new clip's split is drawn; False where the table or its folders state it.
        notes: Remarks for the card.
        sources: Tables that the splits were read from, besides the table of captions.
        follows: Folder of the dataset whose splits are kept; None without one.
    """

    split_of: Mapping[str, str]
    drawn: bool
    notes: tuple[str, ...]
    sources: tuple[SourceRecord, ...] = ()
    follows: Path | None = None


def choose_splits(
    rows_of: Mapping[str, Sequence[CaptionRow]],
    clip_of: Mapping[str, NamedClip],
    *,
    drawing: Drawing,
    same_files: Sequence[Sequence[str]] = (),
    parts: Mapping[str, Sequence[str]] | None = None,
    old: OldSplits | None = None,
) -> SplitChoice:
    """Choose a split for each clip.

    Args:
        rows_of: Rows by video id.
        clip_of: Clips by video id.
        drawing: How splits are drawn.
        same_files: Ids whose clips are the same file. They are drawn as one group, together with
            the groups that they belong to.
        parts: Ids whose clips are parts of one file, by file. They are drawn as one group too,
            by the file's name, so that more parts of it do not move it.
        old: Splits to keep. New clips of a group follow its old ones, the others are drawn.

    Returns:
        The ``split`` column of the table; without one, the folders ``train``, ``validation`` and
        ``test`` if all clips are in such folders; otherwise old splits and drawn ones.

    Raises:
        AnnotationError: Rows of one clip disagree on its split or group, or the splits that the
            table or its folders state are not those of `old`.
    """
    group_of: Mapping[str, str] = _groups(rows_of)
    stated = _stated(rows_of) or _by_folder(clip_of)
    if stated:
        if old is not None:
            _require_as_before(stated, old)
        notes = ["The splits are those that the table or its folders state."]
        if crossing := _crossing(group_of, stated):
            notes.append(
                f"{count_of(len(crossing), 'group')} {by_number(len(crossing), 'has', 'have')} "
                f"clips in more than one split, such as {crossing[0]!r}: test clips may look like "
                "train clips."
            )
        notes += _crossing_files(same_files, stated)
        return SplitChoice(stated, False, tuple(notes), *_origin(old))
    group_of = _with_parts(group_of, parts or {})
    num_groups = len(set(group_of.values()))
    group_of = _joined(group_of, same_files)
    kept, notes = _kept(group_of, old) if old else ({}, [])
    sizes = Counter(group_of.values())
    split_of_group = drawing.split_of_groups(sizes, kept)
    split_of = {
        video_id: (old.split_of.get(video_id) if old else None) or split_of_group[group]
        for video_id, group in group_of.items()
    }
    notes.insert(0, _how_drawn(split_of, num_groups, drawing, old))
    if same_files:
        notes.append(_kept_together(same_files, "are or are parts of" if parts else "are"))
    if parts:
        notes.append(
            f"Parts of files: {count_of(sum(map(len, parts.values())), 'clip')} of "
            f"{count_of(len(parts), 'file')}; the parts of each were kept in one split."
        )
    if old:
        notes += _crossing_files(same_files, split_of)
    return SplitChoice(split_of, True, tuple(notes), *_origin(old))


def _origin(old: OldSplits | None) -> tuple[tuple[SourceRecord, ...], Path | None]:
    return (old.sources, old.folder) if old else ((), None)


def _how_drawn(
    split_of: Mapping[str, str], num_groups: int, drawing: Drawing, old: OldSplits | None
) -> str:
    """Return the sentence for the card on how the splits were drawn, and what came out."""
    shares = "/".join(map(str, drawing.ratios))
    counts = Counter(split_of.values())
    sizes = ", ".join(f"{counts[split]:,} {split}" for split in SPLITS)
    unit = (
        f"each of {count_of(num_groups, 'group')} as one"
        if num_groups < len(split_of)
        else "each clip alone"
    )
    if drawing.draw == "balanced":
        how = f"drawn by seed {drawing.seed}, balanced to {shares} by number of clips, {unit}"
    else:
        how = f"drawn by seed {drawing.seed} for {shares}, {unit}, by the hash of its own name"
    if old is None:
        return f"The splits were {how}: {sizes}."
    new = sum(video_id not in old.split_of for video_id in split_of)
    gone = len(old.split_of) - (len(split_of) - new)
    left = (
        f" {count_of(gone, 'clip')} of it {by_number(gone, 'is', 'are')} not here." if gone else ""
    )
    kept = len(split_of) - new
    return (
        f"{count_of(kept, 'clip')} {by_number(kept, 'keeps its', 'keep their')} split of "
        f"{old.label}.{left} {count_of(new, 'new clip')} {by_number(new, 'was', 'were')} {how}. In "
        f"all: {sizes}."
    )


def _with_parts(
    group_of: Mapping[str, str], parts: Mapping[str, Sequence[str]]
) -> Mapping[str, str]:
    """Join the groups of the parts of each file; without groups they have the file's name."""
    if not parts:
        return group_of
    by_file = {video_id: f"file:{file}" for file, ids in parts.items() for video_id in ids}
    named = {
        video_id: by_file.get(video_id, group) if group == f"clip:{video_id}" else group
        for video_id, group in group_of.items()
    }
    return _joined(named, list(parts.values()))


def _joined(group_of: Mapping[str, str], same_files: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """Join the groups whose clips are the same file.

    The joined group is drawn by the name of the group that the table lists first, so a copy that is
    added below follows the clip that was there.
    """
    if not same_files:
        return group_of
    first_row = {group: number for number, group in enumerate(dict.fromkeys(group_of.values()))}
    leader: dict[str, str] = {}

    def led_by(group: str) -> str:
        while (above := leader.get(group, group)) != group:
            group = above
        return group

    for ids in same_files:
        groups = sorted({led_by(group_of[video_id]) for video_id in ids}, key=first_row.__getitem__)
        leader.update(dict.fromkeys(groups[1:], groups[0]))
    return {video_id: led_by(group) for video_id, group in group_of.items()}


def _kept(group_of: Mapping[str, str], old: OldSplits) -> tuple[dict[str, str], list[str]]:
    """Return the split of each group that has old clips, and notes on contradictions."""
    counts: dict[str, Counter[str]] = {}
    for video_id, group in group_of.items():
        if split := old.split_of.get(video_id) or old.split_of_copies.get(video_id):
            counts.setdefault(group, Counter())[split] += 1
    divided = sorted(_plain(group) for group, found in counts.items() if len(found) > 1)
    notes = []
    if divided:
        notes.append(
            f"{count_of(len(divided), 'group')} {by_number(len(divided), 'has', 'have')} clips in "
            f"more than one split of {old.label}, such as {divided[0]!r}: these stay where they "
            "are, and new clips follow most of them."
        )
    # Of equal counts the first in the order of SPLITS.
    kept = {group: max(SPLITS, key=lambda split: found[split]) for group, found in counts.items()}
    return kept, notes


def _require_as_before(stated: Mapping[str, str], old: OldSplits) -> None:
    problems = [
        f"{video_id!r}: {split} here, {old.split_of[video_id]} there"
        for video_id, split in stated.items()
        if old.split_of.get(video_id, split) != split
    ]
    if problems:
        raise AnnotationError(
            f"the table or its folders state other splits than {old.label} for "
            f"{count_of(len(problems), 'clip')}:{bullets(problems)}\nLeave out "
            "--splits-from, or the column of splits"
        )


def _crossing_files(same_files: Sequence[Sequence[str]], split_of: Mapping[str, str]) -> list[str]:
    """Return a note on files that stand in several splits under several ids."""
    crossing = [ids for ids in same_files if len({split_of[video_id] for video_id in ids}) > 1]
    if not crossing:
        return []
    shown = "; ".join(
        " = ".join(f"{video_id!r} ({split_of[video_id]})" for video_id in ids[:_NAMED])
        for ids in crossing[:_NAMED]
    )
    return [
        f"{count_of(len(crossing), 'file')} {by_number(len(crossing), 'is', 'are')} in more than "
        "one split under several ids: "
        f"{shown}{_more(crossing)}."
    ]


def _kept_together(same_files: Sequence[Sequence[str]], are: str) -> str:
    shown = "; ".join(" = ".join(map(repr, ids[:_NAMED])) for ids in same_files[:_NAMED])
    return (
        f"{count_of(sum(map(len, same_files)), 'clip')} {are} {count_of(len(same_files), 'file')} "
        f"under several ids; each file was kept in one split: {shown}{_more(same_files)}."
    )


def _more(items: Sequence[Sequence[str]]) -> str:
    return f"; and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""


def _plain(group: str) -> str:
    """Return the name of a group as the table has it."""
    return group.partition(":")[2]


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
    if split_of and len(split_of) < len(rows_of):
        without = next(video_id for video_id in rows_of if video_id not in split_of)
        raise AnnotationError(
            f"{rows_of[without][0].where}: {without!r} has no split, but "
            f"{count_of(len(split_of), 'clip')} of other tables "
            f"{by_number(len(split_of), 'has', 'have')} one: give every table the column split, or "
            "none"
        )
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
    return sorted(_plain(group) for group, names in splits.items() if len(names) > 1)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        verb = by_number(len(problems), "contradicts itself", "contradict themselves")
        raise AnnotationError(f"{count_of(len(problems), 'clip')} {verb}:{bullets(problems)}")
