"""Rows of houses with gardens along a street, and a side street that leads up in the picture."""

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import (
    ASPHALT,
    ASPHALT_WORN,
    PAVEMENT,
    dashes,
    house,
    tree,
)
from builders.aerosynth.palette import Colour

LANE = 9.0
HALF_STREET = 18.0
STREET_Y = 22.0
"""The middle of the main street."""

_ROOFS: tuple[tuple[Colour, ...], ...] = (
    ((190, 104, 70), (206, 128, 86), (176, 92, 64), (150, 138, 128)),
    ((128, 132, 142), (108, 114, 126), (150, 146, 142), (178, 106, 80)),
    ((206, 170, 120), (190, 146, 100), (178, 100, 70), (216, 190, 150)),
    ((150, 84, 66), (118, 122, 130), (172, 120, 92), (134, 72, 60)),
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
    canvas.cover(canvas.blend((96, 126, 70), (132, 146, 96), 26, 6))
    pavement = canvas.blend(PAVEMENT, (194, 188, 178), 16, 4, 3)
    asphalt = canvas.blend(ASPHALT, ASPHALT_WORN, 50, 4)
    street = [(-HALF_WIDTH, STREET_Y), (HALF_WIDTH, STREET_Y)]
    side = [(0.0, STREET_Y), (0.0, -HALF_HEIGHT)]
    for width, picture in ((2 * HALF_STREET + 12, pavement), (2 * HALF_STREET, asphalt)):
        for line in (street, side):
            canvas.cover(picture, canvas.stroke(line, width))
    dashes(canvas, street, 9, 12, 1.2)
    dashes(canvas, [(0.0, STREET_Y - 26), (0.0, -HALF_HEIGHT)], 9, 12, 1.2)
    roofs = _ROOFS[variant % len(_ROOFS)]
    for row in range(-6, 6):
        y = STREET_Y + 8 + 54.0 * row
        if abs(y - STREET_Y) < 44:
            continue
        for x in np.arange(-320, 321, 58.0):
            crosses = y < STREET_Y and abs(x) < 46
            if not crosses:
                _plot(canvas, float(x), y, roofs)
    return canvas.finish()


def _plot(canvas: Canvas, x: float, y: float, roofs: tuple[Colour, ...]) -> None:
    """Paint a house, a path and a garden with trees or a pool."""
    rng = canvas.rng
    size = (rng.uniform(34, 42), rng.uniform(26, 31))
    turn = 0.0 if rng.random() < 0.7 else np.pi / 2
    house(canvas, x, y + rng.uniform(-3, 3), size, roofs[int(rng.integers(len(roofs)))], turn)
    tree(canvas, x + 26, y + rng.uniform(-14, 14), rng.uniform(5, 8.5))
    if rng.random() < 0.4:
        tree(canvas, x - 10 + rng.uniform(-8, 8), y + 23, rng.uniform(4, 7), (84, 124, 56))
