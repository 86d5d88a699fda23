"""Two streets that cross, with pavements, zebra crossings, gardens and houses in the corners."""

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import ASPHALT, ASPHALT_WORN, PAINT, PAVEMENT, dashes, house, tree
from builders.aerosynth.palette import Colour

LANE = 11.0
"""Distance of the middle of a lane from the middle of its street."""

HALF_ROAD = 23.0

_ROOFS: tuple[tuple[Colour, ...], ...] = (
    ((168, 84, 62), (182, 104, 78), (150, 76, 60)),
    ((120, 122, 130), (140, 132, 126), (104, 108, 118)),
    ((190, 150, 110), (172, 96, 70), (206, 172, 128)),
    ((96, 106, 120), (178, 92, 66), (130, 126, 120)),
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
    lawn: tuple[Colour, Colour] = ((84, 122, 62), (116, 146, 80))
    canvas.cover(canvas.blend(*lawn, 60, 6))
    _roads(canvas)
    roofs = _ROOFS[variant % len(_ROOFS)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            _corner(canvas, sx, sy, roofs)
    return canvas.finish()


def _roads(canvas: Canvas) -> None:
    """Paint pavement, asphalt, dashes, stop lines and zebra crossings."""
    across = [(-HALF_WIDTH, 0.0), (HALF_WIDTH, 0.0)]
    along = [(0.0, -HALF_HEIGHT), (0.0, HALF_HEIGHT)]
    pavement = canvas.blend(PAVEMENT, (196, 192, 184), 16, 4, 3)
    asphalt = canvas.blend(ASPHALT, ASPHALT_WORN, 50, 4)
    for line in (across, along):
        canvas.cover(pavement, canvas.stroke(line, 2 * HALF_ROAD + 18))
    for line in (across, along):
        canvas.cover(asphalt, canvas.stroke(line, 2 * HALF_ROAD))
    for sign in (-1, 1):
        dashes(canvas, [(sign * 50.0, 0.0), (sign * HALF_WIDTH, 0.0)])
        dashes(canvas, [(0.0, sign * 50.0), (0.0, sign * HALF_HEIGHT)])
        for step in np.arange(-18, 19, 7.2):
            canvas.polygon(
                [
                    (sign * 31, step - 2),
                    (sign * 43, step - 2),
                    (sign * 43, step + 2),
                    (sign * 31, step + 2),
                ],
                PAINT,
            )
            canvas.polygon(
                [
                    (step - 2, sign * 31),
                    (step + 2, sign * 31),
                    (step + 2, sign * 43),
                    (step - 2, sign * 43),
                ],
                PAINT,
            )


def _corner(canvas: Canvas, sx: int, sy: int, roofs: tuple[Colour, ...]) -> None:
    """Paint houses and trees in one corner."""
    rng = canvas.rng
    for column in range(3):
        for row in range(3):
            x = sx * (82 + 92 * column + rng.uniform(-6, 6))
            y = sy * (76 + 84 * row + rng.uniform(-6, 6))
            size = (rng.uniform(48, 60), rng.uniform(36, 44))
            turn = float(rng.integers(2)) * np.pi / 2
            house(canvas, x, y, size, roofs[int(rng.integers(len(roofs)))], turn)
            tree(canvas, x + sx * 46, y + rng.uniform(-24, 24), rng.uniform(9, 14))
            tree(canvas, x + rng.uniform(-20, 20), y + sy * 42, rng.uniform(8, 13))
    tree(canvas, sx * 47, sy * 47, 11, (74, 122, 50))
