"""A football pitch with mown stripes, lines and two goals."""

import math

import numpy as np

from builders.aerosynth.canvas import HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import trees_along
from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour, shaded

HALF_LENGTH = 104.0
HALF_BREADTH = 76.0
HALF_GOAL = 17.0

_TURF: tuple[Colour, ...] = ((74, 138, 66), (88, 142, 62), (62, 128, 72), (98, 146, 74))
_LINE: Colour = (236, 240, 234)


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground.
    """
    canvas = Canvas(rng)
    turf = _TURF[variant % len(_TURF)]
    canvas.cover(canvas.blend((186, 120, 92), (196, 132, 102), 40, 5))
    lawn = canvas.mask(_rectangle(HALF_LENGTH + 18, HALF_BREADTH + 16))
    canvas.cover(canvas.blend(shaded(turf, 0.94), shaded(turf, 1.03), 40, 5), lawn)
    stripes = np.zeros_like(lawn)
    width = 2 * HALF_LENGTH / 12
    for index in range(0, 12, 2):
        x = -HALF_LENGTH + index * width
        stripes |= canvas.mask(
            [
                (x, -HALF_BREADTH),
                (x + width, -HALF_BREADTH),
                (x + width, HALF_BREADTH),
                (x, HALF_BREADTH),
            ]
        )
    canvas.cover(canvas.blend(shaded(turf, 1.08), shaded(turf, 1.16), 40, 5), stripes)
    _lines(canvas)
    for sign in (-1, 1):
        _goal(canvas, sign)
        trees_along(
            canvas, [(-HALF_WIDTH, sign * 150.0), (HALF_WIDTH, sign * 150.0)], 34, 14, (66, 108, 50)
        )
    for radius_y in (118.0, 126.0):
        for sign in (-1, 1):
            canvas.line(
                [(-HALF_WIDTH, sign * radius_y), (HALF_WIDTH, sign * radius_y)],
                (226, 206, 190),
                0.8,
            )
    return canvas.finish()


def _rectangle(half_x: float, half_y: float) -> list[Point]:
    """Return the corners of a rectangle around the origin."""
    return [(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)]


def _lines(canvas: Canvas) -> None:
    """Paint touch lines, half-way line, centre circle and penalty areas."""
    outline = _rectangle(HALF_LENGTH, HALF_BREADTH)
    canvas.line([*outline, outline[0]], _LINE, 1.6)
    canvas.line([(0.0, -HALF_BREADTH), (0.0, HALF_BREADTH)], _LINE, 1.6)
    canvas.circle(0, 0, 24, _LINE, 1.4)
    canvas.circle(0, 0, 1.8, _LINE)
    for sign in (-1, 1):
        for depth, half in ((36.0, 44.0), (14.0, 24.0)):
            x = sign * HALF_LENGTH
            inner = x - sign * depth
            canvas.line([(x, -half), (inner, -half), (inner, half), (x, half)], _LINE, 1.4)
        canvas.circle(sign * (HALF_LENGTH - 26), 0, 1.4, _LINE)


def _goal(canvas: Canvas, sign: int) -> None:
    """Paint one goal with its net."""
    x, back = sign * HALF_LENGTH, sign * (HALF_LENGTH + 12)
    frame = [(x, -HALF_GOAL), (back, -HALF_GOAL), (back, HALF_GOAL), (x, HALF_GOAL)]
    for step in np.arange(-HALF_GOAL, HALF_GOAL + 0.1, 3.4):
        canvas.line([(x, float(step)), (back, float(step))], (206, 214, 206), 0.6)
    for step in np.linspace(x, back, 4):
        canvas.line([(float(step), -HALF_GOAL), (float(step), HALF_GOAL)], (206, 214, 206), 0.6)
    canvas.line(frame, (250, 250, 250), 2.0)
    canvas.line([(x, -HALF_GOAL), (x, HALF_GOAL)], (252, 252, 252), 2.4)
    ring = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 9)]
    for end in (-HALF_GOAL, HALF_GOAL):
        canvas.cast([(x + c, end + s) for c, s in ring], 14)
