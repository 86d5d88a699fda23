"""The colours in captions, as red, green and blue from 0 to 255."""

from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

NAMED: dict[str, Colour] = {
    "red": (206, 32, 36),
    "blue": (32, 84, 208),
    "green": (34, 156, 64),
    "yellow": (246, 210, 36),
    "orange": (246, 126, 16),
    "white": (244, 244, 242),
    "black": (30, 30, 34),
    "grey": (132, 134, 138),
}
"""Colours by their names in captions."""


def shaded(colour: Colour, factor: float) -> Colour:
    """Scale a colour towards black (factor < 1) or towards white (factor > 1).

    Args:
        colour: Red, green, blue, 0 to 255.
        factor: 0 for black, 1 for the colour itself, 2 for white.

    Returns:
        The new colour.

    Example:
        >>> shaded((100, 100, 100), 0.5)
        (50, 50, 50)
    """
    if factor <= 1:
        red, green, blue = (round(channel * factor) for channel in colour)
    else:
        lift = min(factor - 1, 1.0)
        red, green, blue = (round(channel + (255 - channel) * lift) for channel in colour)
    return red, green, blue
