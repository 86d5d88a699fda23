"""A clip's objects over time: poses in the world, sprites, boxes in the frame."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from builders.aerosynth.actors import Actor
from builders.aerosynth.camera import HEIGHT_PX, WIDTH_PX, project
from builders.aerosynth.sprites.boats import boat
from builders.aerosynth.sprites.people import PHASES, ball, person
from builders.aerosynth.sprites.smoke import Puffs
from builders.aerosynth.sprites.solid import Sprite
from builders.aerosynth.sprites.vehicles import bus, car, harvester, tractor, truck, van

FloatArray = npt.NDArray[np.float64]

RIM_PX = 0.75
"""How far the soft edge that cv2 gives a filled polygon reaches beyond its corners."""

STEP_LENGTH = 26.0
"""Ground covered by one full step of a person of scale 1, in world units."""

_SOLIDS = {
    "car": car,
    "van": van,
    "truck": truck,
    "bus": bus,
    "tractor": tractor,
    "harvester": harvester,
    "boat": boat,
    "ball": ball,
}


@lru_cache(maxsize=256)
def sprite_of(kind: str, colour: str, scale: float, phase: int = 0) -> Sprite:
    """The sprite of a kind of object.

    Args:
        kind: Any kind but smoke.
        colour: A key of ``palette.NAMED``.
        scale: Size factor.
        phase: Phase of the step of a person; 0 for all others.

    Returns:
        The sprite.
    """
    prisms = person(colour, phase) if kind == "person" else _SOLIDS[kind](colour)
    return Sprite(prisms, scale)


class Performer:
    """One actor at all frames of a clip."""

    def __init__(self, actor: Actor, times_seconds: Sequence[float] | FloatArray) -> None:
        """Compute the poses.

        Args:
            actor: The object.
            times_seconds: Time of each frame.
        """
        self.actor = actor
        self.times = np.asarray(times_seconds, dtype=np.float64)
        self.poses = actor.track.poses(self.times)
        self._travelled = actor.track.distances(self.times)
        self.puffs = Puffs(actor.track, actor.scale) if actor.kind == "smoke" else None

    def sprite(self, frame: int) -> Sprite:
        """The sprite at a frame; never called for smoke.

        Args:
            frame: Index of the frame.

        Returns:
            The sprite.
        """
        phase = 0
        if self.actor.kind == "person":
            steps = self._travelled[frame] / (STEP_LENGTH * self.actor.scale)
            phase = int(steps * PHASES) % PHASES
        return sprite_of(self.actor.kind, self.actor.colour, self.actor.scale, phase)

    def placed(self, frame: int) -> FloatArray:
        """Corner points of the sprite in the world at a frame.

        Args:
            frame: Index of the frame.

        Returns:
            float64 (points, 3), world units.
        """
        height = self.actor.height(float(self.times[frame]))
        return self.sprite(frame).place(self.poses[frame], height)

    def outline(self, frame: int, matrix: FloatArray) -> FloatArray:
        """The box around what is seen of the object, not clipped to the frame.

        Args:
            frame: Index of the frame.
            matrix: float64 (3, 4), world to frame.

        Returns:
            float64 (4,): x0, y0, x1, y1 in pixels of the frame, edges of pixels being whole
            numbers: the frame reaches from 0 to its width and height.
        """
        if self.puffs is not None:
            return self.puffs.outline(float(self.times[frame]), matrix)
        pixels = project(matrix, self.placed(frame)) + 0.5
        return np.concatenate([pixels.min(axis=0) - RIM_PX, pixels.max(axis=0) + RIM_PX])


def clip_to_frame(box: FloatArray) -> tuple[FloatArray, float]:
    """Cut a box at the edges of the frame.

    Args:
        box: float64 (4,): x0, y0, x1, y1 in pixels.

    Returns:
        The box within the frame (zeros where nothing is left) and the part of its area that is.
    """
    low = np.clip(box[:2], 0.0, (WIDTH_PX, HEIGHT_PX))
    high = np.clip(box[2:], 0.0, (WIDTH_PX, HEIGHT_PX))
    if np.any(high - low <= 0):
        return np.zeros(4), 0.0
    whole = float(np.prod(box[2:] - box[:2]))
    return np.concatenate([low, high]), float(np.prod(high - low)) / whole
