"""The picture of the ground that a scene paints once: layers of colour, shadow and water."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour
from builders.aerosynth.sprites.solid import SUBPIXEL_BITS, SUN

ImageArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

HALF_WIDTH = 330.0
HALF_HEIGHT = 290.0
"""Scenes place objects up to this distance from the origin, in world units."""

SEEN_HALF_WIDTH = 270.0
SEEN_HALF_HEIGHT = 250.0
"""No camera sees beyond this distance from the origin, so no more is painted."""

TEXELS = 1.5
"""Pixels of the ground picture per world unit."""


@dataclass(frozen=True)
class Ground:
    """The finished picture of a site, about 2.5 MB, or twice as much with crops to cut.

    Attributes:
        picture: uint8 (rows, columns, 4): red, green and blue without shadows, and the depth of the
            shadow (255: full shadow).
        water: uint8 (rows, columns), 255 on open water; None without water.
        under: The ground under crops, visible where these are cut, in the form of ``picture``; None
            without crops.
    """

    picture: ImageArray
    water: ImageArray | None
    under: ImageArray | None


class Canvas:
    """Layers of the ground under construction; all coordinates are world units."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Start with black ground, without shadow or water.

        Args:
            rng: Random generator of the whole picture.
        """
        self.rng = rng
        self.rows = round(2 * SEEN_HALF_HEIGHT * TEXELS)
        self.columns = round(2 * SEEN_HALF_WIDTH * TEXELS)
        self.albedo: ImageArray = np.zeros((self.rows, self.columns, 3), np.uint8)
        self.shade: ImageArray = np.zeros((self.rows, self.columns), np.uint8)
        self.water: ImageArray | None = None

    def finish(self, under: ImageArray | None = None) -> Ground:
        """Soften the shadows and return the ground.

        Args:
            under: uint8 (rows, columns, 3), the ground under crops; None without crops.

        Returns:
            The finished ground.
        """
        shade = cv2.GaussianBlur(self.shade, (0, 0), 1.1)
        return Ground(
            picture=np.dstack([self.albedo, shade]),
            water=self.water,
            under=None if under is None else np.dstack([under, shade]),
        )

    def noise(self, cell: float, octaves: int = 4) -> npt.NDArray[np.float32]:
        """Return fractal noise over the whole ground.

        Args:
            cell: Size of the largest blobs, in world units.
            octaves: Number of layers, each with half the size and 0.6 of the strength.

        Returns:
            float32 (rows, columns), mean about 0, mostly within -1 to 1.
        """
        from builders.aerosynth.ground_pixels import add_smooth

        total = np.zeros((self.rows, self.columns), np.float32)
        strengths = [0.6**octave for octave in range(octaves)]
        whole = 0.6 / math.sqrt(sum(strength**2 for strength in strengths))
        for octave, strength in enumerate(strengths):
            size = max(cell * TEXELS / 2**octave, 1.0)
            shape = (int(self.rows / size) + 3, int(self.columns / size) + 3)
            add_smooth(total, self.rng.standard_normal(shape), strength * whole)
        return total

    def blend(
        self, low: Colour, high: Colour, cell: float, grain: float = 5.0, octaves: int = 4
    ) -> ImageArray:
        """Return a picture of noise between two colours.

        Args:
            low: First colour.
            high: Second colour.
            cell: Size of the largest blobs, in world units.
            grain: Standard deviation of the additional noise of single pixels, 0 to 255.
            octaves: Number of layers of noise.

        Returns:
            uint8 (rows, columns, 3).
        """
        from builders.aerosynth.ground_pixels import paint_noise

        picture = np.empty_like(self.albedo)
        grains = self.rng.integers(1 << 32, size=picture.shape[:2], dtype=np.uint32)
        colours = np.array([low, high], np.float32)
        paint_noise(self.noise(cell, octaves), grains, float(grain), colours, picture)
        return picture

    def cover(self, picture: ImageArray, mask: ImageArray | None = None) -> None:
        """Paint a picture onto the ground.

        Args:
            picture: uint8 (rows, columns, 3).
            mask: uint8 (rows, columns), opacity of the picture; None for full opacity everywhere.
        """
        from builders.aerosynth.ground_pixels import cover

        if mask is None:
            self.albedo = picture.copy()
            return
        cover(self.albedo, picture, mask, cv2.boundingRect(mask))

    def mask(self, polygon: Sequence[Point], soft: float = 0.0) -> ImageArray:
        """Return the mask of a polygon.

        Args:
            polygon: Corners.
            soft: Standard deviation of the blur of its edge, in world units.

        Returns:
            uint8 (rows, columns), 255 inside.
        """
        layer: ImageArray = np.zeros((self.rows, self.columns), np.uint8)
        cv2.fillPoly(layer, [texels(polygon)], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
        return layer if soft == 0 else np.asarray(cv2.GaussianBlur(layer, (0, 0), soft * TEXELS))

    def stroke(self, line: Sequence[Point], width: float, soft: float = 0.0) -> ImageArray:
        """Return the mask of a wide line with round ends.

        Args:
            line: Points of the line.
            width: Width, in world units.
            soft: Standard deviation of the blur of its edge, in world units.

        Returns:
            uint8 (rows, columns), 255 inside.
        """
        layer: ImageArray = np.zeros((self.rows, self.columns), np.uint8)
        thick = max(1, round(width * TEXELS))
        cv2.polylines(layer, [texels(line)], False, (255,), thick, cv2.LINE_AA, SUBPIXEL_BITS)
        return layer if soft == 0 else np.asarray(cv2.GaussianBlur(layer, (0, 0), soft * TEXELS))

    def polygon(self, corners: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon with one colour.

        Args:
            corners: Corners.
            colour: Red, green, blue.
        """
        cv2.fillPoly(self.albedo, [texels(corners)], colour, cv2.LINE_AA, SUBPIXEL_BITS)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.4) -> None:
        """Draw a line.

        Args:
            points: Points of the line.
            colour: Red, green, blue.
            width: In world units.
        """
        thick = max(1, round(width * TEXELS))
        cv2.polylines(
            self.albedo, [texels(points)], False, colour, thick, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def circle(self, x: float, y: float, radius: float, colour: Colour, width: float = 0) -> None:
        """Draw a disc, or a ring if a width is given.

        Args:
            x: x of the centre.
            y: y of the centre.
            radius: Radius, in world units.
            colour: Red, green, blue.
            width: Width of the ring; 0 for a disc.
        """
        middle = (texel(x, SEEN_HALF_WIDTH), texel(y, SEEN_HALF_HEIGHT))
        size = round(radius * TEXELS * (1 << SUBPIXEL_BITS))
        thick = max(1, round(width * TEXELS)) if width else -1
        cv2.circle(self.albedo, middle, size, colour, thick, cv2.LINE_AA, SUBPIXEL_BITS)

    def cast(self, corners: Sequence[Point] | FloatArray, height: float) -> None:
        """Draw the shadow of a convex solid with vertical sides.

        Args:
            corners: Corners of its base.
            height: Its height, in world units.
        """
        base = np.asarray(corners, dtype=np.float64)
        hull = np.concatenate([base, base + height * np.array(SUN)])
        pixels = cv2.convexHull(texels(hull))
        cv2.fillConvexPoly(self.shade, pixels, (255,), cv2.LINE_AA, SUBPIXEL_BITS)

    def unshade(self, corners: Sequence[Point] | FloatArray) -> None:
        """Remove the shadow from the top of a tall object.

        Args:
            corners: Corners of its outline.
        """
        cv2.fillPoly(self.shade, [texels(corners)], (0,), cv2.LINE_AA, SUBPIXEL_BITS)


def texel(coordinate: float, half: float) -> int:
    """Convert one coordinate of a world point as `texels` does.

    Args:
        coordinate: World units.
        half: Half the size of the ground picture in that direction, in world units.

    Returns:
        Pixels of the ground picture, in cv2's fixed point form.
    """
    return round(((coordinate + half) * TEXELS - 0.5) * (1 << SUBPIXEL_BITS))


def texels(points: Sequence[Point] | FloatArray) -> npt.NDArray[np.int32]:
    """Convert world points to pixels of the ground picture, in cv2's fixed point form.

    Args:
        points: World points.

    Returns:
        int32 (points, 2).
    """
    world = np.asarray(points, dtype=np.float64)
    pixels = (world + np.array([SEEN_HALF_WIDTH, SEEN_HALF_HEIGHT])) * TEXELS - 0.5
    return np.asarray(np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32))
