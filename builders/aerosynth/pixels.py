"""Inner loops of the renderer, bit-identical on every CPU.

OpenCV's resizing, warping and blurring of floats, BLAS's matrix products and NumPy's float32 sines
use the widest vectors of a CPU, so their rounding depends on it. These loops use integers, and
floats in an order of operations that IEEE 754 determines: Numba neither reorders sums nor fuses
products into them.

Numba takes half a second to load, so this module is imported only for drawing, not for planning.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dvtr_bench.runtime.cpu import compiled

ImageArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

FRACTION_BITS = 4
"""Positions on the ground are in 16ths of its pixels."""

_STEPS = 1 << FRACTION_BITS
_MOST = _STEPS - 1

Row = npt.NDArray[np.uint32]
Rgb = npt.NDArray[np.int32]
Box = tuple[int, int, int, int]
"""Column, row, width and height, as from ``cv2.boundingRect``."""

Inverse = tuple[float, float, float, float, float, float, float, float, float]


@compiled
def place(points: FloatArray, pose: tuple[float, float, float, float, float]) -> FloatArray:
    """Rotate points about the vertical axis and translate them.

    Args:
        points: float64 (points, 3), world units.
        pose: Cosine and sine of the angle, and the translation along x, y and z.

    Returns:
        float64 (points, 3).
    """
    cos, sin, x, y, z = pose
    placed = np.empty_like(points)
    for index in range(len(points)):
        placed[index, 0] = points[index, 0] * cos - points[index, 1] * sin + x
        placed[index, 1] = points[index, 0] * sin + points[index, 1] * cos + y
        placed[index, 2] = points[index, 2] + z
    return placed


@compiled
def project(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Project points through a camera.

    Args:
        matrix: float64 (3, 4), world to homogeneous pixels.
        points: float64 (points, 3), world units.

    Returns:
        float64 (points, 2), pixels.
    """
    pixels = np.empty((len(points), 2))
    for index in range(len(points)):
        x, y, z = points[index, 0], points[index, 1], points[index, 2]
        depth = x * matrix[2, 0] + y * matrix[2, 1] + z * matrix[2, 2] + matrix[2, 3]
        for axis in range(2):
            value = x * matrix[axis, 0] + y * matrix[axis, 1] + z * matrix[axis, 2]
            pixels[index, axis] = (value + matrix[axis, 3]) / depth
    return pixels


@compiled
def inverse(flat: FloatArray) -> Inverse:
    """Invert a 3 x 3 matrix up to a factor.

    Args:
        flat: float64 (3, 3).

    Returns:
        Nine numbers, row by row.
    """
    a, b, c = flat[0, 0], flat[0, 1], flat[0, 2]
    d, e, f = flat[1, 0], flat[1, 1], flat[1, 2]
    g, h, i = flat[2, 0], flat[2, 1], flat[2, 2]
    return (
        e * i - f * h,
        c * h - b * i,
        b * f - c * e,
        f * g - d * i,
        a * i - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    )


@compiled
def find_ground_positions(
    back: Inverse, row: int, size: tuple[int, int], across: Row, along: Row
) -> None:
    """Find the positions on the ground that one row of a frame shows.

    Args:
        back: Matrix from ``inverse``: homogeneous pixels of the frame to those of the ground.
        row: Row of the frame.
        size: Rows and columns of the ground; positions outside are moved to its edge.
        across: uint32 (columns,): x in 16ths of a pixel is written here.
        along: uint32 (columns,): y in 16ths of a pixel is written here.
    """
    xx, xy, x1, yx, yy, y1, wx, wy, w1 = back
    x0, y0, w0 = xy * row + x1, yy * row + y1, wy * row + w1
    most_x, most_y = (size[1] - 1) * float(_STEPS) - 1, (size[0] - 1) * float(_STEPS) - 1
    for column in range(len(across)):
        scale = _STEPS / (wx * column + w0)
        x = (xx * column + x0) * scale + 0.5
        y = (yx * column + y0) * scale + 0.5
        across[column] = np.uint32(np.int32(min(max(x, 0.0), most_x)))
        along[column] = np.uint32(np.int32(min(max(y, 0.0), most_y)))


@compiled
def draw_ground(
    picture: npt.NDArray[np.uint32],
    size: tuple[int, int],
    flat: FloatArray,
    keep: npt.NDArray[np.uint64],
    frame: ImageArray,
) -> None:
    """Draw the ground as the camera sees it, with shadows.

    The four bytes of a pixel are interpolated at once, each in 16 of 64 bits. The four weights of a
    position sum to 256, so nothing overflows.

    Args:
        picture: uint32 (rows x columns,), the ground: bytes of red, green, blue, shadow.
        size: Rows and columns of the ground.
        flat: float64 (3, 3), homogeneous pixels of the ground to those of the frame.
        keep: uint64 (256,), the light that remains at each depth of shadow, in 256ths.
        frame: uint8 (rows, columns, 3): red, green and blue are written here.
    """
    back = inverse(flat)
    across = np.empty(frame.shape[1], np.uint32)
    along = np.empty(frame.shape[1], np.uint32)
    lanes, half = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0080008000800080)
    spread, byte, eight, round_up = np.uint64(24), np.uint64(255), np.uint64(8), np.uint64(128)
    # Unsigned indices, because Numba checks signed ones for counting from the end.
    bits, most, steps = np.uint32(FRACTION_BITS), np.uint32(_MOST), np.uint32(_STEPS)
    line, one = np.uint32(size[1]), np.uint32(1)
    for row in range(frame.shape[0]):
        find_ground_positions(back, row, size, across, along)
        for column in range(frame.shape[1]):
            x, y = across[column] & most, along[column] & most
            at = (along[column] >> bits) * line + (across[column] >> bits)
            a, b = np.uint64(picture[at]), np.uint64(picture[at + one])
            c, d = np.uint64(picture[at + line]), np.uint64(picture[at + line + one])
            mixed = half + ((a | (a << spread)) & lanes) * np.uint64((steps - x) * (steps - y))
            mixed += ((b | (b << spread)) & lanes) * np.uint64(x * (steps - y))
            mixed += ((c | (c << spread)) & lanes) * np.uint64((steps - x) * y)
            mixed += ((d | (d << spread)) & lanes) * np.uint64(x * y)
            left = keep[mixed >> np.uint64(56)]
            red, blue = (mixed >> eight) & byte, (mixed >> spread) & byte
            green = (mixed >> np.uint64(40)) & byte
            frame[row, column, 0] = (red * left + round_up) >> eight
            frame[row, column, 1] = (green * left + round_up) >> eight
            frame[row, column, 2] = (blue * left + round_up) >> eight


@compiled
def glitter(
    frame: ImageArray,
    water: ImageArray,
    flat: FloatArray,
    waves: npt.NDArray[np.int16],
    shifts: npt.NDArray[np.int32],
) -> None:
    """Add the glitter of moving waves on water.

    Args:
        frame: uint8 (rows, columns, 3), changed in place.
        water: uint8 (rows, columns) of the ground, 255 on open water.
        flat: float64 (3, 3), homogeneous pixels of the ground to those of the frame.
        waves: int16 (size, size), heights in 256ths, seamless, size a power of two.
        shifts: int32 (layers, 2), shift of each layer in x and y, in 16ths of a pixel.
    """
    back = inverse(flat)
    across = np.empty(frame.shape[1], np.uint32)
    along = np.empty(frame.shape[1], np.uint32)
    no_end, wrap = np.uint32(0xFFFFFFFF), np.uint32(len(waves) - 1)
    for row in range(frame.shape[0]):
        find_ground_positions(back, row, water.shape, across, along)
        for column in range(frame.shape[1]):
            x, y = across[column], along[column]
            share = _between(water, x, y, no_end)
            if share == 0:
                continue
            height = 0
            for layer in range(len(shifts)):
                moved_x = np.uint32(x - np.uint32(shifts[layer, 0]))
                moved_y = np.uint32(y - np.uint32(shifts[layer, 1]))
                height += _between(waves, moved_x, moved_y, wrap)
            # 2.5 for each unit of height, plus 3; crests above 1.1 add 16 for each unit.
            shine = (max(height - 282, 0) * 32 + height * 5 + 1536) >> 9
            added = (min(max(shine, 0), 255) * share + 127) // 255
            for channel in range(3):
                frame[row, column, channel] = min(frame[row, column, channel] + added, 255)


@compiled
def _between(layer: npt.NDArray[Any], x: int, y: int, wrap: int) -> Any:
    """Interpolate a layer at a position in 16ths of a pixel; indices are modulo wrap + 1."""
    bits, most, one = np.uint32(FRACTION_BITS), np.uint32(_MOST), np.uint32(1)
    left, top = (x >> bits) & wrap, (y >> bits) & wrap
    right, bottom = (left + one) & wrap, (top + one) & wrap
    u, v = np.int64(x & most), np.int64(y & most)
    upper = layer[top, left] * (_STEPS - u) + layer[top, right] * u
    lower = layer[bottom, left] * (_STEPS - u) + layer[bottom, right] * u
    return (upper * (_STEPS - v) + lower * v + 128) >> (2 * FRACTION_BITS)


@compiled
def mix(frame: ImageArray, mask: ImageArray, box: Box, colour: Rgb, most: int) -> None:
    """Mix a colour into a frame through a mask.

    Args:
        frame: uint8 (rows, columns, 3), changed in place.
        mask: uint8 (rows, columns).
        box: Box outside which the mask is 0.
        colour: int32 (3,), red, green, blue.
        most: Share of the colour where the mask is 255, in 256ths.
    """
    whole = 255 * 256
    left, top, width, height = box
    for row in range(top, top + height):
        for column in range(left, left + width):
            share = np.int32(mask[row, column]) * most
            if share > 0:
                for channel in range(3):
                    below = np.int32(frame[row, column, channel]) * (whole - share)
                    mixed = below + colour[channel] * share + whole // 2
                    frame[row, column, channel] = mixed // whole


@compiled
def grade(frame: ImageArray, table: ImageArray) -> None:
    """Replace the values of each channel by a table.

    Args:
        frame: uint8 (rows, columns, 3), changed in place.
        table: uint8 (256, 3).
    """
    for row in range(frame.shape[0]):
        for column in range(frame.shape[1]):
            for channel in range(3):
                frame[row, column, channel] = table[frame[row, column, channel], channel]


@compiled
def add_puff(
    clear: FloatArray,
    glow: FloatArray,
    billow: FloatArray,
    puff: tuple[float, float, float, float],
) -> None:
    """Add one puff on top of the smoke drawn so far.

    Args:
        clear: float64 (rows, columns), transparency of the smoke, changed in place.
        glow: float64 (rows, columns), light of the smoke, changed in place.
        billow: float64 (size, size, 2), opacity and light of a puff.
        puff: x and y of its centre, its radius, and its opacity.
    """
    x, y, radius, opacity = puff
    last = len(billow) - 1
    scale = len(billow) / (2 * radius)
    for row in range(max(0, math.floor(y - radius)), min(len(clear), math.ceil(y + radius))):
        v = (row - y + radius) * scale
        if v < 0 or v >= last:
            continue
        top = int(v)
        v -= top
        first = max(0, math.floor(x - radius))
        for column in range(first, min(clear.shape[1], math.ceil(x + radius))):
            u = (column - x + radius) * scale
            if u < 0 or u >= last:
                continue
            left = int(u)
            u -= left
            a, b = (1 - u) * (1 - v), u * (1 - v)
            c, d = (1 - u) * v, u * v
            near, far = billow[top], billow[top + 1]
            weight = near[left, 0] * a + near[left + 1, 0] * b
            weight = (weight + far[left, 0] * c + far[left + 1, 0] * d) * opacity
            bright = near[left, 1] * a + near[left + 1, 1] * b
            bright = bright + far[left, 1] * c + far[left + 1, 1] * d
            glow[row, column] += (bright - glow[row, column]) * weight
            clear[row, column] *= 1 - weight


@compiled
def draw_smoke(frame: ImageArray, clear: FloatArray, glow: FloatArray, colour: Rgb) -> None:
    """Draw smoke over a frame with twice its rows and columns.

    Args:
        frame: uint8 (2 rows, 2 columns, 3), changed in place.
        clear: float64 (rows, columns), transparency of the smoke.
        glow: float64 (rows, columns), light of the smoke.
        colour: int32 (3,), red, green, blue.
    """
    rows, columns = clear.shape
    for row in range(frame.shape[0]):
        upper, lower = max((row - 1) // 2, 0), min((row + 1) // 2, rows - 1)
        down = 0.25 if row % 2 else 0.75
        for column in range(frame.shape[1]):
            left, right = max((column - 1) // 2, 0), min((column + 1) // 2, columns - 1)
            across = 0.25 if column % 2 else 0.75
            a, b = (1 - across) * (1 - down), across * (1 - down)
            c, d = (1 - across) * down, across * down
            keep = clear[upper, left] * a + clear[upper, right] * b
            keep = keep + clear[lower, left] * c + clear[lower, right] * d
            if keep == 1.0:
                continue
            bright = glow[upper, left] * a + glow[upper, right] * b
            bright = bright + glow[lower, left] * c + glow[lower, right] * d
            for channel in range(3):
                mixed = frame[row, column, channel] * keep + bright * colour[channel]
                frame[row, column, channel] = np.uint8(min(mixed + 0.5, 255.0))
