"""An endless stream of single frames with captions, rendered during training.

Frames are passed on without MP4 files. The stream consists of shards; a shard's number and the seed
determine its contents, so that any process can render any shard.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import NUM_FRAMES
from builders.aerosynth.plan import ClipPlan, stream_group
from builders.aerosynth.render import render_frames
from builders.aerosynth.seeds import stable_rng
from builders.aerosynth.stories import names

GROUPS_A_STORY = 9
"""Contrast groups of each story in one shard, which has about 270 clips."""

MOST_FACTS = 11
"""Largest number of facts of a clip, including the story."""

JPEG_QUALITY = (50, 95)
"""Frames are compressed at a quality from this range, as those of a built dataset were twice."""


@dataclass(frozen=True)
class StreamedFrame:
    """One frame of a clip with its captions and facts.

    A caption also fits another clip if both have the same values of all facts that the caption
    mentions; ``facts`` and ``mentioned`` encode this.

    Attributes:
        frame: uint8 (rows, columns, 3), red, green, blue.
        captions: The five captions of its clip, vague to exact.
        clip: The name of its clip.
        facts: int32 (MOST_FACTS,), a number for each fact's value: story first, 0 after the last
            fact.
        mentioned: bool (5, MOST_FACTS), which facts each caption mentions; story and scene always
            count as mentioned.
    """

    frame: npt.NDArray[np.uint8]
    captions: tuple[str, ...]
    clip: str
    facts: npt.NDArray[np.int32]
    mentioned: npt.NDArray[np.bool_]


def stream_shard(number: int, seed: int = 0, frames_a_clip: int = 4) -> Iterator[StreamedFrame]:
    """Render one shard of the stream.

    Args:
        number: Number of the shard, from 0.
        seed: Another seed gives another stream.
        frames_a_clip: Frames of each clip, one at random from each part of its time.

    Yields:
        Frames, clip by clip; equal arguments give equal frames on one machine.
    """
    rng = stable_rng("aerosynth", "stream frames", seed, number)
    edges = np.linspace(0, NUM_FRAMES, frames_a_clip + 1).astype(int)
    groups = GROUPS_A_STORY * len(names())
    for group in range(number * groups, (number + 1) * groups):
        for plan in stream_group(group, seed):
            facts, mentioned = _numbered(plan)
            times = [int(rng.integers(low, high)) for low, high in pairwise(edges)]
            for frame in render_frames(plan, numbers=times):
                shown = _compressed(frame, rng)
                yield StreamedFrame(shown, plan.captions, plan.clip_id, facts, mentioned)


def _numbered(plan: ClipPlan) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return the facts of a clip and the mentions of its captions as numbers."""
    facts = [("story", plan.category), *plan.facts]
    codes = np.zeros(MOST_FACTS, np.int32)
    codes[: len(facts)] = [zlib.crc32(f"{name}={value}".encode()) >> 1 for name, value in facts]
    mentioned = np.zeros((len(plan.captions), MOST_FACTS), np.bool_)
    for row, mention in enumerate(plan.mentions):
        mentioned_names = {"story", "scene", *mention.attributes}
        mentioned[row, : len(facts)] = [name in mentioned_names for name, _ in facts]
    return codes, mentioned


def _compressed(frame: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    quality = int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
