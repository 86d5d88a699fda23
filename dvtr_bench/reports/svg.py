"""Parts of every chart: the SVG element, round axis marks, names that fit."""

from collections.abc import Sequence
from typing import Final

from dvtr_bench.reports.others_text import safe_html

WIDTH_PX: Final = 480

COLOURS: Final = 6
"""Classes ``f0`` to ``f5`` and ``l0`` to ``l5`` of the style sheet; a seventh part starts again at
0.
"""


def svg_element(title: str, height_px: float, drawn: Sequence[str]) -> str:
    """Return a chart as an element of `WIDTH_PX` by ``height_px``.

    Args:
        title: What it shows, for screen readers; any text.
        height_px: Its height.
        drawn: Its inner elements, with all foreign text escaped.

    Returns:
        An ``<svg>`` element.
    """
    return (
        f'<svg viewBox="0 0 {WIDTH_PX} {height_px:g}" role="img" '
        f'aria-label="{safe_html(title)}">{"".join(drawn)}</svg>'
    )


def round_numbers(low: float, high: float) -> list[float]:
    """Return up to ten round numbers within a range, for the marks of an axis.

    Example:
        >>> round_numbers(0, 42)
        [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]
    """
    step = 10.0 ** len(str(int(high - low)))
    for part in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        if (high - low) / (step * part) <= 9:
            step *= part
            break
    first = int(-(-low // step))
    return [round(number * step, 6) for number in range(first, int(high / step + 1e-9) + 1)]


def shortened(text: str, letters: int) -> str:
    """Return a name that fits, escaped.

    Example:
        >>> shortened("clip4clip_tighttransf", 12)
        'clip4clip_t…'
    """
    return safe_html(text if len(text) <= letters else text[: letters - 1] + "\u2026")


def number_text(value: float) -> str:
    """Return a value as a chart label: integers whole, other numbers with one decimal.

    Example:
        >>> number_text(12_345), number_text(29.96)
        ('12,345', '30.0')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
