"""Sprites as stacks of convex prisms: created once a clip, drawn once a frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import project
from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

SUBPIXEL_BITS = 4
SUN = (0.55, 0.42)
"""Shift of a shadow on the ground for each unit of height, in world units."""


@dataclass(frozen=True)
class Prism:
    """A convex solid with a flat base and a flat top; its front points along x.

    Attributes:
        base: Corners of the base, x forwards and y to the right, in world units.
        low: Height of the base.
        high: Height of the top.
        top: Colour of the top face.
        side: Colour of the sides; None for a flat patch without sides.
        roof: Corners of the top, as many as of the base; None if equal to the base.
        shadow: Whether it casts a shadow.
    """

    base: tuple[Point, ...]
    low: float
    high: float
    top: Colour
    side: Colour | None = None
    roof: tuple[Point, ...] | None = None
    shadow: bool = True


def box(
    length: float, width: float, x: float = 0.0, y: float = 0.0, cut: float = 0.0
) -> tuple[Point, ...]:
    """Return the corners of a rectangle, optionally with its corners cut off.

    Args:
        length: Extent along x.
        width: Extent along y.
        x: Where its middle is.
        y: Where its middle is.
        cut: How much of each corner is cut off.

    Returns:
        Four points, or eight with cut corners.
    """
    half_x, half_y = length / 2, width / 2
    if cut == 0.0:
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        return tuple((x + sx * half_x, y + sy * half_y) for sx, sy in signs)
    return (
        (x + half_x, y + half_y - cut),
        (x + half_x - cut, y + half_y),
        (x - half_x + cut, y + half_y),
        (x - half_x, y + half_y - cut),
        (x - half_x, y - half_y + cut),
        (x - half_x + cut, y - half_y),
        (x + half_x - cut, y - half_y),
        (x + half_x, y - half_y + cut),
    )


def ellipse(length: float, width: float, x: float = 0.0, y: float = 0.0) -> tuple[Point, ...]:
    """Return ten points of an ellipse.

    Args:
        length: Extent along x.
        width: Extent along y.
        x: Where its middle is.
        y: Where its middle is.

    Returns:
        Ten points.
    """
    angles = [2 * math.pi * step / 10 for step in range(10)]
    return tuple((x + length / 2 * math.cos(a), y + width / 2 * math.sin(a)) for a in angles)


class Sprite:
    """A stack of prisms, drawn from the lowest to the highest."""

    def __init__(self, prisms: Sequence[Prism], scale: float = 1.0) -> None:
        """Join the corners of all prisms in one array.

        Args:
            prisms: In the order in which they are drawn.
            scale: Size factor.
        """
        points: list[tuple[float, float, float]] = []
        self._faces: list[tuple[int, int, int, Prism]] = []
        for prism in prisms:
            start = len(points)
            points.extend((x, y, prism.low) for x, y in prism.base)
            middle = len(points)
            points.extend((x, y, prism.high) for x, y in prism.roof or prism.base)
            self._faces.append((start, middle, len(points), prism))
        self._points = np.array(points, dtype=np.float64) * scale

    def place(self, pose: FloatArray, height: float = 0.0) -> FloatArray:
        """Return the corner points in world coordinates.

        Args:
            pose: float64 (3,): x, y, heading.
            height: Height above the ground.

        Returns:
            float64 (points, 3), world units.
        """
        from builders.aerosynth import pixels

        turn = float(pose[2])
        moved = (math.cos(turn), math.sin(turn), float(pose[0]), float(pose[1]), float(height))
        return np.asarray(pixels.place(self._points, moved))

    def draw(self, frame: ImageArray, matrix: FloatArray, placed: FloatArray) -> None:
        """Draw the sprite into a frame.

        Args:
            frame: uint8 (rows, columns, 3), changed in place.
            matrix: float64 (3, 4), world to frame.
            placed: float64 (points, 3) from ``place``.
        """
        pixels = fixed_point(project(matrix, placed))
        for start, middle, end, prism in self._faces:
            if prism.side is not None:
                hull = cv2.convexHull(pixels[start:end])
                cv2.fillConvexPoly(frame, hull, prism.side, cv2.LINE_AA, SUBPIXEL_BITS)
            cv2.fillConvexPoly(frame, pixels[middle:end], prism.top, cv2.LINE_AA, SUBPIXEL_BITS)

    def shade(self, mask: ImageArray, matrix: FloatArray, placed: FloatArray) -> None:
        """Draw the shadow of the sprite into a mask.

        Args:
            mask: uint8 (rows, columns), 255 where there is shadow, changed in place.
            matrix: float64 (3, 4), world to frame.
            placed: float64 (points, 3) from ``place``.
        """
        fallen = placed.copy()
        fallen[:, 0] += SUN[0] * placed[:, 2]
        fallen[:, 1] += SUN[1] * placed[:, 2]
        fallen[:, 2] = 0.0
        pixels = fixed_point(project(matrix, fallen))
        for start, _, end, prism in self._faces:
            if prism.shadow:
                hull = cv2.convexHull(pixels[start:end])
                cv2.fillConvexPoly(mask, hull, (255,), cv2.LINE_AA, SUBPIXEL_BITS)


def fixed_point(pixels: FloatArray) -> npt.NDArray[np.int32]:
    """Convert pixels to cv2's fixed point form, limited to the range that cv2 allows.

    Args:
        pixels: float64 (points, 2).

    Returns:
        int32 (points, 2), with ``SUBPIXEL_BITS`` bits after the point.
    """
    clipped = np.minimum(np.maximum(pixels, -2000.0), 2000.0)
    return np.asarray(np.rint(clipped * (1 << SUBPIXEL_BITS)).astype(np.int32))
