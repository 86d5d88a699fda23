"""The ground as the camera sees it, with shadows and glittering water."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import HEIGHT_PX, WIDTH_PX
from builders.aerosynth.canvas import SEEN_HALF_HEIGHT, SEEN_HALF_WIDTH, TEXELS, Ground
from builders.aerosynth.pixels import FRACTION_BITS, draw_ground, glitter
from builders.aerosynth.seeds import stable_rng

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

WAVE_TILE = 256
"""The waves repeat after this many pixels of the ground."""


class View:
    """Draws the ground of one site, frame by frame."""

    def __init__(self, ground: Ground, shadow: float) -> None:
        """Prepare the shadows.

        Args:
            ground: The ground of the site.
            shadow: Share of the light that a shadow removes, 0 to 1.
        """
        self._ground = ground
        self._keep = np.rint(256 * (1 - shadow * np.arange(256) / 255)).astype(np.uint64)

    def frame(self, picture: ImageArray, matrix: FloatArray, time: float) -> ImageArray:
        """Draw the ground.

        Args:
            picture: uint8 (rows, columns, 4), the site's picture, perhaps changed.
            matrix: float64 (3, 4), world to frame.
            time: Seconds from the start of the clip, for moving waves.

        Returns:
            uint8 (rows, columns, 3), a new frame in red, green, blue.
        """
        x, y = 0.5 / TEXELS - SEEN_HALF_WIDTH, 0.5 / TEXELS - SEEN_HALF_HEIGHT
        origin = matrix[:, 0] * x + matrix[:, 1] * y + matrix[:, 3]
        flat = np.stack([matrix[:, 0] / TEXELS, matrix[:, 1] / TEXELS, origin], axis=1)
        frame = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        packed = picture.reshape(-1).view(np.uint32)
        packed.flags.writeable = False  # like the site's picture, so that Numba compiles only once
        draw_ground(packed, picture.shape[:2], flat, self._keep, frame)
        if self._ground.water is not None:
            # Two layers of waves that move against each other.
            moved = np.array([[14.0, 4.0], [-9.0, 6.0]]) * time + np.array([[0.0, 0.0], [90, 40]])
            shifts = np.rint(moved % WAVE_TILE * (1 << FRACTION_BITS)).astype(np.int32)
            glitter(frame, self._ground.water, flat, _waves(), shifts)
        return frame


@lru_cache(maxsize=1)
def _waves() -> npt.NDArray[np.int16]:
    """Return a seamless tile of waves with mean 0 and standard deviation 256, longer than wide."""
    heights = stable_rng("waves").standard_normal((WAVE_TILE, WAVE_TILE))
    for axis, sigma in ((1, 5.0), (0, 1.6)):
        reach = math.ceil(4 * sigma)
        weights = {by: math.exp(-0.5 * (by / sigma) ** 2) for by in range(-reach, reach + 1)}
        power = math.sqrt(sum(weight**2 for weight in weights.values()))
        rolled = (np.roll(heights, by, axis) * weight for by, weight in weights.items())
        heights = sum(rolled, np.zeros_like(heights)) / power
    return np.rint(256 * heights).astype(np.int16)
