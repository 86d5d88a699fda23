"""A field of ripe grain in rows, partly harvested, with a farm track and a hedge."""

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import trees_along
from builders.aerosynth.palette import Colour
from builders.aerosynth.scenes.road import rows_of

LANE_WIDTH = 42.0
"""Width of the strip that a harvester cuts."""

CUT_EDGE = 21.0
"""Below this y the field is already harvested."""

_GRAIN: tuple[Colour, ...] = ((202, 172, 88), (186, 164, 92), (212, 186, 104), (176, 150, 76))


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground; ``under`` is the stubble.
    """
    canvas = Canvas(rng)
    canvas.cover(rows_of(canvas, _GRAIN[variant % len(_GRAIN)], 0.0, 6.0))
    stubble = rows_of(canvas, (226, 208, 158), 0.0, 10.5)
    cut = canvas.mask(
        [(-HALF_WIDTH, CUT_EDGE), (HALF_WIDTH, CUT_EDGE), (HALF_WIDTH, 160.0), (-HALF_WIDTH, 160.0)]
    )
    canvas.cover(stubble, cut)
    ruts = canvas.blend((196, 178, 130), (206, 188, 140), 20)
    for y in np.arange(CUT_EDGE + 8, 150, LANE_WIDTH):
        for shift in (0.0, 14.0):
            line = [(-HALF_WIDTH, float(y + shift)), (HALF_WIDTH, float(y + shift))]
            canvas.cover(ruts, canvas.stroke(line, 2))
    meadow = canvas.mask(
        [
            (-HALF_WIDTH, 160.0),
            (HALF_WIDTH, 160.0),
            (HALF_WIDTH, HALF_HEIGHT),
            (-HALF_WIDTH, HALF_HEIGHT),
        ],
        1.5,
    )
    canvas.cover(canvas.blend((92, 124, 60), (124, 150, 82), 50), meadow)
    track = [(-HALF_WIDTH, 150.0), (HALF_WIDTH, 150.0)]
    canvas.cover(canvas.blend((168, 146, 108), (186, 166, 128), 20), canvas.stroke(track, 16, 1.2))
    trees_along(canvas, [(-HALF_WIDTH, -152.0), (HALF_WIDTH, -152.0)], 26, 13, (64, 102, 44))
    trees_along(canvas, [(-HALF_WIDTH, 182.0), (HALF_WIDTH, 182.0)], 60, 12, (78, 118, 50))
    return canvas.finish(stubble)
