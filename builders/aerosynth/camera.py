"""The drone's camera: where it looks at each time and how it projects the world onto the frame."""

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
"""Focal length; long enough for a perspective that is visible and mild."""

MOTIONS: tuple[str, ...] = ("hovers", "climbs", "descends", "pans left", "pans right", "rotates")
"""What a camera can do, in the words of the captions ("the drone climbs")."""

PAN_UNITS = 56.0
ROTATION_RADIANS = math.radians(52)
ZOOM_RATIO = 1.5


@dataclass(frozen=True)
class CameraPlan:
    """One flight of the camera during a clip.

    Attributes:
        motion: One of ``MOTIONS``.
        centre: Ground point under the middle of the frame half-way through the clip.
        zoom: Pixels of the frame per world unit, half-way through the clip.
        tilt: Angle between the line of sight and the vertical, in radians.
        sway: Phase of the small drift that every drone has, in radians.
        clockwise: Which way the camera turns when it rotates: 1 or -1.
    """

    motion: str
    centre: Point
    zoom: float
    tilt: float
    sway: float
    clockwise: int = 1

    def state(self, time_seconds: float) -> tuple[float, float, float, float]:
        """Where the camera looks at one time.

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
        """Matrix from the world to the frame at one time.

        Args:
            time_seconds: Seconds from the start of the clip.

        Returns:
            float64 (3, 4): world (x, y, z, 1) to homogeneous frame pixels, where (0, 0) is the
            middle of the top left pixel.
        """
        x, y, zoom, yaw = self.state(time_seconds)
        cos, sin = math.cos(yaw), math.sin(yaw)
        level, steep = math.sin(self.tilt), math.cos(self.tilt)
        right = (cos, sin, 0.0)
        down = (-steep * sin, steep * cos, -level)
        axis = (level * sin, -level * cos, -steep)
        # The line of sight goes through the ground point, so many units of it away.
        away = FOCAL_PX / zoom
        at = (x - away * axis[0], y - away * axis[1], -away * axis[2])
        # Sums are spelled out: BLAS rounds products of matrices differently on other CPUs.
        across, along, depth = (
            (*side, -(side[0] * at[0] + side[1] * at[1] + side[2] * at[2]))
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
