"""Splits and datasets in memory, with ids, texts and pictures as a test wants them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from builders.checks.audit.subject import Subject
from builders.sources.source import Origin
from tests.fixtures.grouped_split import GroupedSplit


@dataclass
class MadeUpSplit(GroupedSplit):
    """A split whose videos have ids of one's own, and pictures where a test needs them."""

    ids: Sequence[str] = ()
    pictures: Sequence[Sequence[np.ndarray]] = field(default_factory=list)

    @property
    def video_ids(self) -> tuple[str, ...]:
        return tuple(self.ids or (f"{self.name} {row}" for row in range(len(self.texts))))

    @property
    def has_frames(self) -> bool:
        return bool(self.levels or self.pictures)

    def frames(self, index: int) -> list[np.ndarray]:
        if self.pictures:
            self.decoded.append(index)
            return list(self.pictures[index])
        return super().frames(index)


def subject(
    splits: Mapping[str, MadeUpSplit], name: str = "toy", origin: Origin | None = None
) -> Subject:
    for split_name, split in splits.items():
        split.name = split_name
    return Subject(name, "1.0.0", "f" * 64, splits, origin)


def texts_subject(name: str = "toy", **texts: Sequence[Sequence[str]]) -> Subject:
    return subject({split: MadeUpSplit(videos) for split, videos in texts.items()}, name)


def landscape(seed: int, height_px: int = 90, width_px: int = 160) -> np.ndarray:
    """A smooth picture unlike that of any other seed, RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 11, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)


def flight(seed: int, frames: int = 6) -> list[np.ndarray]:
    """A clip: a window that drifts over one landscape."""
    ground = landscape(seed, 120, 240)
    return [ground[10:100, 8 * step : 8 * step + 160].copy() for step in range(frames)]
