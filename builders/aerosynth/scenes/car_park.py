"""A car park: two rows of bays on either side of an aisle, with parked cars."""

import math

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import ASPHALT, ASPHALT_WORN, PAINT, park, tree
from builders.aerosynth.palette import shaded
from builders.aerosynth.sprites.vehicles import car

BAY_WIDTH = 22.0
BAY_DEPTH = 40.0
ROW_Y = 62.0
"""Distance of the middle of the inner bays from the middle of the aisle."""

LANE = 12.0
FREE_BAYS: tuple[float, ...] = (-66.0, -44.0, 22.0, 44.0, 66.0)
"""x of the bays of the inner rows that are left free for moving cars."""

_PARKED = ("white", "grey", "black", "grey", "blue", "white", "red")


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground.
    """
    canvas = Canvas(rng)
    tone = (1.0, 0.92, 1.08, 1.02)[variant % 4]
    canvas.cover(canvas.blend(shaded(ASPHALT, tone), shaded(ASPHALT_WORN, tone), 60, 4))
    grass = canvas.blend((92, 124, 66), (118, 142, 80), 30)
    for side in (-1, 1):
        strip = canvas.stroke(
            [(-HALF_WIDTH, side * (ROW_Y + 73)), (HALF_WIDTH, side * (ROW_Y + 73))], 26
        )
        canvas.cover(grass, strip)
        _row(canvas, side * ROW_Y, side, True)
        _row(canvas, side * (ROW_Y + BAY_DEPTH), -side, False)
        for x in np.arange(-300, 301, 66.0):
            tree(canvas, float(x), side * (ROW_Y + 73.0), rng.uniform(10, 13), (78, 120, 54))
        _row(canvas, side * (ROW_Y + 73 + 37.0), side, False)
    for x in (-150.0, 110.0):
        for sign in (-1, 1):
            tip = (x * sign + sign * 14, sign * LANE)
            canvas.line([(tip[0] - sign * 22, tip[1]), tip], PAINT, 1.4)
            canvas.line(
                [(tip[0] - sign * 6, tip[1] - 4), tip, (tip[0] - sign * 6, tip[1] + 4)], PAINT, 1.4
            )
    return canvas.finish()


def _row(canvas: Canvas, y: float, side: int, inner: bool) -> None:
    """Paint one row of bays with their lines and parked cars in most of them."""
    half = BAY_DEPTH / 2
    for x in np.arange(-330.0, 331.0, BAY_WIDTH):
        edge = float(x) + BAY_WIDTH / 2
        canvas.line([(edge, y - half + 2), (edge, y + half - 2)], PAINT, 1.1)
        free = inner and any(abs(x - bay) < 1 for bay in FREE_BAYS)
        if free or canvas.rng.random() < 0.3 or abs(y) > HALF_HEIGHT:
            continue
        colour = _PARKED[int(canvas.rng.integers(len(_PARKED)))]
        heading = side * math.pi / 2 * (1 if canvas.rng.random() < 0.7 else -1)
        park(canvas, car(colour), (float(x), y + canvas.rng.uniform(-2, 2), heading))
    if not inner:
        canvas.line([(-HALF_WIDTH, y - side * -half), (HALF_WIDTH, y - side * -half)], PAINT, 1.1)
