"""Motor boats."""

from builders.aerosynth.motion import Point
from builders.aerosynth.palette import NAMED, Colour, shaded
from builders.aerosynth.sprites.solid import Prism, box

DECK: Colour = (222, 206, 172)
GLASS: Colour = (50, 66, 84)


def _hull(length: float, width: float) -> tuple[Point, ...]:
    """Return an outline with a pointed bow."""
    half, side = length / 2, width / 2
    return (
        (half, 0.0),
        (half * 0.62, side * 0.72),
        (half * 0.2, side),
        (-half, side * 0.9),
        (-half, -side * 0.9),
        (half * 0.2, -side),
        (half * 0.62, -side * 0.72),
    )


def boat(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a motor boat, 44 units long.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, light = shaded(paint, 0.6), shaded(paint, 1.1)
    return (
        Prism(_hull(44, 17), 0, 5, paint, dark),
        Prism(box(17, 10.5, -11, cut=2), 5, 5.1, DECK),
        Prism(box(3.5, 9, -15), 5.2, 6.5, shaded(DECK, 0.7), shaded(DECK, 0.5)),
        Prism(box(12, 11, 3, cut=3), 5, 10, GLASS, GLASS, box(8, 9, 1.5, cut=2)),
        Prism(box(8.4, 9.4, 1.5, cut=2), 10, 10.5, light, dark),
    )
