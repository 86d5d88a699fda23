"""Decoding a clip in order, from the first frame to the last, and counting what is really there."""

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
    """What a clip was found to be, counted while decoding, not what its header claims.

    Attributes:
        duration_seconds: From the first frame shown to the end of the last one.
        source_fps: Mean frame rate, `source_num_frames / duration_seconds`.
        source_width_px: Of the pictures as they are coded, before rotation.
        source_height_px: Of the pictures as they are coded, before rotation.
        source_num_frames: Frames that a player shows.
        source_codec: Such as h264, hevc, mpeg4.
        rotation_degrees: 0, 90, 180 or 270, how far stored pictures are turned clockwise to be
            shown; extracted frames have it applied.
        colour: The conversion to RGB and where it came from, such as "bt709 (tagged), limited
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
    """One decoded frame; its picture is converted only when asked for.

    Attributes:
        index: Place in display order, from 0.
    """

    index: int
    _frame: VideoFrame
    _orientation: Orientation
    _reformatter: VideoReformatter

    def rgb(self) -> NDArray[np.uint8]:
        """The picture as it is shown.

        Returns:
            uint8, height x width x 3, RGB, rotation applied; pixels are taken as square.
        """
        return self._orientation.apply(to_rgb(self._frame, self._reformatter))


class ClipDecoder:
    """Decodes one clip once, in display order.

    Iterate it to the end; then `timeline` and `facts` are known. Damage that the decoder notices is
    an error wherever it lies: a clip is decoded as a whole or not at all. What precedes the first
    whole frame in a recording that starts between two key frames is not shown by players and does
    not count.

    Args:
        path: The clip.
        threads: Decoding threads, of use for clips coded in slices. Builders run one process a
            core and leave it at 1.
        foretell: Called before the first frame with the timeline that the packets foretell, None
            where they carry no times; the packets are then read before any is decoded.

    Raises:
        ClipError: When iterated, see the messages.

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
        foretell: Callable[[Timeline | None], None] | None = None,
    ) -> None:
        """Remember what to decode; the file is opened by iterating."""
        self._path = path
        self._threads = threads
        self._foretell = foretell
        self._timeline: Timeline | None = None
        self._facts: ClipFacts | None = None

    @property
    def timeline(self) -> Timeline:
        """When each frame is shown; known once the last frame was read."""
        if self._timeline is None:
            raise RuntimeError("decode the clip to its end first")
        return self._timeline

    @property
    def facts(self) -> ClipFacts:
        """What the clip is; known once the last frame was read."""
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
        """Start before the first packet, the timeline foretold where that is asked for."""
        packets = None
        with ExitStack() as opened:
            container = opened.enter_context(open_container(self._path))
            stream = pick_video_stream(self._path, container)
            if self._foretell is not None:
                ahead = read_ahead(container, stream)
                self._foretell(ahead.timeline)
                packets = ahead.replay()
                if not ahead.fit:
                    # Opened anew, not sought back: no seek is exact in every container.
                    opened.close()
                    container = opened.enter_context(open_container(self._path))
                    stream, packets = pick_video_stream(self._path, container), None
            # Frame threads (AUTO) would be faster, but with them PyAV loses the errors of the last
            # frames: of 75 damaged clips, 9 that 1 thread refused passed as whole with 4.
            stream.thread_type = "SLICE"
            stream.codec_context.thread_count = self._threads
            yield StreamReader(self._path, container, stream, packets), stream


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned to be shown.

    Attributes:
        clockwise_degrees: 0, 90, 180 or 270, applied after the mirroring.
        mirrored: Flipped left to right first.
    """

    clockwise_degrees: int = 0
    mirrored: bool = False

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture upright.

        Args:
            picture: Uint8, height x width x 3.

        Returns:
            uint8, contiguous; height and width change places at 90 and 270 degrees.
        """
        if self.mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, k=-self.clockwise_degrees // 90))


def frame_orientation(frame: VideoFrame) -> Orientation:
    """Read a frame's display matrix.

    Args:
        frame: A decoded frame.

    Returns:
        The orientation, to the nearest right angle: phones and drones write no other.
    """
    # PyAV's stub knows only one kind of side data.
    side_data = cast("Mapping[str, memoryview]", frame.side_data)
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # Three rows of three 32-bit numbers; (x, y) of the stored picture is shown at
    # (a x + c y, b x + d y), y pointing down.
    a, b, _, c, d, *_ = np.frombuffer(matrix, dtype="=i4").tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the flip x -> -x that comes first
        a, b = -a, -b
    angle = np.degrees(np.arctan2(b, a))
    return Orientation(round(float(angle) / 90) % 4 * 90, mirrored)
