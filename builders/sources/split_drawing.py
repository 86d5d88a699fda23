"""Random splits by seed, which keep the clips of a group together."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from builders.sources.source import Clip, DatasetInfo
from dvtr_bench.dataset.schema import SPLITS
from dvtr_bench.errors import ConfigError

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
