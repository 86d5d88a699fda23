"""A clip to its stored frames: decode once, pick by time, resize, hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.containers import check_file
from dvtr_bench.video.decode import ClipDecoder, ClipFacts
from dvtr_bench.video.perceptual_hash import perceptual_hash
from dvtr_bench.video.resize import resize_short_side

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.video.sampling import Sampling
    from dvtr_bench.video.timeline import Timeline

SHORT_SIDE_PX = 224
"""The input size of CLIP's ViT-B/32, ViT-B/16 and ViT-L/14."""


@dataclass(frozen=True)
class ExtractedClip:
    """The sampled frames of a clip and what the clip was found to be.

    Attributes:
        frames: Uint8, height x width x 3, RGB, short side as asked, in display order.
        frame_pts_seconds: When each of them is first shown, from the clip's first frame.
        facts: Counted while decoding.
        clip_sha256: Of the file, lower-case hex.
        perceptual_hash: Of the frames, a signed 64-bit number.
    """

    frames: tuple[NDArray[np.uint8], ...]
    frame_pts_seconds: tuple[float, ...]
    facts: ClipFacts
    clip_sha256: str
    perceptual_hash: int


def extract_frames(
    path: Path,
    sampling: Sampling,
    *,
    short_side_px: int = SHORT_SIDE_PX,
    threads: int = 1,
    clip_sha256: str | None = None,
) -> ExtractedClip:
    """Decode a clip and keep its sampled frames.

    Which frames are wanted is known only at the end, when the duration is. So the packets are read
    first, which is cheap, and the frames that their times foretell are kept while decoding. Where
    decoding finds other times than the packets had, the clip is decoded a second time; only the
    sampled frames and the packets of a small clip are ever held in memory.

    Args:
        path: The clip.
        sampling: Which frames.
        short_side_px: Size of the frames.
        threads: Decoding threads; the result does not depend on it.
        clip_sha256: Of the file, where it is known already; None to hash it here.

    Returns:
        Frames, times, facts and hashes.

    Raises:
        ClipError: The clip is missing, no video, cut off or damaged.

    Example:
        >>> clip = extract_frames(Path("a.mp4"), Sampling.parse("12"))  # doctest: +SKIP
        >>> len(clip.frames), clip.frames[0].shape  # doctest: +SKIP
        (12, (224, 398, 3))
    """
    check_file(path)
    clip_sha256 = clip_sha256 or file_sha256(path)
    foretold: set[int] = set()

    def choose(timeline: Timeline | None) -> None:
        foretold.update(sampling.pick(timeline) if timeline else ())

    decoder = ClipDecoder(path, threads, choose)
    kept = _keep(decoder, foretold, short_side_px)
    wanted = sampling.pick(decoder.timeline)
    if not kept.keys() >= set(wanted):
        decoder = ClipDecoder(path, threads)
        kept = _keep(decoder, set(wanted), short_side_px)
    return ExtractedClip(
        frames=tuple(kept[index] for index in wanted),
        frame_pts_seconds=tuple(decoder.timeline.seconds(index) for index in wanted),
        facts=decoder.facts,
        clip_sha256=clip_sha256,
        perceptual_hash=perceptual_hash([kept[index] for index in wanted]),
    )


def _keep(
    decoder: ClipDecoder, wanted: Collection[int], short_side_px: int
) -> dict[int, NDArray[np.uint8]]:
    """Decode to the end and keep the wanted frames, resized."""
    return {
        frame.index: resize_short_side(frame.rgb(), short_side_px)
        for frame in decoder
        if frame.index in wanted
    }
