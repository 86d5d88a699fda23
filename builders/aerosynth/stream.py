"""An endless stream of single frames with captions, rendered on the way into a training.

No MP4 file stands between: what is rendered is handed on. The stream comes in shards; a shard's
number and the seed say all that is in it, so that any process can render any shard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import NUM_FRAMES
from builders.aerosynth.plan import stream_group
from builders.aerosynth.render import render_frames
from builders.aerosynth.seeds import stable_rng

GROUPS_A_SHARD = 52
"""Contrast groups of a shard: four of each story, about 150 clips."""

JPEG_QUALITY = (50, 95)
"""Frames are compressed at a quality from this range, as those of a built dataset were twice."""


@dataclass(frozen=True)
class StreamedFrame:
    """One frame of a clip and what may be said of it.

    Attributes:
        frame: uint8 (rows, columns, 3), red, green, blue.
        captions: The five captions of its clip, vague to exact.
        clip: The name of its clip.
    """

    frame: npt.NDArray[np.uint8]
    captions: tuple[str, ...]
    clip: str


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
    for group in range(number * GROUPS_A_SHARD, (number + 1) * GROUPS_A_SHARD):
        for plan in stream_group(group, seed):
            numbers = [int(rng.integers(low, high)) for low, high in pairwise(edges)]
            for frame in render_frames(plan, numbers=numbers):
                yield StreamedFrame(_compressed(frame, rng), plan.captions, plan.clip_id)


def _compressed(frame: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    quality = int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
