"""Drawing of splits by seed: by the hash of each group's own name, or balanced over all groups."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import ConfigError

DEFAULT_RATIOS: Final = "70/10/20"

Draw = Literal["stable", "balanced"]

_BITS: Final = 64
_ALONG_THE_LINE: Final = ("test", "validation", "train")
"""Splits in the order of their intervals. Test is first, and train the rest: another share for
validation moves no clip into or out of test."""


@dataclass(frozen=True)
class Drawing:
    """How splits are drawn.

    Attributes:
        seed: Seed of the draw.
        ratios: Shares of train, validation and test.
        draw: ``stable``: by the hash of each group's own name, so that new clips never move old
            ones. ``balanced``: sizes as close to the ratios as the groups allow, all drawn anew
            when clips are added.

    Raises:
        ConfigError: There is no such draw.
    """

    seed: int
    ratios: tuple[int, int, int]
    draw: Draw = "stable"

    def __post_init__(self) -> None:
        """Check the kind of draw."""
        if self.draw not in get_args(Draw):
            raise ConfigError(
                f"--draw {self.draw}: expected {' or '.join(get_args(Draw))}, see `--help`"
            )

    def split_of_groups(
        self, sizes: Mapping[str, int], kept: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Draw a split for each group.

        Args:
            sizes: Number of clips by group.
            kept: Splits of groups that are not drawn.

        Returns:
            Split by group, kept ones included.
        """
        kept = kept or {}
        draw = _draw_stable if self.draw == "stable" else _draw_balanced
        return draw(sizes, kept, self.seed, self.ratios)


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


def draw_splits(group_of: Mapping[str, str], drawing: Drawing) -> dict[str, str]:
    """Draw a split for each clip.

    Args:
        group_of: Name of the group by video id; clips of one group get the same split.
        drawing: How splits are drawn. The result does not depend on the order of the clips.

    Returns:
        Split by video id, in the order of `group_of`. With at least three groups no split is empty.

    Example:
        >>> clips = {name: name for name in ("a", "b", "c", "d")}
        >>> first = draw_splits(clips, Drawing(seed=0, ratios=(1, 1, 1)))
        >>> grown = draw_splits({**clips, "e": "e"}, Drawing(seed=0, ratios=(1, 1, 1)))
        >>> [clip for clip in first if first[clip] != grown[clip]]
        []
    """
    split_of_group = drawing.split_of_groups(Counter(group_of.values()))
    return {clip: split_of_group[group] for clip, group in group_of.items()}


def _draw_stable(
    sizes: Mapping[str, int], kept: Mapping[str, str], seed: int, ratios: tuple[int, int, int]
) -> dict[str, str]:
    """Place each group on a line by its hash; each split has an interval of its share."""
    places = {group: int.from_bytes(_hash(seed, group)[: _BITS // 8], "big") for group in sizes}
    intervals = _intervals(ratios)
    split_of_group = {
        group: kept.get(group)
        or next(split for split, (_, end) in intervals.items() if places[group] < end)
        for group in sizes
    }
    # A small set may leave a split empty: the nearest group fills it, until another is drawn there.
    for split in _ALONG_THE_LINE:
        counts = Counter(split_of_group.values())
        free = [
            group
            for group, other in split_of_group.items()
            if group not in kept and counts[other] > 1
        ]
        if not counts[split] and free:
            start, end = intervals[split]
            nearest = min(free, key=lambda group: max(start - places[group], places[group] - end))
            split_of_group[nearest] = split
    return split_of_group


def _intervals(ratios: tuple[int, int, int]) -> dict[str, tuple[Fraction, Fraction]]:
    share_of = dict(zip(SPLITS, ratios, strict=True))
    intervals, start = {}, Fraction(0)
    for split in _ALONG_THE_LINE:
        end = start + Fraction(share_of[split] << _BITS, sum(ratios))
        intervals[split] = (start, end)
        start = end
    return intervals


def _draw_balanced(
    sizes: Mapping[str, int], kept: Mapping[str, str], seed: int, ratios: tuple[int, int, int]
) -> dict[str, str]:
    """Assign the largest groups first, each to the split that lacks the most clips."""
    groups = sorted(sizes, key=lambda group: (-sizes[group], _hash(seed, group)))
    lacking = {
        split: Fraction(share * sum(sizes.values()), sum(ratios))
        for split, share in zip(SPLITS, ratios, strict=True)
    }
    for group, split in kept.items():
        lacking[split] -= sizes[group]
    split_of_group = dict(kept)
    free = [group for group in groups if group not in kept]
    for group in free:
        split = max(SPLITS, key=lambda name: lacking[name])
        split_of_group[group] = split
        lacking[split] -= sizes[group]
    _fill_empty(free, split_of_group)
    return split_of_group


def _fill_empty(free: Sequence[str], split_of_group: dict[str, str]) -> None:
    """Move to each empty split the smallest free group of the split with the most groups."""
    for split in _ALONG_THE_LINE:
        counts = Counter(split_of_group.values())
        if counts[split] or not counts:
            continue
        largest, count = counts.most_common(1)[0]
        of_largest = [group for group in free if split_of_group[group] == largest]
        if count > 1 and of_largest:
            split_of_group[of_largest[-1]] = split


def _hash(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()
