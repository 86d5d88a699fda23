"""The drone's camera: its flight during a clip and its projection of the world onto the frame."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from builders.aerosynth.motion import Point

FloatArray = npt.NDArray[np.float64]

WIDTH_PX = 288
HEIGHT_PX = 224
FPS = 8
NUM_FRAMES = 32
DURATION_SECONDS = NUM_FRAMES / FPS

FOCAL_PX = 430.0
"""Focal length; long enough for a visible but weak perspective."""

MOTIONS: tuple[str, ...] = ("hovers", "climbs", "descends", "pans left", "pans right", "rotates")
"""Motions of the camera, in the words of captions ("the drone climbs")."""

PAN_UNITS = 56.0
ROTATION_RADIANS = math.radians(52)
ZOOM_RATIO = 1.5


@dataclass(frozen=True)
class CameraPlan:
    """The flight of the camera during a clip.

    Attributes:
        motion: One of ``MOTIONS``.
        centre: Ground point in the middle of the frame half-way through the clip.
        zoom: Pixels of the frame per world unit, half-way through the clip.
        tilt: Angle between the line of sight and the vertical, in radians.
        sway: Phase of the drone's small drift, in radians.
        clockwise: Direction of a rotation: 1 or -1.
    """

    motion: str
    centre: Point
    zoom: float
    tilt: float
    sway: float
    clockwise: int = 1

    def state(self, time_seconds: float) -> tuple[float, float, float, float]:
        """Return the camera's state at one time.

        Args:
            time_seconds: Seconds from the start of the clip.

        Returns:
            x and y of the ground point in the middle of the frame (world units), zoom (pixels per
            unit), yaw (radians).
        """
        # From -1 at the start to 1 at the end.
        progress = 2 * time_seconds / DURATION_SECONDS - 1
        x, y = self.centre
        x += 1.6 * math.sin(0.9 * time_seconds + self.sway)
        y += 1.2 * math.sin(1.3 * time_seconds + 2 * self.sway)
        zoom, yaw = self.zoom, 0.0
        if self.motion == "climbs":
            zoom *= ZOOM_RATIO ** (-progress / 2)
        elif self.motion == "descends":
            zoom *= ZOOM_RATIO ** (progress / 2)
        elif self.motion == "pans left":
            x -= PAN_UNITS * progress / 2
        elif self.motion == "pans right":
            x += PAN_UNITS * progress / 2
        elif self.motion == "rotates":
            yaw = self.clockwise * ROTATION_RADIANS * progress / 2
        return x, y, zoom, yaw

    def projection(self, time_seconds: float) -> FloatArray:
        """Return the projection matrix at one time.

        Args:
            time_seconds: Seconds from the start of the clip.

        Returns:
            float64 (3, 4): world (x, y, z, 1) to homogeneous frame pixels; (0, 0) is the centre of
            the top left pixel.
        """
        x, y, zoom, yaw = self.state(time_seconds)
        cos, sin = math.cos(yaw), math.sin(yaw)
        level, steep = math.sin(self.tilt), math.cos(self.tilt)
        right = (cos, sin, 0.0)
        down = (-steep * sin, steep * cos, -level)
        axis = (level * sin, -level * cos, -steep)
        # The camera is on the line of sight through the ground point, at this distance.
        distance = FOCAL_PX / zoom
        eye = (x - distance * axis[0], y - distance * axis[1], -distance * axis[2])
        # Sums are written out, because BLAS rounds matrix products differently on other CPUs.
        across, along, depth = (
            (*side, -(side[0] * eye[0] + side[1] * eye[1] + side[2] * eye[2]))
            for side in (right, down, axis)
        )
        x_middle, y_middle = (WIDTH_PX - 1) / 2, (HEIGHT_PX - 1) / 2
        return np.array(
            [
                [FOCAL_PX * part + x_middle * far for part, far in zip(across, depth, strict=True)],
                [FOCAL_PX * part + y_middle * far for part, far in zip(along, depth, strict=True)],
                depth,
            ]
        )


def project(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Project world points onto the frame.

    Args:
        matrix: float64 (3, 4) from ``CameraPlan.projection``.
        points: float64 (points, 3), world units.

    Returns:
        float64 (points, 2), pixels of the frame.
    """
    from builders.aerosynth import pixels

    return np.asarray(pixels.project(matrix, points))
