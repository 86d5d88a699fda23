"""The big picture of the ground that a scene paints once: colours, shadows and water, in layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour
from builders.aerosynth.sprites.solid import SUN

ImageArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

HALF_WIDTH = 330.0
HALF_HEIGHT = 290.0
"""The world that is painted reaches this far from the origin, in world units."""

TEXELS = 1.5
"""Pixels of the ground picture per world unit."""

SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Ground:
    """The finished picture of a site.

    Attributes:
        albedo: uint8 (rows, columns, 3), red, green, blue without shadows.
        shade: uint8 (rows, columns), 255 in full shadow.
        water: uint8 (rows, columns), 255 on open water.
        under: uint8 (rows, columns, 3), what comes to light where crops are cut.
    """

    albedo: ImageArray
    shade: ImageArray
    water: ImageArray
    under: ImageArray


class Canvas:
    """Layers of the ground under construction; all coordinates are world units."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Start with black ground without shadow or water.

        Args:
            rng: Source of all randomness of the picture.
        """
        self.rng = rng
        self.rows = round(2 * HALF_HEIGHT * TEXELS)
        self.columns = round(2 * HALF_WIDTH * TEXELS)
        self.albedo: ImageArray = np.zeros((self.rows, self.columns, 3), np.uint8)
        self.shade: ImageArray = np.zeros((self.rows, self.columns), np.uint8)
        self.water: ImageArray = np.zeros((self.rows, self.columns), np.uint8)

    def finish(self, under: ImageArray | None = None) -> Ground:
        """Hand out the layers, shadows softened.

        Args:
            under: What lies under the crops; None: the ground itself.

        Returns:
            The finished ground.
        """
        shade: ImageArray = np.asarray(cv2.GaussianBlur(self.shade, (0, 0), 1.1), dtype=np.uint8)
        return Ground(self.albedo, shade, self.water, self.albedo if under is None else under)

    def noise(self, cell: float, octaves: int = 4) -> FloatArray:
        """Fractal noise over the whole ground.

        Args:
            cell: Size of the largest blobs, in world units.
            octaves: How many layers, each with half the size and 0.6 of the strength.

        Returns:
            float32 (rows, columns), mean about 0, mostly within -1 to 1.
        """
        total = np.zeros((self.rows, self.columns), np.float32)
        strength, weight = 1.0, 0.0
        for octave in range(octaves):
            size = max(cell * TEXELS / 2**octave, 1.0)
            shape = (int(self.rows / size) + 3, int(self.columns / size) + 3)
            grid = self.rng.standard_normal(shape, dtype=np.float32)
            total += strength * cv2.resize(
                grid, (self.columns, self.rows), interpolation=cv2.INTER_CUBIC
            )
            weight += strength**2
            strength *= 0.6
        return np.asarray(total / np.sqrt(weight) * 0.6)

    def blend(
        self, low: Colour, high: Colour, cell: float, grain: float = 5.0, octaves: int = 4
    ) -> ImageArray:
        """A picture that wavers between two colours.

        Args:
            low: One colour.
            high: The other.
            cell: Size of the largest blobs, in world units.
            grain: Standard deviation of the noise of single pixels, 0 to 255.
            octaves: Layers of noise.

        Returns:
            uint8 (rows, columns, 3).
        """
        mix = np.clip(self.noise(cell, octaves) * 0.5 + 0.5, 0, 1)[:, :, None].astype(np.float32)
        first, second = np.array(low, np.float32), np.array(high, np.float32)
        picture = first + mix * (second - first)
        picture += self.rng.standard_normal(mix.shape, dtype=np.float32) * grain
        return np.asarray(np.clip(picture, 0, 255).astype(np.uint8))

    def cover(self, picture: ImageArray, mask: ImageArray | None = None) -> None:
        """Lay a picture onto the ground.

        Args:
            picture: uint8 (rows, columns, 3).
            mask: uint8 (rows, columns), 255 where the picture covers; None: everywhere.
        """
        if mask is None:
            self.albedo = picture.copy()
            return
        x, y, width, height = cv2.boundingRect(mask)
        window = (slice(y, y + height), slice(x, x + width))
        weight = mask[window][:, :, None].astype(np.float32) / 255.0
        below = self.albedo[window]
        mixed = below + (picture[window].astype(np.float32) - below) * weight
        self.albedo[window] = np.round(mixed).astype(np.uint8)

    def mask(self, polygon: Sequence[Point], soft: float = 0.0) -> ImageArray:
        """The inside of a polygon.

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
        """The inside of a wide line with round ends.

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
        """Draw a disc, or a ring where a width is given.

        Args:
            x: Middle.
            y: Middle.
            radius: In world units.
            colour: Red, green, blue.
            width: Width of the ring; 0 fills.
        """
        middle = texels([(x, y)])[0]
        size = round(radius * TEXELS * (1 << SUBPIXEL_BITS))
        thick = max(1, round(width * TEXELS)) if width else -1
        cv2.circle(self.albedo, middle, size, colour, thick, cv2.LINE_AA, SUBPIXEL_BITS)

    def cast(self, corners: Sequence[Point], height: float) -> None:
        """Cast the shadow of a convex solid with upright sides.

        Args:
            corners: Its base.
            height: Its height, in world units.
        """
        base = np.array(corners, dtype=np.float64)
        hull = np.concatenate([base, base + height * np.array(SUN)])
        pixels = cv2.convexHull(texels(hull))
        cv2.fillConvexPoly(self.shade, pixels, (255,), cv2.LINE_AA, SUBPIXEL_BITS)

    def unshade(self, corners: Sequence[Point]) -> None:
        """Take the shadow away where something tall stands in the light.

        Args:
            corners: Corners of its outline.
        """
        cv2.fillPoly(self.shade, [texels(corners)], (0,), cv2.LINE_AA, SUBPIXEL_BITS)


def texels(points: Sequence[Point] | FloatArray) -> npt.NDArray[np.int32]:
    """World points as pixels of the ground picture, in cv2's fixed point form.

    Args:
        points: World points.

    Returns:
        int32 (points, 2).
    """
    world = np.asarray(points, dtype=np.float64)
    pixels = (world + np.array([HALF_WIDTH, HALF_HEIGHT])) * TEXELS - 0.5
    return np.asarray(np.round(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32))


def texel_matrix() -> FloatArray:
    """Matrix from the homogeneous pixels of the ground picture to the world.

    Returns:
        float64 (3, 3): (column, row, 1) to (x, y, 1).
    """
    scale = 1 / TEXELS
    return np.array(
        [
            [scale, 0.0, 0.5 * scale - HALF_WIDTH],
            [0.0, scale, 0.5 * scale - HALF_HEIGHT],
            [0.0, 0.0, 1.0],
        ]
    )
