"""Static objects on the ground: trees, bushes, houses, parked cars, road markings."""

import math
from collections.abc import Sequence

import numpy as np

from builders.aerosynth.canvas import SEEN_HALF_HEIGHT, SEEN_HALF_WIDTH, TEXELS, Canvas
from builders.aerosynth.motion import Point
from builders.aerosynth.palette import Colour, shaded
from builders.aerosynth.sprites.solid import Prism, Sprite

ASPHALT: Colour = (116, 118, 122)
ASPHALT_WORN: Colour = (130, 131, 133)
PAINT: Colour = (232, 232, 226)
PAVEMENT: Colour = (182, 178, 170)

_CROWN = np.array(
    [(math.cos(2 * math.pi * step / 13), math.sin(2 * math.pi * step / 13)) for step in range(13)]
)
"""Corners of a crown of radius 1."""


def tree(canvas: Canvas, x: float, y: float, radius: float, leaf: Colour = (54, 98, 44)) -> None:
    """Paint a tree from above with its shadow.

    Args:
        canvas: Where.
        x: Middle of the crown.
        y: Middle of the crown.
        radius: Of the crown, in world units.
        leaf: Colour of the leaves in the light.
    """
    if abs(x) > SEEN_HALF_WIDTH + 3 * radius or abs(y) > SEEN_HALF_HEIGHT + 3 * radius:
        return
    middle = np.array([x, y])
    canvas.cast(middle + radius * 0.9 * _CROWN, radius * 0.9)
    canvas.unshade(middle + radius * 0.8 * _CROWN)
    canvas.circle(x, y, radius * 0.92, shaded(leaf, 0.55))
    for level, size, tone in ((0.62, 0.46, 0.74), (0.5, 0.36, 0.95), (0.34, 0.26, 1.12)):
        for _ in range(7):
            angle = canvas.rng.uniform(0, 2 * math.pi)
            away = radius * level * canvas.rng.uniform(0.55, 1.15)
            # The lit side of the crown looks towards the sun, up and to the left.
            shift = radius * 0.16 * (tone - 0.6) * 2
            light = tone * canvas.rng.uniform(0.9, 1.08)
            canvas.circle(
                x + away * math.cos(angle) - shift,
                y + away * math.sin(angle) - shift,
                radius * size * canvas.rng.uniform(0.75, 1.1),
                shaded(leaf, light),
            )


def trees_along(
    canvas: Canvas, line: Sequence[Point], gap: float, radius: float, leaf: Colour
) -> None:
    """Paint a row of trees.

    Args:
        canvas: Where.
        line: Points of the row.
        gap: Mean distance between trees, in world units.
        radius: Mean radius of the crowns.
        leaf: Colour of the leaves in the light.
    """
    points = np.array(line, dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    along = 0.0
    while along < reached[-1]:
        x, y = (float(np.interp(along, reached, points[:, axis])) for axis in (0, 1))
        size = radius * canvas.rng.uniform(0.75, 1.25)
        tree(canvas, x + canvas.rng.normal(0, gap * 0.1), y + canvas.rng.normal(0, 2), size, leaf)
        along += gap * canvas.rng.uniform(0.8, 1.2)


def house(
    canvas: Canvas, x: float, y: float, size: tuple[float, float], roof: Colour, angle: float = 0.0
) -> None:
    """Paint a house with a ridge roof, from above, with its shadow.

    Args:
        canvas: Where.
        x: Middle.
        y: Middle.
        size: Length along the ridge and width across it, in world units.
        roof: Colour of the tiles in the light.
        angle: Turn of the ridge, in radians.
    """
    cos, sin = math.cos(angle), math.sin(angle)

    def at(along: float, across: float) -> Point:
        px, py = along * size[0] / 2, across * size[1] / 2
        return x + px * cos - py * sin, y + px * sin + py * cos

    outline = [at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)]
    canvas.cast(outline, 20)
    canvas.unshade(outline)
    halves = (
        ([at(-1, -1), at(1, -1), at(1, 0), at(-1, 0)], -1),
        ([at(-1, 0), at(1, 0), at(1, 1), at(-1, 1)], 1),
    )
    for corners, side in halves:
        # The half whose outward direction points to the sun is the brighter one.
        facing = side * (sin * 0.79 - cos * 0.61)
        tone = 0.86 + 0.2 * facing
        canvas.polygon(corners, shaded(roof, tone))
        for step in np.arange(0.2, 1.0, 0.2):
            canvas.line([at(-1, side * step), at(1, side * step)], shaded(roof, tone * 0.9), 0.7)
    canvas.line([at(-1, 0), at(1, 0)], shaded(roof, 1.2), 1.4)
    canvas.line([*outline, outline[0]], shaded(roof, 0.55), 0.8)
    chimney = [at(0.5, -0.4), at(0.62, -0.4), at(0.62, -0.15), at(0.5, -0.15)]
    canvas.cast(chimney, 8)
    canvas.polygon(chimney, (150, 140, 134))


def park(canvas: Canvas, prisms: Sequence[Prism], pose: tuple[float, float, float]) -> None:
    """Paint a parked vehicle into the ground.

    Args:
        canvas: Where.
        prisms: The vehicle.
        pose: x, y and heading.
    """
    # Straight from above with a hint of tilt, so that it looks like the vehicles that move.
    matrix = np.array(
        [
            [TEXELS, 0.0, 0.0, SEEN_HALF_WIDTH * TEXELS - 0.5],
            [0.0, TEXELS, -0.3 * TEXELS, SEEN_HALF_HEIGHT * TEXELS - 0.5],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
    sprite = Sprite(prisms)
    placed = sprite.place(np.array(pose))
    sprite.draw(canvas.albedo, matrix, placed)
    sprite.shade(canvas.shade, matrix, placed)
    low = np.column_stack([placed[:, 0], placed[:, 1] - 0.3 * placed[:, 2]])
    x0, y0 = low.min(axis=0) + 1
    x1, y1 = low.max(axis=0) - 1
    if abs(math.sin(2 * pose[2])) < 0.1:
        canvas.unshade([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def road(canvas: Canvas, line: Sequence[Point], width: float, verge: Colour = PAVEMENT) -> None:
    """Paint a road with its edges, without markings.

    Args:
        canvas: Where.
        line: Its middle.
        width: Of the asphalt, in world units.
        verge: Colour of the strip along both sides.
    """
    edge = canvas.blend(shaded(verge, 0.94), shaded(verge, 1.04), 30, 4, 3)
    canvas.cover(edge, canvas.stroke(line, width + 14, 0.6))
    canvas.cover(canvas.blend(ASPHALT, ASPHALT_WORN, 40, 4, 4), canvas.stroke(line, width))


def dashes(
    canvas: Canvas, line: Sequence[Point], dash: float = 12, gap: float = 12, width: float = 1.6
) -> None:
    """Paint a dashed line.

    Args:
        canvas: Where.
        line: Its course.
        dash: Length of a dash, in world units.
        gap: Length of a gap.
        width: Width of the line.
    """
    points = np.array(line, dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    for start in np.arange(0.0, reached[-1], dash + gap):
        along = np.linspace(start, min(start + dash, reached[-1]), 4)
        piece = [
            (float(np.interp(s, reached, points[:, 0])), float(np.interp(s, reached, points[:, 1])))
            for s in along
        ]
        canvas.line(piece, PAINT, width)
