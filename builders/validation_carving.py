"""A validation split for datasets that publish none: carved out of train, and declared as ours."""

import hashlib
from dataclasses import dataclass, replace

from builders.source import Clip, DatasetInfo
from dvtr_bench.errors import ConfigError


@dataclass(frozen=True)
class Carved:
    """A dataset with its validation split.

    Attributes:
        info: Its version says that it was carved.
        clips: In the order they had.
        notes: For the card.
    """

    info: DatasetInfo
    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def check_fraction(fraction: float) -> None:
    """Check the share of train that becomes validation.

    Args:
        fraction: 0 or more, below 1.

    Raises:
        ConfigError: It is not.
    """
    if not 0 <= fraction < 1:
        raise ConfigError(
            f"--validation-fraction: expected 0 or more and below 1, found {fraction}"
        )


def carve_validation(info: DatasetInfo, clips: tuple[Clip, ...], fraction: float) -> Carved:
    """Turn a share of train into validation: whole videos, chosen by the hash of their ids.

    Args:
        info: The dataset.
        clips: All of its clips.
        fraction: The share of train; 0 changes nothing.

    Returns:
        The dataset with its validation split.
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
