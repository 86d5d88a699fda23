"""Extraction of a clip's sampled frames: decode once, pick by time, resize, hash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.containers import check_file
from dvtr_bench.video.decode import ClipDecoder, ClipFacts
from dvtr_bench.video.perceptual_hash import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.video.decode import ShownFrame
    from dvtr_bench.video.sampling import Sampling, Timeline
    from dvtr_bench.video.windows import Window

Packed = TypeVar("Packed")

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


@dataclass(frozen=True)
class ExtractedSegment(Generic[Packed]):
    """The sampled frames and the properties of a part of a clip.

    Attributes:
        packed: What `extract_segments` was asked to make of the frames.
        frame_pts_seconds: Time at which each frame is first shown, since the segment's start.
        facts: Properties of the segment; size, codec and colour are the clip's.
        clip_sha256: SHA-256 of the whole file, in lower-case hex.
        perceptual_hash: Perceptual hash of the frames, a signed 64-bit integer.
    """

    packed: Packed
    frame_pts_seconds: tuple[float, ...]
    facts: ClipFacts
    clip_sha256: str
    perceptual_hash: int


def extract_segments(
    path: Path,
    windows: Sequence[Window],
    sampling: Sampling,
    pack: Callable[[Sequence[NDArray[np.uint8]]], Packed],
    *,
    short_side_px: int = SHORT_SIDE_PX,
    threads: int = 1,
    clip_sha256: str | None = None,
) -> list[ExtractedSegment[Packed] | ClipError]:
    """Decode a clip once and keep the sampled frames of several parts of it.

    Frames are sampled within each part as `extract_frames` samples a whole clip: the frames of a
    part are those of the same part cut into a file of its own. As there, the clip is decoded a
    second time if its times are not those that its packets predict. A part's frames are packed as
    soon as the last one is decoded, so only those of the parts around it are held as pixels.

    What follows the last part is not decoded if the clip's packets show a clock that runs through:
    their times then say which frames are in a part. What becomes of a part depends on nothing after
    its end. Of a clip of which that cannot be said, such as one in AVI, all is decoded.

    Args:
        path: The clip.
        windows: The parts; they may overlap.
        sampling: Which frames of each part to keep.
        pack: Makes of a part's frames what is kept of them, such as encoded pictures.
        short_side_px: Length of the frames' short side.
        threads: Decoding threads; the result does not depend on them.
        clip_sha256: SHA-256 of the file if known; None to compute it.

    Returns:
        For each window its segment, or why there is none. Damage costs the parts that end after
        it.

    Raises:
        ClipError: The clip is missing, not a video, cut off, or damaged and without such a clock.
    """
    check_file(path)
    clip_sha256 = clip_sha256 or file_sha256(path)
    keeper = _SegmentKeeper(pack, short_side_px)

    def predict(timeline: Timeline | None) -> None:
        if timeline is not None:
            keeper.expect(_picked_of(windows, sampling, timeline))

    decoder = ClipDecoder(path, threads, predict, _end_of(windows))
    failure: ClipError | None = None
    try:
        keeper.take_all(decoder)
    except ClipError as damage:
        if decoder.whole_seconds is None:
            raise
        failure = damage
    picked = _picked_of(windows, sampling, decoder.timeline)
    late = {number: picks for number, picks in picked.items() if not keeper.has(number, picks)}
    if late and failure is None:
        keeper.expect(late)
        decoder = ClipDecoder(path, threads)
        keeper.take_all(decoder)
    segments: list[ExtractedSegment[Packed] | ClipError] = []
    for number, window in enumerate(windows):
        if failure is not None and not _ends_by(window, decoder.whole_seconds):
            segments.append(failure)
            continue
        try:
            first, timeline = window.cut(decoder.timeline)
        except ClipError as empty:
            segments.append(empty)
            continue
        packed, perceptual = keeper.packed[number]
        num_frames, duration = len(timeline.starts), float(timeline.duration_seconds)
        segments.append(
            ExtractedSegment(
                packed=packed,
                frame_pts_seconds=tuple(timeline.seconds(i - first) for i in picked[number]),
                facts=replace(
                    decoder.facts,
                    duration_seconds=duration,
                    source_num_frames=num_frames,
                    source_fps=float(num_frames / timeline.duration_seconds),
                    treatment=decoder.treatment_of(first + num_frames),
                ),
                clip_sha256=clip_sha256,
                perceptual_hash=perceptual,
            )
        )
    return segments


def _end_of(windows: Sequence[Window]) -> Fraction | None:
    """Return the end of the last window; None if one lasts until the clip's end."""
    ends = [window.end_seconds for window in windows if window.end_seconds is not None]
    return max(ends) if ends and len(ends) == len(windows) else None


def _ends_by(window: Window, seconds: Fraction | None) -> bool:
    end = window.end_seconds
    return end is not None and seconds is not None and end <= seconds


def _picked_of(
    windows: Sequence[Window], sampling: Sampling, timeline: Timeline
) -> dict[int, tuple[int, ...]]:
    """Return the frames of each window, by its number; none of a window after the clip's end."""
    picked: dict[int, tuple[int, ...]] = {}
    for number, window in enumerate(windows):
        try:
            first, part = window.cut(timeline)
        except ClipError:
            continue
        picked[number] = tuple(first + index for index in sampling.pick(part))
    return picked


class _SegmentKeeper(Generic[Packed]):
    """Collects the frames of segments while a clip is decoded, and packs each complete segment.

    Attributes:
        packed: What was made of the frames, and their perceptual hash, by number of the segment.
    """

    def __init__(
        self, pack: Callable[[Sequence[NDArray[np.uint8]]], Packed], short_side_px: int
    ) -> None:
        self.packed: dict[int, tuple[Packed, int]] = {}
        self._pack = pack
        self._short_side_px = short_side_px
        self._picks: dict[int, tuple[int, ...]] = {}
        self._numbers_at: dict[int, list[int]] = {}
        self._kept: dict[int, dict[int, NDArray[np.uint8]]] = {}

    def expect(self, picks: Mapping[int, tuple[int, ...]]) -> None:
        """Say which frames of the clip to keep for which segments."""
        self._picks.update(picks)
        self._numbers_at = {}
        for number, indices in picks.items():
            for index in set(indices):
                self._numbers_at.setdefault(index, []).append(number)

    def has(self, number: int, picks: tuple[int, ...]) -> bool:
        """Return whether a segment is packed with just these frames."""
        return number in self.packed and self._picks[number] == picks

    def take_all(self, decoder: ClipDecoder) -> None:
        """Decode a clip and keep the frames that segments want."""
        for frame in decoder:
            self.take(frame)

    def take(self, frame: ShownFrame) -> None:
        """Keep a frame for the segments that want it."""
        numbers = self._numbers_at.get(frame.index, ())
        if not numbers:
            return
        picture = frame.resized(self._short_side_px)
        for number in numbers:
            kept = self._kept.setdefault(number, {})
            kept[frame.index] = picture
            picks = self._picks[number]
            if frame.index == picks[-1]:
                pictures = [kept[index] for index in picks]
                self.packed[number] = self._pack(pictures), perceptual_hash(pictures)
                del self._kept[number]
