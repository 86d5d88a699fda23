"""Frames as they are stored: resized with antialiasing, encoded as JPEG or PNG, decoded.

Resizing equals Pillow's byte for byte; bicubic takes a quarter of its time.

The default JPEG setting was chosen with tests/benchmarks/frame_fidelity.py on 48 real drone clips
(576 frames of about 398 x 224 pixels). Stored frames were compared with unstored ones, both after
CLIP's preprocessing. The requirement was a mean PSNR of 40 dB and a mean SSIM of 0.98.

    quality, chroma   mean PSNR   lowest PSNR   mean SSIM   bytes a frame
    90 4:2:0            38.7 dB       33.4 dB      0.9739          25,939
    92 4:4:4            41.1 dB       37.4 dB      0.9824          34,130
    94 4:2:0            40.9 dB       35.0 dB      0.9827          33,073
    94 4:4:4            42.6 dB       39.0 dB      0.9866          39,831   <- the default
    95 4:2:2            42.6 dB       37.3 dB      0.9868          38,674
    96 4:4:4            44.7 dB       41.4 dB      0.9908          48,546
    png                   exact         exact      1.0000         146,073

The default leaves a margin for other footage. Full chroma preserves small coloured objects, such as
cars seen from above: its worst frame is 2 dB better than with 95 4:2:2, for 3% more bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

import cv2
import numpy as np

from dvtr_bench.errors import ConfigError
from dvtr_bench.reading.border import reading
from dvtr_bench.runtime.cpu import compiled
from dvtr_bench.video.model_view import Interpolation, short_side_size

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SHARPNESS = -0.5
_BICUBIC_REACH = 2.0
_BILINEAR_REACH = 1.0
_FRACTION_BITS = 22
"""Fraction bits of a weight: 32 bits less 8 of a pixel and 2 for sums that overshoot."""


def resize(
    picture: NDArray[np.uint8],
    width_px: int,
    height_px: int,
    interpolation: Interpolation = "bicubic",
) -> NDArray[np.uint8]:
    """Resize a picture, first along its rows, then along its columns.

    Args:
        picture: Uint8, height x width x 3.
        width_px: New width, above 0.
        height_px: New height, above 0.
        interpolation: Which of Pillow's filters.

    Returns:
        uint8, height_px x width_px x 3; the picture itself if it already has this size.

    Example:
        >>> resize(np.full((4, 6, 3), 7, np.uint8), 3, 2)[..., 0]
        array([[7, 7, 7],
               [7, 7, 7]], dtype=uint8)
    """
    picture = np.ascontiguousarray(picture)
    if picture.shape[1] != width_px:
        turned = _resize_lines(np.asarray(cv2.transpose(picture)), width_px, interpolation)
        picture = np.asarray(cv2.transpose(turned), dtype=np.uint8)
    if picture.shape[0] != height_px:
        picture = _resize_lines(picture, height_px, interpolation)
    return picture


def _resize_lines(
    picture: NDArray[np.uint8], num_lines: int, interpolation: Interpolation
) -> NDArray[np.uint8]:
    """Resize along the first axis."""
    lines = picture.reshape(len(picture), -1)
    resized = np.empty((num_lines, lines.shape[1]), dtype=np.uint8)
    _weigh_lines(lines, resized, interpolation == "bilinear")
    return resized.reshape(num_lines, *picture.shape[1:])


@compiled
def _weigh_lines(lines: NDArray[np.uint8], resized: NDArray[np.uint8], is_bilinear: bool) -> None:
    """Compute each resized line as the weighted sum of the lines around it.

    Args:
        lines: Uint8, number of lines x values of a line.
        resized: Uint8, new number of lines x values of a line: the result is written here.
        is_bilinear: Whether the filter is bilinear; bicubic otherwise.
    """
    scale = len(lines) / len(resized)
    stretch = max(scale, 1.0)
    reach = (_BILINEAR_REACH if is_bilinear else _BICUBIC_REACH) * stretch
    weights = np.empty(math.ceil(reach) * 2 + 1)
    sums = np.empty(lines.shape[1], dtype=np.int32)
    for position in range(len(resized)):
        centre = (position + 0.5) * scale
        first = max(int(centre - reach + 0.5), 0)
        count = min(int(centre + reach + 0.5), len(lines)) - first
        total = 0.0
        for tap in range(count):
            distance = (tap + first - centre + 0.5) * (1.0 / stretch)
            weights[tap] = _bilinear(distance) if is_bilinear else _bicubic(distance)
            total += weights[tap]
        sums[:] = 1 << (_FRACTION_BITS - 1)
        for tap in range(count):
            weight = weights[tap] / total * (1 << _FRACTION_BITS)
            rounded = np.int32(weight - 0.5 if weight < 0 else weight + 0.5)
            line = lines[first + tap]
            for column in range(len(line)):
                sums[column] += rounded * np.int32(line[column])
        for column in range(len(sums)):
            resized[position, column] = min(max(sums[column] >> _FRACTION_BITS, 0), 255)


@compiled
def _bicubic(distance: float) -> float:
    """Return the weight of a pixel at a distance, in pixels of the coarser of the two grids."""
    x = abs(distance)
    if x < 1.0:
        return ((_SHARPNESS + 2.0) * x - (_SHARPNESS + 3.0)) * x * x + 1
    if x < _BICUBIC_REACH:
        return (((x - 5) * x + 8) * x - 4) * _SHARPNESS
    return 0.0


@compiled
def _bilinear(distance: float) -> float:
    """Return the same of the other filter."""
    return max(1.0 - abs(distance), 0.0)


def resize_short_side(
    picture: NDArray[np.uint8], short_side_px: int, interpolation: Interpolation = "bicubic"
) -> NDArray[np.uint8]:
    """Resize a picture so that its short side has a given length.

    Args:
        picture: Uint8, height x width x 3, RGB.
        short_side_px: New length of the short side; smaller pictures are enlarged.
        interpolation: Which of Pillow's filters.

    Returns:
        uint8, height x width x 3, RGB; the picture itself if its short side has that length.

    Source:
        `Resize(224, interpolation=BICUBIC)` on a PIL image, github openai/CLIP `clip.py`.
    """
    height_px, width_px, _ = picture.shape
    size_px = short_side_size(width_px, height_px, short_side_px)
    return resize(picture, *size_px, interpolation)


_CHROMA = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}

MAX_STORED_PX: Final = 1 << 25
"""Larger frames, beyond those of 8K, are refused before memory is taken for their pixels."""

_MARKER: Final = 0xFF
_JPEG_BEGINS: Final = b"\xff\xd8"
_JPEG_ENDS: Final = b"\xff\xd9"
_JPEG_SIZES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of the segments that state a size."""

_PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
_PNG_ENDS: Final = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class FrameFormat:
    """How frames are stored.

    Attributes:
        kind: "jpeg", or "png" for bit-exact frames.
        jpeg_quality: JPEG quality, 1 to 100.
        jpeg_chroma: Chroma subsampling of JPEG: "4:4:4" (none), "4:2:2" or "4:2:0".

    Raises:
        ConfigError: A value is not allowed.
    """

    kind: Literal["jpeg", "png"] = "jpeg"
    jpeg_quality: int = 94
    jpeg_chroma: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:4:4"

    def __post_init__(self) -> None:
        """Check the values."""
        if self.kind not in {"jpeg", "png"}:
            raise ConfigError(f"frame format: expected 'jpeg' or 'png', found {self.kind!r}.")
        if not 1 <= self.jpeg_quality <= 100:
            raise ConfigError(f"jpeg_quality: expected 1 to 100, found {self.jpeg_quality}.")
        if self.jpeg_chroma not in _CHROMA:
            raise ConfigError(
                f"jpeg_chroma: expected one of {', '.join(_CHROMA)}, found {self.jpeg_chroma!r}."
            )


def encode_frame(picture: NDArray[np.uint8], frame_format: FrameFormat) -> bytes:
    """Encode one frame.

    Args:
        picture: Uint8, height x width x 3, RGB.
        frame_format: How to encode it.

    Returns:
        The bytes of an image file.

    Example:
        >>> grey = np.full((8, 8, 3), 128, np.uint8)
        >>> bool((decode_frame(encode_frame(grey, FrameFormat("png"))) == grey).all())
        True
    """
    options: list[int] = []
    if frame_format.kind == "jpeg":
        options = [
            cv2.IMWRITE_JPEG_QUALITY,
            frame_format.jpeg_quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            _CHROMA[frame_format.jpeg_chroma],
            cv2.IMWRITE_JPEG_OPTIMIZE,
            1,
        ]
    extension = ".jpg" if frame_format.kind == "jpeg" else ".png"
    _, data = cv2.imencode(extension, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


def decode_frame(data: bytes, where: str = "stored frame") -> NDArray[np.uint8]:
    """Decode one stored frame.

    Args:
        data: The bytes of a JPEG or PNG file, such as `encode_frame` returns.
        where: Where it is stored, for messages.

    Returns:
        uint8, height x width x 3, RGB.

    Raises:
        InputError: The bytes are not a whole picture, or one of more than `MAX_STORED_PX` pixels.
    """
    with reading(where, "a JPEG or PNG file", advice="build the dataset again"):
        width_px, height_px = _picture_size(data)
        if width_px * height_px > MAX_STORED_PX:
            raise ValueError(f"{width_px} x {height_px} pixels: at most {MAX_STORED_PX:,}")
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None or picture.shape[:2] != (height_px, width_px):
            raise ValueError(f"{len(data):,} bytes that no decoder reads")
        return cast("NDArray[np.uint8]", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _picture_size(data: bytes) -> tuple[int, int]:
    """Return width and height as the header of a picture states them; ValueError for others."""
    if data[:2] == _JPEG_BEGINS:
        if data[-2:] != _JPEG_ENDS:
            raise ValueError(f"{len(data):,} bytes of a JPEG file that is cut off")
        place = 2
        while data[place] == _MARKER:
            marker, place = data[place + 1], place + 2
            if marker in _JPEG_SIZES:
                return _number(data, place + 5, 2), _number(data, place + 3, 2)
            if marker == _MARKER:  # a byte that only fills
                place -= 1
            else:
                place += _number(data, place, 2)
        raise ValueError("a JPEG file that states no size")
    if data[:8] == _PNG_BEGINS and data[12:16] == b"IHDR":
        if data[-8:] != _PNG_ENDS:
            raise ValueError(f"{len(data):,} bytes of a PNG file that is cut off")
        return _number(data, 16, 4), _number(data, 20, 4)
    raise ValueError(f"{len(data):,} bytes that are neither")


def _number(data: bytes, place: int, width: int) -> int:
    if place + width > len(data):
        raise ValueError("a picture that ends in its header")
    return int.from_bytes(data[place : place + width], "big")
