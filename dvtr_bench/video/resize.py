"""Resizing with antialiasing, equal to Pillow's byte for byte; bicubic takes a quarter of its time.

Pillow itself is not used for two reasons. Pillow 13 resizes some upright pictures in another order
(columns first), so a dataset's bytes would depend on the installed version; and it took an eighth
of a build's time. OpenCV's bicubic resizing has another kernel and no antialiasing. This is
Pillow's integer arithmetic along lines of contiguous memory, which a compiler can vectorise.

Source: Pillow 12, `src/libImaging/Resample.c`, `precompute_coeffs` and the 8-bit passes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dvtr_bench.runtime.compiled import compiled
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
