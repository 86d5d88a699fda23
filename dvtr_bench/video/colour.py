"""Conversion of decoded frames to RGB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

if TYPE_CHECKING:
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
