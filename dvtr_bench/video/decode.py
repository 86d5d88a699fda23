"""Decoding of a clip in order, from the first frame to the last."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from dvtr_bench.video.containers import open_container, pick_video_stream
from dvtr_bench.video.stream_reader import StreamReader, read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from dvtr_bench.video.sampling import Timeline


# ITU-T H.273 matrix coefficients -> (name, swscale's matrix).
_TAGGED = {
    1: ("bt709", Colorspace.ITU709),
    4: ("fcc", Colorspace.FCC),
    5: ("bt601", Colorspace.ITU601),
    6: ("bt601", Colorspace.ITU601),
    7: ("smpte240m", Colorspace.SMPTE240M),
    9: ("bt2020", Colorspace.BT2020),
    10: ("bt2020", Colorspace.BT2020),
}
_BT709, _BT601 = _TAGGED[1], _TAGGED[6]
# Accurate rounding, interpolated chroma, no CPU-specific shortcuts: the same bytes on any machine.
# Without these flags swscale repeats chroma and rounds coarsely (0.2 instead of 1.3 ms at 640x360).
_SCALER = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.BITEXACT
)


@dataclass(frozen=True)
class FrameColour:
    """The matrix and range with which a frame is converted, and whether they are tagged.

    Attributes:
        matrix: ``bt709``, ``bt601``, ``bt2020`` and so on; ``rgb`` or ``gray`` without a matrix.
        matrix_tagged: Whether the clip is tagged with the matrix; otherwise it is assumed.
        full_range: Whether luma uses 0..255; otherwise 16..235.
        range_tagged: Whether the clip is tagged with the range; otherwise it is assumed.
    """

    matrix: str
    matrix_tagged: bool
    full_range: bool
    range_tagged: bool

    def __str__(self) -> str:
        """Describe the conversion, as stored in `ClipFacts.colour`."""
        if self.matrix in {"rgb", "gray"}:
            return self.matrix
        tags = {True: "tagged", False: "assumed"}
        span = "full" if self.full_range else "limited"
        return (
            f"{self.matrix} ({tags[self.matrix_tagged]}), {span} range ({tags[self.range_tagged]})"
        )


def frame_colour(frame: VideoFrame) -> FrameColour:
    """Choose matrix and range for converting a frame to RGB.

    Args:
        frame: A decoded frame.

    Returns:
        Matrix and range, by the clip's tags. Without a tag, the matrix is BT.709 if the width is
        at least 1280 or the height above 576 pixels, otherwise BT.601; the range is limited, except
        in pixel formats that are full range by name.

    Source:
        The size rule is mpv's for untagged video. differs: ffmpeg and OpenCV always use BT.601.
    """
    name = frame.format.name
    if frame.format.is_rgb or name.startswith("gbr") or name == "pal8":
        return FrameColour("rgb", True, True, True)
    full_range = frame.color_range == ColorRange.JPEG or name.startswith("yuvj")
    range_tagged = frame.color_range != ColorRange.UNSPECIFIED or name.startswith("yuvj")
    if name.startswith("gray"):
        return FrameColour("gray", True, full_range, range_tagged)
    tagged = _TAGGED.get(frame.colorspace)
    is_hd = frame.width >= 1280 or frame.height > 576
    matrix, _ = tagged or (_BT709 if is_hd else _BT601)
    return FrameColour(matrix, tagged is not None, full_range, range_tagged)


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """Convert a decoded frame to RGB at its own size.

    Args:
        frame: A decoded frame, any pixel format.
        reformatter: Reuse it from frame to frame, because setting it up takes time.

    Returns:
        uint8, height x width x 3, RGB, full range.
    """
    colour = frame_colour(frame)
    matrices = dict(_TAGGED.values())
    # swscale has vector code for planar output: the same bytes in half the time. Not for RGB input,
    # where it makes 248 of a white of 5 bits.
    is_rgb = colour.matrix == "rgb"
    rgb = reformatter.reformat(
        frame,
        format="rgb24" if is_rgb else "gbrp",
        interpolation=_SCALER,
        src_colorspace=matrices.get(colour.matrix),
        src_color_range=ColorRange.JPEG if colour.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    if is_rgb:
        return cast("NDArray[np.uint8]", rgb.to_ndarray())
    green, blue, red = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : rgb.width]
        for plane in rgb.planes
    )
    return cast("NDArray[np.uint8]", cv2.merge([red, green, blue]))


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
