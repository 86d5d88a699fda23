"""A river between meadows and trees."""

import math
from functools import lru_cache

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import tree
from builders.aerosynth.motion import Point, round_length
from builders.aerosynth.palette import Colour

HALF_RIVER = 66.0

_WATER: tuple[tuple[Colour, Colour], ...] = (
    ((46, 92, 104), (62, 112, 118)),
    ((58, 98, 92), (74, 116, 100)),
    ((40, 84, 116), (56, 104, 132)),
    ((70, 104, 98), (84, 122, 112)),
)


@lru_cache(maxsize=64)
def stream_line(offset: float = 0.0) -> tuple[Point, ...]:
    """Return a line along the river, from left to right.

    Args:
        offset: Distance below the middle of the river, in world units.

    Returns:
        Its points.
    """
    return tuple(
        (float(x), round_length(16.0 * math.sin(x / 90.0 + 0.8) + offset))
        for x in np.arange(-HALF_WIDTH, HALF_WIDTH + 1, 15.0)
    )


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground.
    """
    canvas = Canvas(rng)
    canvas.cover(canvas.blend((88, 122, 60), (128, 150, 84), 70, 6))
    canvas.cover(
        canvas.blend((176, 160, 120), (150, 142, 98), 18),
        canvas.stroke(stream_line(), 2 * HALF_RIVER + 16, 3.0),
    )
    middle = canvas.stroke(stream_line(), 2 * HALF_RIVER, 0.8)
    low, high = _WATER[variant % len(_WATER)]
    canvas.cover(canvas.blend(low, high, 60, 2), middle)
    # Shallow water along the banks is lighter.
    shallow = canvas.stroke(stream_line(), 2 * HALF_RIVER - 10, 5.0)
    rim = np.minimum(middle, 255 - shallow)
    canvas.cover(canvas.blend((104, 134, 116), (120, 146, 122), 30, 2), (rim // 2).astype(np.uint8))
    canvas.water = middle
    for bank in (-1, 1):
        for x in np.arange(-HALF_WIDTH, HALF_WIDTH, 24.0):
            y = 16.0 * math.sin(x / 90.0 + 0.8) + bank * (HALF_RIVER + rng.uniform(22, 60))
            if rng.random() < 0.75:
                leaf = (64, 108, 50) if rng.random() < 0.6 else (96, 126, 56)
                tree(canvas, x + rng.uniform(-8, 8), y, rng.uniform(8, 15), leaf)
    for _ in range(40):
        x = rng.uniform(-HALF_WIDTH, HALF_WIDTH)
        y = rng.choice((-1, 1)) * rng.uniform(150, HALF_HEIGHT)
        tree(canvas, x, float(y), rng.uniform(10, 17), (70, 112, 48))
    return canvas.finish()
