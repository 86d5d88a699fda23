"""Inner loops for painting the ground, bit-identical on every CPU, see `pixels`."""

import math

import numpy as np
import numpy.typing as npt

from builders.aerosynth.pixels import Box, FloatArray, ImageArray
from dvtr_bench.runtime.cpu import compiled

_CUBIC = -0.75
"""Sharpness of the cubic kernel, as in OpenCV."""


@compiled
def add_smooth(total: npt.NDArray[np.float32], grid: FloatArray, strength: float) -> None:
    """Resize a coarse grid to a picture with cubic interpolation, and add it.

    Args:
        total: float32 (rows, columns), changed in place.
        grid: float64 (grid rows, grid columns).
        strength: Factor.
    """
    rows, columns = total.shape
    lines = np.zeros((len(grid), columns), np.float32)
    for column in range(columns):
        position = (column + 0.5) * grid.shape[1] / columns - 0.5
        first = math.floor(position)
        for tap in range(-1, 3):
            weight = _cubic(abs(position - first - tap))
            near = min(max(first + tap, 0), grid.shape[1] - 1)
            for row in range(len(grid)):
                lines[row, column] += np.float32(weight * grid[row, near])
    for row in range(rows):
        position = (row + 0.5) * len(grid) / rows - 0.5
        first = math.floor(position)
        for tap in range(-1, 3):
            weight = np.float32(_cubic(abs(position - first - tap)) * strength)
            line = lines[min(max(first + tap, 0), len(grid) - 1)]
            for column in range(columns):
                total[row, column] += line[column] * weight


@compiled
def _cubic(distance: float) -> float:
    """Return the weight of a grid point at a distance."""
    if distance < 1:
        return ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance * distance + 1
    if distance < 2:
        return ((distance - 5) * distance + 8) * distance * _CUBIC - 4 * _CUBIC
    return 0.0


@compiled
def paint_noise(
    noise: npt.NDArray[np.float32],
    grains: npt.NDArray[np.uint32],
    grain: float,
    colours: npt.NDArray[np.float32],
    picture: ImageArray,
) -> None:
    """Paint noise between two colours.

    Args:
        noise: float32 (rows, columns), -1 for the first colour, 1 for the second.
        grains: uint32 (rows, columns), random numbers. The sum of the four bytes of each, nearly
            normally distributed, is the additional noise of the pixel.
        grain: Standard deviation of the additional noise.
        colours: float32 (2, 3), the two colours.
        picture: uint8 (rows, columns, 3): the result is written here.
    """
    byte = np.uint32(255)
    # The sum of four bytes has mean 510 and standard deviation 147.8.
    size = np.float32(grain / 147.8)
    half, zero, one = np.float32(0.5), np.float32(0.0), np.float32(1.0)
    for row in range(noise.shape[0]):
        for column in range(noise.shape[1]):
            share = min(max(noise[row, column] * half + half, zero), one)
            bits = grains[row, column]
            total = (bits & byte) + ((bits >> np.uint32(8)) & byte)
            total = total + ((bits >> np.uint32(16)) & byte) + (bits >> np.uint32(24))
            lift = (np.float32(np.int32(total)) - np.float32(510)) * size + half
            for channel in range(3):
                low, high = colours[0, channel], colours[1, channel]
                value = low + share * (high - low) + lift
                picture[row, column, channel] = np.uint8(min(max(value, zero), np.float32(255)))


@compiled
def plough(
    picture: ImageArray,
    rough: npt.NDArray[np.float32],
    across: FloatArray,
    along: FloatArray,
) -> None:
    """Darken and lighten a picture in waves, to look like rows of crops.

    Args:
        picture: uint8 (rows, columns, 3), changed in place.
        rough: float32 (rows, columns), depth of the waves from -1 (shallow) to 1 (deep).
        across: float64 (2, columns), sine and cosine of the part of the phase that depends on x.
        along: float64 (2, rows), sine and cosine of the part that depends on y.
    """
    for row in range(picture.shape[0]):
        sine, cosine = along[0, row], along[1, row]
        for column in range(picture.shape[1]):
            wave = sine * across[1, column] + cosine * across[0, column]
            depth = 0.065 + 0.03 * min(max(rough[row, column], -1.0), 1.0)
            factor = 1 + wave * depth
            for channel in range(3):
                value = picture[row, column, channel] * factor + 0.5
                picture[row, column, channel] = np.uint8(min(max(value, 0.0), 255.0))


@compiled
def cover(below: ImageArray, picture: ImageArray, mask: ImageArray, box: Box) -> None:
    """Paint a picture onto another through a mask.

    Args:
        below: uint8 (rows, columns, 3), changed in place.
        picture: uint8 (rows, columns, 3).
        mask: uint8 (rows, columns), opacity of the picture.
        box: Box outside which the mask is 0.
    """
    left, top, width, height = box
    for row in range(top, top + height):
        for column in range(left, left + width):
            share = np.int32(mask[row, column])
            if share > 0:
                for channel in range(3):
                    under = np.int32(below[row, column, channel]) * (255 - share)
                    over = np.int32(picture[row, column, channel]) * share
                    below[row, column, channel] = (under + over + 127) // 255
