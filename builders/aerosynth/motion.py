"""Motion of objects: a path on the ground, and the distance along it over time.

World coordinates: on the ground, x points to the right and y downwards in the frame of a camera
without yaw; z points up. One unit is one pixel of the frame at zoom 1. Angles increase from x
towards y.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
FloatArray = npt.NDArray[np.float64]

STEP = 2.0
"""Spacing of the points of a sampled path, in world units."""

EASE_SECONDS = 0.3
"""Half the time over which a change of speed is smoothed."""


def round_length(length: float) -> float:
    """Round a length to millionths, because last bits of sines and roots depend on the CPU.

    Args:
        length: World units.

    Returns:
        A length that is the same on every machine.
    """
    return round(length, 6)


@dataclass(frozen=True)
class Track:
    """A path with rounded corners, and the times at which an object reaches points of it.

    Attributes:
        corners: Corner points of the path on the ground, at least two.
        radius: Radius of rounded corners, in world units.
        keys: Pairs of time in seconds and distance along the path, times increasing. The speed is
            constant between two keys, and stays the same before the first and after the last.
        facing: Angle from the direction of travel to the heading, in radians.
    """

    corners: tuple[Point, ...]
    radius: float
    keys: tuple[tuple[float, float], ...]
    facing: float = 0.0

    @property
    def length(self) -> float:
        """Length of the path, in world units."""
        return round_length(float(_sampled(self.corners, self.radius)[1][-1]))

    def distances(self, times_seconds: Sequence[float] | FloatArray) -> FloatArray:
        """Return the distance along the path at each time.

        Args:
            times_seconds: Times, in seconds from the start of the clip.

        Returns:
            float64 (times,), in world units; may be negative or beyond the length.
        """
        times = np.asarray(times_seconds, dtype=np.float64)
        offsets = np.linspace(-EASE_SECONDS, EASE_SECONDS, 9)
        around = _piecewise(self.keys, times[:, None] + offsets[None, :])
        return np.asarray(around.mean(axis=1))

    def poses(self, times_seconds: Sequence[float] | FloatArray) -> FloatArray:
        """Return position and heading at each time.

        Args:
            times_seconds: Times, in seconds from the start of the clip.

        Returns:
            float64 (times, 3): x and y in world units, heading in radians.
        """
        points, reached = _sampled(self.corners, self.radius)
        along = self.distances(times_seconds)
        here = _on_path(points, reached, along)
        ahead = _on_path(points, reached, along + 3.0) - _on_path(points, reached, along - 3.0)
        heading = np.arctan2(ahead[:, 1], ahead[:, 0]) + self.facing
        return np.column_stack([here, heading])


def cruise(
    speed: float, start: float = 0.0, begin_seconds: float | None = None
) -> tuple[tuple[float, float], ...]:
    """Return the keys of an object that moves at constant speed, from the start or a later time.

    Args:
        speed: World units per second.
        start: Distance along the path at time 0.
        begin_seconds: Time at which the object starts to move; None if it always moves.

    Returns:
        Keys for ``Track``.
    """
    if begin_seconds is None:
        return ((0.0, start), (1.0, start + speed))
    return (
        (begin_seconds - 1.0, start),
        (begin_seconds, start),
        (begin_seconds + 1.0, start + speed),
    )


def halt(speed: float, start: float, stop: float) -> tuple[tuple[float, float], ...]:
    """Return the keys of an object that drives to a point of its path and stops there.

    Args:
        speed: World units per second.
        start: Distance along the path at time 0.
        stop: Distance along the path where it stops.

    Returns:
        Keys for ``Track``.
    """
    arrival = (stop - start) / speed
    return ((0.0, start), (arrival, stop), (arrival + 1.0, stop))


def track_through(stops: Sequence[tuple[float, Point]]) -> Track:
    """Return a track through points at given times, straight in between, that ends at the last.

    Args:
        stops: Pairs of time in seconds and point; times increase, and neighbouring points differ.

    Returns:
        The track.
    """
    points = np.array([point for _, point in stops], dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    keys = [(time, round_length(float(far))) for (time, _), far in zip(stops, reached, strict=True)]
    keys.append((keys[-1][0] + 1.0, keys[-1][1]))
    return Track(tuple(point for _, point in stops), 0.0, tuple(keys))


def _piecewise(keys: tuple[tuple[float, float], ...], times: FloatArray) -> FloatArray:
    """Interpolate linearly; beyond both ends, extrapolate with the speed there."""
    at, far = np.array(keys, dtype=np.float64).T
    values = np.interp(times, at, far)
    first = (far[1] - far[0]) / (at[1] - at[0])
    last = (far[-1] - far[-2]) / (at[-1] - at[-2])
    values = np.where(times < at[0], far[0] + (times - at[0]) * first, values)
    return np.asarray(np.where(times > at[-1], far[-1] + (times - at[-1]) * last, values))


def _on_path(points: FloatArray, reached: FloatArray, along: FloatArray) -> FloatArray:
    """Return points at given distances; the path continues straight beyond its ends."""
    here = np.column_stack([np.interp(along, reached, points[:, axis]) for axis in (0, 1)])
    first = (points[1] - points[0]) / (reached[1] - reached[0])
    last = (points[-1] - points[-2]) / (reached[-1] - reached[-2])
    here += np.minimum(along, 0.0)[:, None] * first
    here += np.maximum(along - reached[-1], 0.0)[:, None] * last
    return here


@lru_cache(maxsize=512)
def _sampled(corners: tuple[Point, ...], radius: float) -> tuple[FloatArray, FloatArray]:
    """Return dense points of a path with rounded corners, and the distance of each."""
    pieces = [np.array(corners[0], dtype=np.float64)]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        pieces.extend(_fillet(before, corner, after, radius))
    pieces.append(np.array(corners[-1], dtype=np.float64))
    rough = np.array(pieces)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(rough, axis=0).T))])
    keep = np.concatenate([[True], np.diff(reached) > 1e-6])
    rough, reached = rough[keep], reached[keep]
    even = np.linspace(0.0, reached[-1], max(2, round(reached[-1] / STEP) + 1))
    points = np.column_stack([np.interp(even, reached, rough[:, axis]) for axis in (0, 1)])
    return points, even


def _fillet(before: Point, corner: Point, after: Point, radius: float) -> list[FloatArray]:
    """Return points of the quadratic curve that replaces a corner."""
    middle = np.array(corner, dtype=np.float64)
    back = np.array(before, dtype=np.float64) - middle
    forth = np.array(after, dtype=np.float64) - middle
    cut = min(radius, float(np.hypot(*back)) / 2, float(np.hypot(*forth)) / 2)
    start = middle + back / math.hypot(*back) * cut
    end = middle + forth / math.hypot(*forth) * cut
    steps = np.linspace(0.0, 1.0, 13)
    return [(1 - u) ** 2 * start + 2 * u * (1 - u) * middle + u * u * end for u in steps]
