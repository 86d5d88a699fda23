"""Cars, vans, trucks, buses, tractors and harvesters."""

from builders.aerosynth.palette import NAMED, Colour, shaded
from builders.aerosynth.sprites.solid import Prism, box

GLASS: Colour = (44, 56, 70)
TYRE: Colour = (24, 24, 26)
LAMP: Colour = (255, 250, 215)
TAIL: Colour = (150, 16, 20)


def car(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a car, 27 units long.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, light = shaded(paint, 0.62), shaded(paint, 1.12)
    return (
        Prism(box(25, 12, cut=1.5), 0, 2, TYRE, TYRE),
        Prism(box(27, 12.5, cut=3), 1.5, 6, paint, dark),
        Prism(box(2, 3, 12, 3.8), 6, 6, LAMP),
        Prism(box(2, 3, 12, -3.8), 6, 6, LAMP),
        Prism(box(1.5, 3, -12.6, 3.8), 6, 6, TAIL),
        Prism(box(1.5, 3, -12.6, -3.8), 6, 6, TAIL),
        Prism(box(16, 11, -2, cut=2), 6, 9.5, GLASS, GLASS, box(10, 9, -2.5, cut=1.5)),
        Prism(box(10, 9.4, -2.5, cut=1.2), 9.5, 9.7, light),
    )


def van(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a van, 33 units long: one box with a windscreen.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, light = shaded(paint, 0.62), shaded(paint, 1.12)
    return (
        Prism(box(30, 13.5, cut=1), 0, 2, TYRE, TYRE),
        Prism(box(33, 14, cut=2.2), 1.5, 7, paint, dark),
        Prism(box(2, 3, 15, 4.5), 7, 7, LAMP),
        Prism(box(2, 3, 15, -4.5), 7, 7, LAMP),
        Prism(box(26, 13.4, -3, cut=1), 7, 13, GLASS, dark, box(23, 12.6, -4.5, cut=1)),
        Prism(box(22.4, 12.6, -4.8, cut=1), 13, 13.2, light),
        Prism(box(1.2, 10, -9), 13.3, 13.3, dark),
        Prism(box(1.2, 10, -1), 13.3, 13.3, dark),
    )


def truck(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a truck, 47 units long: a cab, a gap, and a ribbed box.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, light, rib = shaded(paint, 0.6), shaded(paint, 1.14), shaded(paint, 0.8)
    ribs = tuple(Prism(box(1.3, 15, x), 17.1, 17.1, rib) for x in (-19, -13, -7, -1, 5))
    return (
        Prism(box(44, 12), 0, 3, TYRE, TYRE),
        Prism(box(10.5, 14, 18, cut=1.5), 2, 12, paint, dark),
        Prism(box(2.4, 12.4, 21.8), 9, 9, GLASS, None),
        Prism(box(1.5, 3, 23, 5), 5, 5, LAMP),
        Prism(box(1.5, 3, 23, -5), 5, 5, LAMP),
        Prism(box(33, 15.5, -7.5), 4, 17, light, dark),
        *ribs,
    )


def bus(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a bus, 56 units long, with windows all round and two roof units.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark = shaded(paint, 0.62)
    unit: Colour = (226, 228, 226) if colour != "white" else (150, 156, 160)
    return (
        Prism(box(52, 14), 0, 2, TYRE, TYRE),
        Prism(box(56, 15.5, cut=1.6), 2, 8, paint, dark),
        Prism(box(56, 15.5, cut=1.6), 8, 14, GLASS, GLASS),
        Prism(box(55, 15, cut=2), 14, 16.5, paint, dark),
        Prism(box(3, 12, 25), 16.5, 16.5, GLASS),
        Prism(box(9, 8, 11, cut=1), 16.5, 18.5, unit, shaded(unit, 0.7)),
        Prism(box(9, 8, -12, cut=1), 16.5, 18.5, unit, shaded(unit, 0.7)),
    )


def tractor(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a tractor with big rear wheels and a loaded trailer, 52 units long.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, load = shaded(paint, 0.6), (198, 160, 84)
    return (
        Prism(box(26, 17, -16), 3, 9, shaded(paint, 0.9), dark),
        Prism(box(23, 14, -16), 9, 10.5, load, shaded(load, 0.7)),
        Prism(box(6, 2, -2, 0), 3, 4, TYRE),
        Prism(box(10, 4.5, 6, 8), 0, 8, TYRE, TYRE),
        Prism(box(10, 4.5, 6, -8), 0, 8, TYRE, TYRE),
        Prism(box(6, 3, 20, 6), 0, 5, TYRE, TYRE),
        Prism(box(6, 3, 20, -6), 0, 5, TYRE, TYRE),
        Prism(box(15, 8, 17, cut=1), 3, 8, paint, dark),
        Prism(box(11, 12, 5), 4, 13, GLASS, GLASS),
        Prism(box(11, 12, 4.6, cut=1), 13, 13.5, paint, dark),
    )


def harvester(colour: str) -> tuple[Prism, ...]:
    """Return the prisms of a combine harvester, 46 units long, with a header 42 wide.

    Args:
        colour: A key of ``NAMED``.

    Returns:
        Prisms, x forwards.
    """
    paint = NAMED[colour]
    dark, light = shaded(paint, 0.6), shaded(paint, 1.16)
    metal: Colour = (92, 92, 90)
    return (
        Prism(box(8, 42, 20), 0, 4, metal, shaded(metal, 0.6)),
        Prism(box(4, 41, 22), 4, 5.5, light, dark),
        Prism(box(10, 8, 12), 2, 6, metal, shaded(metal, 0.6)),
        Prism(box(10, 24, 4), 0, 8, TYRE, TYRE),
        Prism(box(7, 18, -17), 0, 6, TYRE, TYRE),
        Prism(box(34, 18, -5, cut=2), 3, 14, paint, dark),
        Prism(box(9, 13, 8), 14, 18, GLASS, GLASS),
        Prism(box(7, 13, 7), 18, 18.5, light, dark),
        Prism(box(14, 13, -6), 14, 15.5, (204, 172, 96), shaded(paint, 0.5)),
        Prism(box(5, 14, -19), 14, 14.5, dark),
    )
