"""People, in the four phases of a step, and a ball."""

import math

from builders.aerosynth.palette import NAMED, Colour, shaded
from builders.aerosynth.sprites.solid import Prism, box, ellipse

SKIN: Colour = (214, 164, 128)
HAIR: Colour = (66, 44, 30)
TROUSERS: Colour = (50, 54, 76)
PHASES = 8
"""Number of pictures of one full step (left and right)."""


def person(colour: str, phase: int) -> tuple[Prism, ...]:
    """Return the prisms of a person in a coloured shirt, larger than life to make it visible.

    Args:
        colour: A key of ``NAMED``.
        phase: 0 to ``PHASES`` - 1; 0 and ``PHASES`` / 2 have the feet together.

    Returns:
        Prisms, x forwards.
    """
    shirt = NAMED[colour]
    swing = 4.2 * math.sin(2 * math.pi * phase / PHASES)
    return (
        Prism(box(5, 2.6, swing, 1.9, cut=0.8), 0, 7, TROUSERS, TROUSERS),
        Prism(box(5, 2.6, -swing, -1.9, cut=0.8), 0, 7, TROUSERS, TROUSERS),
        Prism(ellipse(4, 2.4, -swing, 6.2), 8, 11, SKIN, SKIN),
        Prism(ellipse(4, 2.4, swing, -6.2), 8, 11, SKIN, SKIN),
        Prism(ellipse(8, 13.5), 7, 15, shirt, shaded(shirt, 0.72)),
        Prism(ellipse(5, 4.8, 0.8), 15, 19, HAIR, SKIN),
    )


def ball(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a ball, larger than life.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms.
    """
    paint = NAMED[colour]
    return (
        Prism(ellipse(7, 7), 1, 3.5, paint, shaded(paint, 0.6)),
        Prism(ellipse(5, 5), 3.5, 5, paint, shaded(paint, 0.85)),
        Prism(ellipse(2, 2, 0.6, 0.5), 5.1, 5.1, (60, 60, 60)),
    )
