"""A country road through fields, with a row of trees."""

import math
from functools import lru_cache

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, TEXELS, Canvas, Ground, ImageArray
from builders.aerosynth.furniture import dashes, road, tree, trees_along
from builders.aerosynth.motion import Point, round_length
from builders.aerosynth.palette import Colour, shaded

LANE = 11.0
"""Distance of the middle of a lane from the middle of the road."""

_CROPS: tuple[tuple[Colour, ...], ...] = (
    ((196, 174, 96), (108, 140, 66), (150, 118, 84), (140, 164, 82)),
    ((150, 118, 84), (190, 182, 108), (92, 128, 62), (172, 140, 98)),
    ((118, 148, 70), (206, 188, 112), (132, 104, 76), (160, 176, 96)),
    ((210, 196, 84), (128, 150, 78), (98, 130, 66), (158, 126, 90)),
)


@lru_cache(maxsize=64)
def centre_line(offset: float = 0.0) -> tuple[Point, ...]:
    """Return a line parallel to the middle of the road, from left to right.

    Args:
        offset: Distance below the middle, in world units.

    Returns:
        Its points.
    """
    return tuple(
        (float(x), round_length(13.0 * math.sin(x / 105.0) + offset))
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
    crops = _CROPS[variant % len(_CROPS)]
    slant = (0.25, -0.2, 0.1, -0.32)[variant % 4]
    for index, (x0, x1, y0, y1) in enumerate(
        ((-400, -60, -400, 0), (-60, 400, -400, 0), (-400, 60, 0, 400), (60, 400, 0, 400))
    ):
        corners = [
            (x0 + slant * y0, y0),
            (x1 + slant * y0, y0),
            (x1 + slant * y1, y1),
            (x0 + slant * y1, y1),
        ]
        mask = canvas.mask([(float(x), float(y)) for x, y in corners], 1.0)
        canvas.cover(rows_of(canvas, crops[index], 0.0 if index % 2 else 1.2), mask)
    earth = canvas.blend((150, 138, 108), (116, 128, 74), 14)
    for top, bottom, lean in ((-HALF_HEIGHT, 0.0, -60.0), (0.0, HALF_HEIGHT, 60.0)):
        path = [(lean + slant * top, top), (lean + slant * bottom, bottom)]
        canvas.cover(earth, canvas.stroke(path, 9, 1))
    road(canvas, centre_line(), 46, (112, 132, 70))
    dashes(canvas, centre_line())
    for side in (-21.0, 21.0):
        canvas.line(centre_line(side), (224, 224, 218), 1.3)
    trees_along(canvas, centre_line(-46.0), 52, 12, (70, 112, 48))
    for _ in range(5):
        tree(canvas, rng.uniform(-300, 300), rng.uniform(90, 260), rng.uniform(9, 15))
    return canvas.finish()


def rows_of(canvas: Canvas, crop: Colour, angle: float, gap: float = 7.0) -> ImageArray:
    """Return a picture of crop rows.

    Args:
        canvas: The ground; only its size and random generator are used.
        crop: Mean colour.
        angle: Angle of the rows, in radians.
        gap: Distance between rows, in world units.

    Returns:
        uint8 (rows, columns, 3).
    """
    from builders.aerosynth.ground_pixels import plough

    picture = canvas.blend(shaded(crop, 0.9), shaded(crop, 1.06), 70, 5)
    turns = 2 * np.pi / (gap * TEXELS)
    across = -math.sin(angle) * turns * np.arange(canvas.columns)
    along = math.cos(angle) * turns * np.arange(canvas.rows)
    waves = [np.stack([np.sin(phase), np.cos(phase)]) for phase in (across, along)]
    plough(picture, canvas.noise(40, 2), *waves)
    return picture
