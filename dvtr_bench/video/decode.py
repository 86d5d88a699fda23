"""Decoding of a clip in order, from the first frame to the last."""

from __future__ import annotations

import math
from bisect import bisect_left
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from av.video.reformatter import VideoReformatter

from dvtr_bench.errors import ClipError
from dvtr_bench.video.containers import open_container, pick_video_stream
from dvtr_bench.video.deinterlace import DEINTERLACER, can_deinterlace, deinterlaced
from dvtr_bench.video.shown_picture import (
    Crop,
    Geometry,
    HighDynamicRange,
    frame_colour,
    frame_orientation,
    high_dynamic_range,
    to_rgb,
    to_sdr,
)
from dvtr_bench.video.stream_reader import StreamReader, read_ahead
from dvtr_bench.video.track import Track, read_track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from dvtr_bench.video.sampling import Timeline


@dataclass(frozen=True)
class ClipFacts:
    """Properties of a clip, measured by decoding it rather than read from its header.

    Attributes:
        duration_seconds: Time from the first frame to the end of the last one.
        source_fps: Mean frame rate, `source_num_frames / duration_seconds`.
        source_width_px: Width of the coded pictures, before rotation.
        source_height_px: Height of the coded pictures, before rotation.
        source_num_frames: Number of frames that a player shows.
        source_codec: Codec, such as h264, hevc or mpeg4.
        rotation_degrees: Clockwise rotation of the coded pictures for display: 0, 90, 180 or 270.
            Extracted frames are rotated.
        colour: The conversion to RGB and whether it was tagged, such as "bt709 (tagged), limited
            range (assumed)".
        treatment: What was done besides, as "KIND: DETAIL", such as "pixel aspect: 64:45",
            "deinterlaced: bwdif" or "tone-mapped: hlg"; empty for most clips.
    """

    duration_seconds: float
    source_fps: float
    source_width_px: int
    source_height_px: int
    source_num_frames: int
    source_codec: str
    rotation_degrees: int
    colour: str
    treatment: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownFrame:
    """One decoded frame, converted to RGB on request.

    Attributes:
        index: Number of the frame in display order, from 0.
    """

    index: int
    _before: VideoFrame | None
    _frame: VideoFrame
    _after: VideoFrame | None
    _treatment: _Treatment

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture as a player shows it.

        Returns:
            uint8, height x width x 3, RGB: deinterlaced, tone-mapped if it is HDR, cropped, with
            square pixels, rotated, and of one size for all pictures of a clip.
        """
        return self._treatment.geometry.apply(self._coded())

    def resized(self, short_side_px: int) -> NDArray[np.uint8]:
        """Return the picture as a player shows it, resized.

        Args:
            short_side_px: New length of the short side.

        Returns:
            uint8, height x width x 3, RGB, of one size for all pictures of a clip.

        Raises:
            ClipError: The picture is so thin that no image file could be as long.
        """
        treatment = self._treatment
        return treatment.geometry.apply_resized(treatment.path, self._coded(), short_side_px)

    def _coded(self) -> NDArray[np.uint8]:
        """Return the picture in RGB, in the geometry in which it is coded."""
        frame = self._frame
        if frame.interlaced_frame and can_deinterlace(frame):
            frame = deinterlaced(self._before, frame, self._after)
        return self._treatment.to_rgb(frame)


@dataclass(frozen=True)
class _Treatment:
    """How the frames of one clip become pictures; made with its first frame."""

    path: Path
    geometry: Geometry
    hdr: HighDynamicRange | None
    _reformatter: VideoReformatter = field(default_factory=VideoReformatter)

    @classmethod
    def of(cls, path: Path, stream: VideoStream, track: Track, first: VideoFrame) -> _Treatment:
        """Choose the treatment of a clip by its tags."""
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        size_px = first.width, first.height
        geometry = Geometry(
            coded_size_px=size_px,
            crop=track.crop if track.crop.fits(*size_px) else Crop(),
            pixel_aspect=aspect if aspect and aspect > 0 else Fraction(1),
            orientation=frame_orientation(first),
        )
        return cls(path, geometry, high_dynamic_range(stream))

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Convert a frame to RGB, tone-mapped if it is HDR."""
        if self.hdr is not None:
            return to_sdr(frame, self._reformatter, self.hdr)
        return to_rgb(frame, self._reformatter)

    def words(self, seen: _Seen, num_frames: int) -> Iterator[str]:
        """Say what was applied to the first frames, as stored in `ClipFacts.treatment`."""
        geometry = self.geometry
        sizes_px = [size for size, index in seen.sizes_px.items() if index < num_frames]
        if geometry.crop:
            width_px, height_px = geometry.cropped_size_px
            left_px, top_px = geometry.crop.left_px, geometry.crop.top_px
            yield f"cropped: {width_px}x{height_px} at {left_px},{top_px}"
        if geometry.stretches:
            aspect = geometry.pixel_aspect
            yield f"pixel aspect: {aspect.numerator}:{aspect.denominator}"
        if len(sizes_px) > 1:
            yield f"sizes made one: {', '.join(f'{w}x{h}' for w, h in sizes_px)}"
        if seen.deinterlaced_from < num_frames:
            yield f"deinterlaced: {DEINTERLACER}"
        if seen.combed_from < num_frames:
            yield "interlaced: left so"
        if self.hdr is not None:
            yield f"tone-mapped: {self.hdr.transfer}"


@dataclass
class _Seen:
    """What was seen of the frames of a clip, and the index of the first frame that has it."""

    sizes_px: dict[tuple[int, int], int] = field(default_factory=dict)
    deinterlaced_from: float = math.inf
    combed_from: float = math.inf

    def add(self, index: int, frame: VideoFrame) -> None:
        """Add a frame."""
        self.sizes_px.setdefault((frame.width, frame.height), index)
        if frame.interlaced_frame and can_deinterlace(frame):
            self.deinterlaced_from = min(index, self.deinterlaced_from)
        elif frame.interlaced_frame:
            self.combed_from = min(index, self.combed_from)


def _with_neighbours(
    frames: Iterable[VideoFrame],
) -> Iterator[tuple[VideoFrame | None, VideoFrame, VideoFrame | None]]:
    """Yield each frame between the one before it and the one after it."""
    before: VideoFrame | None = None
    frame: VideoFrame | None = None
    for after in frames:
        if frame is not None:
            yield before, frame, after
        # Only deinterlacing needs it; decoders reuse the memory of frames that nobody holds.
        before = frame if after.interlaced_frame else None
        frame = after
    if frame is not None:
        yield before, frame, None


class ClipDecoder:
    """Decodes one clip once, in display order.

    Iterate to the end; then `timeline` and `facts` are known. Any damage that the decoder notices
    is an error: a clip is decoded as a whole or not at all. A recording may start between two key
    frames; packets before its first complete frame are ignored, as players do.

    Args:
        path: The clip.
        threads: Decoding threads; they help only for clips coded in slices. Builders run one
            process a core and leave it at 1.
        on_predicted_timeline: Called before the first frame with the timeline that the packets'
            time stamps predict, or None if they have none. All packets are then read before any is
            decoded.
        until_seconds: Time from which on frames are not needed; None for all. Then iterating ends
            with the first frame that is shown at this time or later, if the times of all frames up
            to it are those that the packets predict; `timeline` is the predicted one.

    Raises:
        ClipError: While iterating: the clip cannot be decoded as a whole, or up to that frame.

    Example:
        >>> decoder = ClipDecoder(path)  # doctest: +SKIP
        >>> pictures = [frame.rgb() for frame in decoder if frame.index % 30 == 0]  # doctest: +SKIP
        >>> decoder.facts.source_num_frames  # doctest: +SKIP
        300
    """

    def __init__(
        self,
        path: Path,
        threads: int = 1,
        on_predicted_timeline: Callable[[Timeline | None], None] | None = None,
        until_seconds: Fraction | None = None,
    ) -> None:
        """Store the arguments; the file is opened by iterating."""
        self._path = path
        self._threads = threads
        self._on_predicted_timeline = on_predicted_timeline
        self._until_seconds = until_seconds
        self._timeline: Timeline | None = None
        self._facts: ClipFacts | None = None
        self._whole_seconds: Fraction | None = None
        self._words: Callable[[int], tuple[str, ...]] | None = None

    @property
    def timeline(self) -> Timeline:
        """When each frame is shown; known after iterating to the end."""
        if self._timeline is None:
            raise RuntimeError("decode the clip to its end first")
        return self._timeline

    @property
    def facts(self) -> ClipFacts:
        """Properties of the clip; known after iterating to the end."""
        if self._facts is None:
            raise RuntimeError("decode the clip to its end first")
        return self._facts

    @property
    def whole_seconds(self) -> Fraction | None:
        """Where decoding failed: up to which time the clip is whole and its timeline known.

        None where nothing is sure, since the packets do not predict the times.
        """
        return self._whole_seconds

    def treatment_of(self, num_frames: int) -> tuple[str, ...]:
        """Return `ClipFacts.treatment` of the clip up to a frame.

        Args:
            num_frames: Number of frames, from the first on.
        """
        if self._words is None:
            raise RuntimeError("decode the clip first")
        return self._words(num_frames)

    def __iter__(self) -> Iterator[ShownFrame]:
        """Yield every frame in display order."""
        with self._reader() as (reader, stream, track, predicted):
            seen = _Seen()
            treatment: _Treatment | None = None
            last = self._last_needed(predicted)
            shown, timeline = -1, None
            try:
                for index, (before, frame, after) in enumerate(_with_neighbours(reader.frames())):
                    if treatment is None:
                        treatment = _Treatment.of(self._path, stream, track, frame)
                        colour = frame_colour(frame, treatment.hdr)
                    seen.add(index, frame)
                    yield ShownFrame(index, before, frame, after, treatment)
                    shown = index
                    if predicted and index == last and reader.num_as_predicted(predicted) > last:
                        timeline = predicted
                        break
                if treatment is None:
                    raise RuntimeError("the reader ended without a frame and without an error")
                timeline = timeline or reader.timeline(lacks_clock=track.lacks_clock)
            except ClipError:
                sure = min(shown, reader.num_as_predicted(predicted) - 1) if predicted else -1
                if predicted is None or treatment is None or sure < 0:
                    raise
                self._keep_facts(stream, treatment, str(colour), seen, predicted)
                self._whole_seconds = predicted.starts[sure] * predicted.time_base
                raise
            self._keep_facts(stream, treatment, str(colour), seen, timeline)

    def _last_needed(self, predicted: Timeline | None) -> int | None:
        """Return the index of the frame after which decoding may end; None for the clip's end."""
        if predicted is None or self._until_seconds is None:
            return None
        last = bisect_left(predicted.starts, self._until_seconds / predicted.time_base)
        return last if last < len(predicted.starts) else None

    def _keep_facts(
        self,
        stream: VideoStream,
        treatment: _Treatment,
        colour: str,
        seen: _Seen,
        timeline: Timeline,
    ) -> None:
        def words(num_frames: int) -> tuple[str, ...]:
            return (*treatment.words(seen, num_frames), *timeline.remarks)

        self._timeline, self._words = timeline, words
        num_frames, duration_seconds = len(timeline.starts), timeline.duration_seconds
        width_px, height_px = treatment.geometry.coded_size_px
        self._facts = ClipFacts(
            duration_seconds=float(duration_seconds),
            source_fps=float(num_frames / duration_seconds),
            source_width_px=width_px,
            source_height_px=height_px,
            source_num_frames=num_frames,
            source_codec=stream.codec_context.codec.canonical_name,
            rotation_degrees=treatment.geometry.orientation.clockwise_degrees,
            colour=colour,
            treatment=words(num_frames),
        )

    @contextmanager
    def _reader(self) -> Iterator[tuple[StreamReader, VideoStream, Track, Timeline | None]]:
        """Open the clip, report the predicted timeline if requested, and yield a reader.

        Last comes the predicted timeline of a clip whose clock runs through; None of others.
        """
        packets, predicted = None, None
        with ExitStack() as opened:
            open_again = partial(open_container, self._path)
            container = opened.enter_context(open_again())
            stream = pick_video_stream(self._path, container)
            track = read_track(self._path, container, stream)
            if track.lacks_clock:
                # Its edits are in ticks, and would cut off all frames but the first.
                opened.close()
                open_again = partial(open_container, self._path, applies_edits=False)
                container = opened.enter_context(open_again())
                stream = pick_video_stream(self._path, container)
            if self._on_predicted_timeline is not None:
                ahead = read_ahead(container, stream)
                self._on_predicted_timeline(ahead.timeline)
                packets = ahead.replay()
                predicted = ahead.timeline if ahead.is_sound and not track.lacks_clock else None
                if not ahead.holds_all_packets:
                    # Opened again instead of seeking back, which is not exact in every container.
                    opened.close()
                    container = opened.enter_context(open_again())
                    stream, packets = pick_video_stream(self._path, container), None
            # Frame threads (AUTO) would be faster, but with them PyAV loses the errors of the last
            # frames: of 75 damaged clips, 9 that 1 thread refused were accepted with 4.
            stream.thread_type = "SLICE"
            stream.codec_context.thread_count = self._threads
            reader = StreamReader(self._path, container, stream, packets)
            yield reader, stream, track, None if reader.lacks_bytes else predicted
