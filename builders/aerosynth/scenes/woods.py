"""Dense woods with a sandy track through them."""

import math
from functools import lru_cache

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import tree
from builders.aerosynth.motion import Point, round_length
from builders.aerosynth.palette import Colour

_LEAVES: tuple[tuple[Colour, ...], ...] = (
    ((54, 98, 46), (68, 112, 50), (44, 86, 48)),
    ((40, 84, 52), (50, 94, 58), (36, 74, 46)),
    ((92, 112, 44), (120, 112, 46), (70, 104, 46)),
    ((62, 106, 56), (86, 122, 58), (48, 90, 44)),
)


def track_y(x: float) -> float:
    """Return y of the middle of the track.

    Args:
        x: World units.

    Returns:
        y, in world units.
    """
    return round_length(18.0 + 14.0 * math.sin(x / 80.0))


@lru_cache(maxsize=64)
def track_line(offset: float = 0.0) -> tuple[Point, ...]:
    """Return a line along the track, from left to right.

    Args:
        offset: Distance below the middle, in world units.

    Returns:
        Its points.
    """
    xs = np.arange(-HALF_WIDTH, HALF_WIDTH + 1, 15.0)
    return tuple((float(x), track_y(float(x)) + offset) for x in xs)


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground.
    """
    canvas = Canvas(rng)
    canvas.cover(canvas.blend((70, 92, 46), (106, 116, 66), 30, 7))
    canvas.cover(
        canvas.blend((188, 164, 122), (206, 184, 144), 16, 6), canvas.stroke(track_line(), 32, 2.0)
    )
    ruts = canvas.blend((168, 144, 104), (178, 154, 114), 12, 5)
    for side in (-7.0, 7.0):
        canvas.cover(ruts, canvas.stroke(track_line(side), 5, 1.2))
    leaves = _LEAVES[variant % len(_LEAVES)]
    for y in np.arange(-HALF_HEIGHT, HALF_HEIGHT, 21.0):
        for x in np.arange(-HALF_WIDTH, HALF_WIDTH, 23.0):
            px, py = x + rng.uniform(-8, 8), y + rng.uniform(-8, 8)
            radius = rng.uniform(11, 17)
            # Crown and shadow must not cover the track.
            above = track_y(px) - py
            if -22 - radius < above < 26 + 1.6 * radius:
                continue
            tree(canvas, px, py, radius, leaves[int(rng.integers(len(leaves)))])
    return canvas.finish()
