"""From decoded YUV to RGB: which matrix and range hold, and what was assumed where no tag says."""

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
# Accurate rounding, chroma interpolated, no CPU-specific shortcuts: the same bytes on any machine.
# Without these flags swscale repeats chroma and rounds loosely (1.3 against 0.2 ms at 640 x 360).
_SCALER = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.BITEXACT
)


@dataclass(frozen=True)
class FrameColour:
    """The matrix and range a frame is converted with, and whether tags or a guess gave them.

    Attributes:
        matrix: Bt709, bt601, bt2020, ... or rgb and gray, which need none.
        matrix_tagged: Whether the clip says so.
        full_range: Luma uses 0..255, else 16..235.
        range_tagged: Whether the clip says so.
    """

    matrix: str
    matrix_tagged: bool
    full_range: bool
    range_tagged: bool

    def __str__(self) -> str:
        """Say it in words, as `ClipFacts.colour` stores it."""
        if self.matrix in {"rgb", "gray"}:
            return self.matrix
        tags = {True: "tagged", False: "assumed"}
        span = "full" if self.full_range else "limited"
        return (
            f"{self.matrix} ({tags[self.matrix_tagged]}), {span} range ({tags[self.range_tagged]})"
        )


def frame_colour(frame: VideoFrame) -> FrameColour:
    """Decide how a frame's YUV becomes RGB.

    Args:
        frame: A decoded frame.

    Returns:
        The tags of the clip where it has them. Where it has none: BT.709 from 1280 pixels of width
        or more than 576 of height, else BT.601; limited range, except in formats that are full
        range by name.

    Source:
        The size rule is mpv's for untagged video. differs: ffmpeg and OpenCV take BT.601 for all.
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
        reformatter: Reused from frame to frame, which saves setting it up again.

    Returns:
        uint8, height x width x 3, RGB, full range.
    """
    colour = frame_colour(frame)
    matrices = dict(_TAGGED.values())
    # Into planes swscale has vector code: the same bytes in half the time. Not so from RGB, where
    # its white of 5 bits becomes 248.
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
