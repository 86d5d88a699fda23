"""A column of smoke: soft puffs that rise, grow, drift and become thinner."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import HEIGHT_PX, WIDTH_PX, project
from builders.aerosynth.motion import Track
from builders.aerosynth.palette import Colour
from builders.aerosynth.seeds import stable_rng

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

EVERY_SECONDS = 0.24
LIFE_SECONDS = 4.6
CORE = 0.66
"""Share of a puff's radius that counts as visible."""

FAINT = 0.14
"""Puffs with a lower opacity do not count as visible."""

_SIZE = 48


@lru_cache(maxsize=1)
def _billow() -> FloatArray:
    """Return opacity and light of a puff, a soft ragged disc that is brighter towards the sun.

    Returns:
        float64 (size, size, 2).
    """
    from builders.aerosynth.ground_pixels import add_smooth

    axis = np.linspace(-1, 1, _SIZE)
    x, y = axis[None, :], axis[:, None]
    rough = np.zeros((_SIZE, _SIZE), np.float32)
    add_smooth(rough, stable_rng("puff").standard_normal((9, 9)), 1.0)
    edge = np.clip((0.96 + 0.1 * rough - np.sqrt(x * x + y * y)) / 0.5, 0, 1)
    light = 0.94 - 0.2 * (x + y) + 0.05 * rough
    return np.dstack([edge * edge * (3 - 2 * edge), np.clip(light, 0.6, 1.12)])


class Puffs:
    """The puffs of one column of smoke as a function of time."""

    def __init__(self, track: Track, scale: float) -> None:
        """Store where the smoke rises and how it drifts.

        Args:
            track: Its start is the source; a puff goes along it as it ages.
            scale: Size factor.
        """
        self._track = track
        self._scale = scale

    def _alive(self, time: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """World positions (puffs, 3), radii and opacities of the puffs now, oldest first."""
        newest = math.floor(time / EVERY_SECONDS)
        numbers = np.arange(newest - int(LIFE_SECONDS / EVERY_SECONDS), newest + 1)
        ages = np.asarray(time - numbers * EVERY_SECONDS, dtype=np.float64)
        wobble = np.sin(numbers * 2.4) * (2.0 + 3.4 * ages)
        poses = self._track.poses(ages)
        across = np.column_stack([-np.sin(poses[:, 2]), np.cos(poses[:, 2])])
        ground = poses[:, :2] + across * wobble[:, None] * self._scale
        radii = (6.5 + 6.8 * ages + 2.0 * np.cos(numbers * 1.7)) * self._scale
        opacity = 0.92 * np.clip((LIFE_SECONDS - ages) / LIFE_SECONDS, 0, 1) ** 0.7
        opacity *= np.clip(ages / 0.2, 0, 1)
        return np.column_stack([ground, 4.0 + 7.0 * ages]), radii, opacity

    def _on_frame(
        self, time: float, matrix: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Frame positions, radii in pixels and opacities of the puffs."""
        places, radii, opacity = self._alive(time)
        centres = project(matrix, places)
        rim = project(matrix, places + np.column_stack([radii, np.zeros((len(radii), 2))]))
        return centres, np.hypot(*(rim - centres).T), opacity

    def outline(self, time: float, matrix: FloatArray) -> FloatArray:
        """The box around what is seen of the smoke.

        Args:
            time: Seconds from the start of the clip.
            matrix: float64 (3, 4), world to frame.

        Returns:
            float64 (4,): x0, y0, x1, y1 in pixels.
        """
        centres, radii, opacity = self._on_frame(time, matrix)
        seen = opacity > FAINT
        reach = radii[seen, None] * CORE
        low = (centres[seen] - reach).min(axis=0) + 0.5
        return np.concatenate([low, (centres[seen] + reach).max(axis=0) + 0.5])

    def draw(self, frame: ImageArray, matrix: FloatArray, time: float, colour: Colour) -> None:
        """Draw the smoke into a frame, the oldest puffs on top.

        Args:
            frame: uint8 (rows, columns, 3), changed in place.
            matrix: float64 (3, 4), world to frame.
            time: Seconds from the start of the clip.
            colour: Red, green, blue.
        """
        from builders.aerosynth.pixels import add_puff, draw_smoke

        # Half the resolution is enough for smoke, and four times as fast.
        size = (HEIGHT_PX // 2, WIDTH_PX // 2)
        clear, glow = np.ones(size), np.zeros(size)
        puffs = list(zip(*self._on_frame(time, matrix), strict=True))
        for (x, y), radius, opacity in reversed(puffs):
            add_puff(clear, glow, _billow(), (x / 2, y / 2, radius / 2, opacity))
        draw_smoke(frame, clear, glow, np.array(colour, np.int32))
