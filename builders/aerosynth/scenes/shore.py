"""A sandy beach by the sea, with parasols and towels."""

import math

import numpy as np

from builders.aerosynth.canvas import HALF_HEIGHT, HALF_WIDTH, Canvas, Ground
from builders.aerosynth.furniture import tree
from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour, shaded

WATER_LINE = -28.0
"""Mean y of the edge of the water; the sea is above it in the picture."""

_SEA: tuple[tuple[Colour, Colour], ...] = (
    ((24, 104, 138), (70, 168, 176)),
    ((30, 92, 128), (86, 160, 158)),
    ((20, 112, 132), (92, 180, 172)),
    ((44, 98, 124), (98, 150, 152)),
)
_CLOTHS: tuple[Colour, ...] = ((214, 120, 130), (110, 170, 190), (222, 206, 140), (150, 130, 180))


def _edge(offset: float) -> list[Point]:
    """Return a line along the edge of the water."""
    return [
        (float(x), WATER_LINE + offset + 4 * math.sin(x / 38.0) + 3 * math.sin(x / 17.0))
        for x in np.arange(-HALF_WIDTH, HALF_WIDTH + 1, 6.0)
    ]


def paint(variant: int, rng: np.random.Generator) -> Ground:
    """Paint one site of this scene.

    Args:
        variant: Number of the site.
        rng: Random generator.

    Returns:
        The ground.
    """
    canvas = Canvas(rng)
    canvas.cover(canvas.blend((222, 202, 160), (234, 218, 182), 40, 7))
    lid = [(HALF_WIDTH, -HALF_HEIGHT), (-HALF_WIDTH, -HALF_HEIGHT)]
    canvas.cover(
        canvas.blend((186, 164, 124), (196, 174, 134), 20, 4), canvas.mask([*_edge(12), *lid], 2.0)
    )
    deep, shallow = _SEA[variant % len(_SEA)]
    sea = canvas.mask([*_edge(0), *lid], 1.0)
    canvas.cover(canvas.blend(shallow, shaded(shallow, 1.09), 30, 2), sea)
    canvas.cover(
        canvas.blend(deep, shaded(deep, 1.06), 60, 2),
        canvas.mask([*_edge(-60), *lid], 22.0),
    )
    foam_white = canvas.blend((244, 248, 246), (252, 252, 250), 10, 2)
    speckle = np.clip(canvas.noise(6, 2) * 160 + 150, 0, 255) / 255
    for offset, width in ((0.0, 3.2), (-9.0, 1.8), (-20.0, 1.2)):
        foam = canvas.stroke(_edge(offset), width, 0.7)
        canvas.cover(foam_white, (foam * speckle).astype(np.uint8))
    canvas.water = canvas.mask([*_edge(-6), *lid], 2.0)
    for x in np.arange(-300, 301, 52.0):
        _camp(canvas, float(x + rng.uniform(-12, 12)), float(rng.uniform(78, 100)))
    for x in np.arange(-HALF_WIDTH, HALF_WIDTH, 30.0):
        grass = (126, 142, 84) if rng.random() < 0.5 else (92, 126, 66)
        tree(canvas, float(x), float(rng.uniform(150, 175)), rng.uniform(8, 17), grass)
    return canvas.finish()


def _camp(canvas: Canvas, x: float, y: float) -> None:
    """Paint a parasol and a towel."""
    cloth = _CLOTHS[int(canvas.rng.integers(len(_CLOTHS)))]
    left, top = x + 13, y + 2
    canvas.polygon(
        [(left, top), (left + 8, top + 1), (left + 6, top + 18), (left - 2, top + 17)], cloth
    )
    ring = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 9)]
    canvas.cast([(x + 10 * c, y + 10 * s) for c, s in ring], 12)
    canvas.unshade([(x + 10 * c, y + 10 * s) for c, s in ring])
    for step in range(8):
        wedge = [(x, y), *((x + 10.5 * c, y + 10.5 * s) for c, s in ring[step : step + 2])]
        canvas.polygon(wedge, cloth if step % 2 else (240, 238, 230))
