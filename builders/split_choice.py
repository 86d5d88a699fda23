"""The split of a user's clips: as the table or the folders say, drawn by seed otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builders.annotations.caption_rows import SPLIT_NAMES, CaptionRow
from builders.clips.named import NamedClip
from builders.problems import bullets
from builders.split_drawing import draw_splits
from dvtr_bench.errors import AnnotationError


@dataclass(frozen=True)
class SplitChoice:
    """Which split each clip is in, and why.

    Attributes:
        split_of: Clip id to split.
        notes: What a reader of the card must know.
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
        rows_of: The rows of each clip id.
        clip_of: The clip of each id.
        seed: Of the draw.
        ratios: Of the draw.

    Returns:
        The ``split`` column where the table has one; the folders ``train``, ``validation`` and
        ``test`` where all clips lie in such folders; a draw otherwise.

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
    """Return each clip's group; a clip without one is a group of its own."""
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
