"""From decoded frames to pictures as a player shows them: colours, crop, aspect, rotation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from dvtr_bench.errors import ClipError
from dvtr_bench.video.frame_store import resize
from dvtr_bench.video.model_view import short_side_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane
    from av.video.stream import VideoStream
    from numpy.typing import NDArray


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
_BT709, _BT601, _BT2020 = _TAGGED[1], _TAGGED[6], _TAGGED[9]
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


def frame_colour(frame: VideoFrame, hdr: HighDynamicRange | None = None) -> FrameColour:
    """Choose matrix and range for converting a frame to RGB.

    Args:
        frame: A decoded frame.
        hdr: How it is tone-mapped; None for SDR.

    Returns:
        Matrix and range, by the clip's tags. Without a tag, the matrix is BT.709 if the width is
        at least 1280 or the height above 576 pixels, otherwise BT.601, and BT.2020 for HDR of wide
        gamut; the range is limited, except in pixel formats that are full range by name.

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
    untagged = _BT2020 if hdr and hdr.wide_gamut else _BT709 if is_hd else _BT601
    matrix, _ = tagged or untagged
    return FrameColour(matrix, tagged is not None, full_range, range_tagged)


_HDR_TRANSFERS: Final = {16: "pq", 18: "hlg"}
"""Transfer characteristics of ITU-T H.273: SMPTE ST 2084 and ARIB STD-B67."""

_BT709_PRIMARIES: Final = 1


@dataclass(frozen=True)
class HighDynamicRange:
    """How an HDR clip is to be tone-mapped.

    Attributes:
        transfer: ``pq`` or ``hlg``.
        wide_gamut: Whether the primaries are BT.2020's, as HDR's mostly are.
    """

    transfer: str
    wide_gamut: bool


def high_dynamic_range(stream: VideoStream) -> HighDynamicRange | None:
    """Return how to tone-map the pictures of a stream; None for SDR.

    Args:
        stream: A stream of which a frame was decoded, so that its tags are known.
    """
    context = stream.codec_context
    transfer = _HDR_TRANSFERS.get(int(context.color_trc))
    if transfer is None:
        return None
    return HighDynamicRange(transfer, int(context.color_primaries) != _BT709_PRIMARIES)


def to_sdr(
    frame: VideoFrame, reformatter: VideoReformatter, hdr: HighDynamicRange
) -> NDArray[np.uint8]:
    """Convert a decoded HDR frame to RGB for a usual display.

    Args:
        frame: A decoded frame, any pixel format.
        reformatter: Reuse it from frame to frame.
        hdr: How to tone-map it.

    Returns:
        uint8, height x width x 3, RGB, full range.
    """
    # Imported here, because few clips need it.
    from dvtr_bench.video.tone_mapping import tone_map

    rgb = _reformat(frame, reformatter, frame_colour(frame, hdr), "gbrp12le")
    green, blue, red = (_plane(plane, rgb.width, "<u2") for plane in rgb.planes)
    return tone_map(red, green, blue, hdr.transfer, wide_gamut=hdr.wide_gamut)


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """Convert a decoded frame to RGB at its own size.

    Args:
        frame: A decoded frame, any pixel format.
        reformatter: Reuse it from frame to frame, because setting it up takes time.

    Returns:
        uint8, height x width x 3, RGB, full range.
    """
    colour = frame_colour(frame)
    # swscale has vector code for planar output: the same bytes in half the time. Not for RGB input,
    # where it makes 248 of a white of 5 bits.
    is_rgb = colour.matrix == "rgb"
    rgb = _reformat(frame, reformatter, colour, "rgb24" if is_rgb else "gbrp")
    if is_rgb:
        return cast("NDArray[np.uint8]", rgb.to_ndarray())
    green, blue, red = (_plane(plane, rgb.width, "u1") for plane in rgb.planes)
    return cast("NDArray[np.uint8]", cv2.merge([red, green, blue]))


def _reformat(
    frame: VideoFrame, reformatter: VideoReformatter, colour: FrameColour, pixel_format: str
) -> VideoFrame:
    matrices = dict(_TAGGED.values())
    return reformatter.reformat(
        frame,
        format=pixel_format,
        interpolation=_SCALER,
        src_colorspace=matrices.get(colour.matrix),
        src_color_range=ColorRange.JPEG if colour.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )


def _plane(plane: VideoPlane, width_px: int, kind: str) -> NDArray[Any]:
    values = np.frombuffer(memoryview(plane), kind)
    return values.reshape(plane.height, -1)[:, :width_px]


MAX_STORED_SIDE_PX: Final = 65_500
"""The longest side of a JPEG file that libjpeg writes."""


@dataclass(frozen=True)
class Crop:
    """Pixels of the coded picture that the container says not to show.

    Attributes:
        left_px: Columns at the left.
        top_px: Lines at the top.
        right_px: Columns at the right.
        bottom_px: Lines at the bottom.

    Example:
        >>> Crop(1, 0, 1, 0).apply(np.zeros((2, 6, 3), np.uint8)).shape
        (2, 4, 3)
    """

    left_px: int = 0
    top_px: int = 0
    right_px: int = 0
    bottom_px: int = 0

    def __bool__(self) -> bool:
        """Return whether anything is cut away."""
        return self != Crop()

    def fits(self, width_px: int, height_px: int) -> bool:
        """Return whether something of a picture of this size is left."""
        return self.left_px + self.right_px < width_px and self.top_px + self.bottom_px < height_px

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the part of a picture (height x width x 3) that is shown."""
        height_px, width_px, _ = picture.shape
        lines = slice(self.top_px, height_px - self.bottom_px)
        return picture[lines, self.left_px : width_px - self.right_px]


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


@dataclass(frozen=True)
class Geometry:
    """How the coded pictures of a clip become those that a player shows.

    Attributes:
        coded_size_px: Width and height of the clip's first coded picture.
        crop: What is cut away from pictures of that size.
        pixel_aspect: Width of a pixel / its height.
        orientation: How pictures are turned.
    """

    coded_size_px: tuple[int, int]
    crop: Crop = Crop()
    pixel_aspect: Fraction = Fraction(1)
    orientation: Orientation = Orientation()

    @property
    def cropped_size_px(self) -> tuple[int, int]:
        """Width and height of the first picture after the crop."""
        width_px, height_px = self.coded_size_px
        crop = self.crop
        return (
            width_px - crop.left_px - crop.right_px,
            height_px - crop.top_px - crop.bottom_px,
        )

    @property
    def shown_size_px(self) -> tuple[int, int]:
        """Width and height of all shown pictures.

        Wide pixels make pictures wider and narrow ones make them higher, so that no line is lost.
        """
        width_px, height_px = self.cropped_size_px
        if self.pixel_aspect > 1:
            width_px = max(1, round(width_px * self.pixel_aspect))
        else:
            height_px = max(1, round(height_px / self.pixel_aspect))
        turned = self.orientation.clockwise_degrees % 180 == 90
        return (height_px, width_px) if turned else (width_px, height_px)

    @property
    def stretches(self) -> bool:
        """Whether pixels are not square, by at least half a pixel of the picture."""
        shown = sorted(self.shown_size_px)
        return shown != sorted(self.cropped_size_px)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a coded picture as it is shown.

        Args:
            picture: Uint8, height x width x 3, of any size.

        Returns:
            uint8, of `shown_size_px`.
        """
        return resize(self._oriented(picture), *self.shown_size_px)

    def apply_resized(
        self, path: Path, picture: NDArray[np.uint8], short_side_px: int
    ) -> NDArray[np.uint8]:
        """Return a coded picture as it is shown, resized in the same step.

        Args:
            path: The clip, for messages.
            picture: Uint8, height x width x 3, of any size.
            short_side_px: New length of the short side.

        Returns:
            uint8; the size is the same for all pictures of a clip.

        Raises:
            ClipError: No image file can be that long.
        """
        width_px, height_px = short_side_size(*self.shown_size_px, short_side_px)
        if max(width_px, height_px) > MAX_STORED_SIDE_PX:
            shown = " x ".join(map(str, self.shown_size_px))
            raise ClipError(
                f"{path}: too long and thin: with a short side of {short_side_px} pixels, its "
                f"pictures of {shown} would be {width_px:,} x {height_px:,}; image files have at "
                f"most {MAX_STORED_SIDE_PX:,} pixels a side. Replace it, or pad it first"
            )
        return resize(self._oriented(picture), width_px, height_px)

    def _oriented(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # A picture of another size is stretched as a whole: the crop was meant for the first size.
        if self.crop and picture.shape[1::-1] == self.coded_size_px:
            picture = self.crop.apply(picture)
        return self.orientation.apply(picture)
