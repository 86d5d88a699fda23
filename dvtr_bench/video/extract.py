"""Extraction of a clip's sampled frames: decode once, pick by time, resize, hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.containers import check_file
from dvtr_bench.video.decode import ClipDecoder, ClipFacts
from dvtr_bench.video.perceptual_hash import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.video.sampling import Sampling, Timeline

SHORT_SIDE_PX = 224
"""The input size of CLIP's ViT-B/32, ViT-B/16 and ViT-L/14."""


@dataclass(frozen=True)
class ExtractedClip:
    """The sampled frames and the properties of a clip.

    Attributes:
        frames: Uint8, height x width x 3 each, RGB, resized, in display order.
        frame_pts_seconds: Time at which each is first shown, since the clip's first frame.
        facts: Properties measured while decoding.
        clip_sha256: SHA-256 of the file, in lower-case hex.
        perceptual_hash: Perceptual hash of the frames, a signed 64-bit integer.
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

    Which frames to keep depends on the duration, known only at the end. So the packets are read
    first, which is fast, and the frames that their time stamps predict are kept while decoding. If
    the decoded times differ from the predicted ones, the clip is decoded a second time. Only the
    sampled frames, and the packets of a small clip, are held in memory.

    Args:
        path: The clip.
        sampling: Which frames to keep.
        short_side_px: Length of the frames' short side.
        threads: Decoding threads; the result does not depend on them.
        clip_sha256: SHA-256 of the file if known; None to compute it.

    Returns:
        Frames, their times, properties of the clip, and hashes.

    Raises:
        ClipError: The clip is missing, not a video, cut off or damaged.

    Example:
        >>> clip = extract_frames(Path("a.mp4"), Sampling.parse("12"))  # doctest: +SKIP
        >>> len(clip.frames), clip.frames[0].shape  # doctest: +SKIP
        (12, (224, 398, 3))
    """
    check_file(path)
    clip_sha256 = clip_sha256 or file_sha256(path)
    predicted: set[int] = set()

    def predict(timeline: Timeline | None) -> None:
        predicted.update(sampling.pick(timeline) if timeline else ())

    decoder = ClipDecoder(path, threads, predict)
    kept = _decode_and_keep(decoder, predicted, short_side_px)
    wanted = sampling.pick(decoder.timeline)
    if not kept.keys() >= set(wanted):
        decoder = ClipDecoder(path, threads)
        kept = _decode_and_keep(decoder, set(wanted), short_side_px)
    return ExtractedClip(
        frames=tuple(kept[index] for index in wanted),
        frame_pts_seconds=tuple(decoder.timeline.seconds(index) for index in wanted),
        facts=decoder.facts,
        clip_sha256=clip_sha256,
        perceptual_hash=perceptual_hash([kept[index] for index in wanted]),
    )


def _decode_and_keep(
    decoder: ClipDecoder, wanted: Collection[int], short_side_px: int
) -> dict[int, NDArray[np.uint8]]:
    """Decode to the end; return the wanted frames, resized, by their index."""
    return {frame.index: frame.resized(short_side_px) for frame in decoder if frame.index in wanted}
