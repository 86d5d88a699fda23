"""Decoding of a clip in order, from the first frame to the last."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from av.video.reformatter import VideoReformatter

from dvtr_bench.video.colour import frame_colour, to_rgb
from dvtr_bench.video.containers import open_container, pick_video_stream
from dvtr_bench.video.stream_reader import StreamReader, read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from dvtr_bench.video.timeline import Timeline


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
    """

    duration_seconds: float
    source_fps: float
    source_width_px: int
    source_height_px: int
    source_num_frames: int
    source_codec: str
    rotation_degrees: int
    colour: str


@dataclass(frozen=True)
class ShownFrame:
    """One decoded frame, converted to RGB on request.

    Attributes:
        index: Number of the frame in display order, from 0.
    """

    index: int
    _frame: VideoFrame
    _orientation: Orientation
    _reformatter: VideoReformatter

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture as a player shows it.

        Returns:
            uint8, height x width x 3, RGB, rotated; pixels are assumed to be square.
        """
        return self._orientation.apply(to_rgb(self._frame, self._reformatter))


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

    Raises:
        ClipError: While iterating: the clip cannot be decoded as a whole.

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
    ) -> None:
        """Store the arguments; the file is opened by iterating."""
        self._path = path
        self._threads = threads
        self._on_predicted_timeline = on_predicted_timeline
        self._timeline: Timeline | None = None
        self._facts: ClipFacts | None = None

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

    def __iter__(self) -> Iterator[ShownFrame]:
        """Yield every frame in display order."""
        with self._reader() as (reader, stream):
            reformatter = VideoReformatter()
            first: VideoFrame | None = None
            for index, frame in enumerate(reader.frames()):
                if first is None:
                    first, orientation = frame, frame_orientation(frame)
                yield ShownFrame(index, frame, orientation, reformatter)
            if first is None:
                raise RuntimeError("the reader ended without a frame and without an error")
            self._timeline = reader.timeline()
            duration_seconds = self._timeline.duration_seconds
            num_frames = len(self._timeline.starts)
            self._facts = ClipFacts(
                duration_seconds=float(duration_seconds),
                source_fps=float(num_frames / duration_seconds),
                source_width_px=first.width,
                source_height_px=first.height,
                source_num_frames=num_frames,
                source_codec=stream.codec_context.codec.canonical_name,
                rotation_degrees=orientation.clockwise_degrees,
                colour=str(frame_colour(first)),
            )

    @contextmanager
    def _reader(self) -> Iterator[tuple[StreamReader, VideoStream]]:
        """Open the clip, report the predicted timeline if requested, and yield a reader."""
        packets = None
        with ExitStack() as opened:
            container = opened.enter_context(open_container(self._path))
            stream = pick_video_stream(self._path, container)
            if self._on_predicted_timeline is not None:
                ahead = read_ahead(container, stream)
                self._on_predicted_timeline(ahead.timeline)
                packets = ahead.replay()
                if not ahead.holds_all_packets:
                    # Opened again instead of seeking back, which is not exact in every container.
                    opened.close()
                    container = opened.enter_context(open_container(self._path))
                    stream, packets = pick_video_stream(self._path, container), None
            # Frame threads (AUTO) would be faster, but with them PyAV loses the errors of the last
            # frames: of 75 damaged clips, 9 that 1 thread refused were accepted with 4.
            stream.thread_type = "SLICE"
            stream.codec_context.thread_count = self._threads
            yield StreamReader(self._path, container, stream, packets), stream


@dataclass(frozen=True)
class Orientation:
    """How a coded picture is mirrored and rotated for display.

    Attributes:
        clockwise_degrees: 0, 90, 180 or 270, applied after mirroring.
        mirrored: Whether left and right are exchanged.
    """

    clockwise_degrees: int = 0
    mirrored: bool = False

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mirror and rotate a picture.

        Args:
            picture: Uint8, height x width x 3.

        Returns:
            uint8, contiguous; height and width are exchanged at 90 and 270 degrees.
        """
        if self.mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, k=-self.clockwise_degrees // 90))


def frame_orientation(frame: VideoFrame) -> Orientation:
    """Read a frame's display matrix.

    Args:
        frame: A decoded frame.

    Returns:
        The orientation, rounded to a right angle: phones and drones write no other.
    """
    # PyAV's stub knows only one kind of side data.
    side_data = cast("Mapping[str, memoryview]", frame.side_data)
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # Three rows of three 32-bit numbers; (x, y) of the coded picture is shown at
    # (a x + c y, b x + d y), y pointing down.
    a, b, _, c, d, *_ = np.frombuffer(matrix, dtype="=i4").tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the flip x -> -x that comes first
        a, b = -a, -b
    angle = np.degrees(np.arctan2(b, a))
    return Orientation(round(float(angle) / 90) % 4 * 90, mirrored)
