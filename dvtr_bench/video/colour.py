"""Conversion of decoded YUV frames to RGB: matrix and range, by the clip's tags or assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
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
