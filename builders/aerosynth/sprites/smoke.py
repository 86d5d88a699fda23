"""A column of smoke: soft puffs that rise, grow, drift and thin out."""

import math

import cv2
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
"""Part of a puff's radius that counts as seen."""

FAINT = 0.14
"""Puffs that are thinner than this do not count as seen."""

_SIZE = 48


def _billow() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Opacity of one puff, a ragged soft disc, and its light: bright towards the sun."""
    axis = np.linspace(-1, 1, _SIZE, dtype=np.float32)
    distance = np.hypot(axis[:, None], axis[None, :])
    noise = stable_rng("puff").standard_normal((9, 9)).astype(np.float32)
    rough = cv2.resize(noise, (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
    edge = np.clip((0.96 + 0.1 * rough - distance) / 0.5, 0, 1)
    light = 0.94 - 0.2 * (axis[:, None] + axis[None, :]) + 0.05 * rough
    return edge * edge * (3 - 2 * edge), np.clip(light, 0.6, 1.12).astype(np.float32)


class Puffs:
    """All puffs of one column of smoke as functions of time."""

    def __init__(self, track: Track, scale: float) -> None:
        """Remember where the smoke rises and how it drifts.

        Args:
            track: Its start is the source; a puff goes along it as it ages.
            scale: Size factor.
        """
        self._track = track
        self._scale = scale
        self._opacity, self._light = _billow()

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
        # Half the resolution is enough for what is soft and four times as fast.
        size = (WIDTH_PX // 2, HEIGHT_PX // 2)
        clear, glow = np.ones(size[::-1], np.float32), np.zeros(size[::-1], np.float32)
        puffs = list(zip(*self._on_frame(time, matrix), strict=True))
        for centre, radius, opacity in reversed(puffs):
            self._add(clear, glow, centre / 2, radius / 2, opacity)
        x, y, width, height = cv2.boundingRect((clear < 1).astype(np.uint8))
        if width == 0:
            return
        full = (slice(2 * y, 2 * (y + height)), slice(2 * x, 2 * (x + width)))
        half = (slice(y, y + height), slice(x, x + width))
        keep, light = (cv2.resize(layer[half], (2 * width, 2 * height)) for layer in (clear, glow))
        tint = cv2.merge([light * channel for channel in colour])
        mixed = frame[full] * keep[:, :, None] + tint
        frame[full] = np.minimum(mixed + 0.5, 255).astype(np.uint8)

    def _add(
        self,
        clear: npt.NDArray[np.float32],
        glow: npt.NDArray[np.float32],
        centre: FloatArray,
        radius: float,
        opacity: float,
    ) -> None:
        """Lay one puff over two layers: what still shines through, and the light of the smoke."""
        rows, columns = clear.shape
        x0, y0 = (max(0, math.floor(value - radius)) for value in centre)
        x1, y1 = (
            min(columns, math.ceil(centre[0] + radius)),
            min(rows, math.ceil(centre[1] + radius)),
        )
        if x1 <= x0 or y1 <= y0:
            return
        scale = 2 * radius / _SIZE
        place = np.array(
            [[scale, 0, centre[0] - radius - x0], [0, scale, centre[1] - radius - y0]], np.float64
        )
        size = (x1 - x0, y1 - y0)
        weight = cv2.warpAffine(self._opacity, place, size) * np.float32(opacity)
        light = cv2.warpAffine(self._light, place, size, borderMode=cv2.BORDER_REPLICATE)
        window = (slice(y0, y1), slice(x0, x1))
        glow[window] += (light - glow[window]) * weight
        clear[window] *= 1 - weight
