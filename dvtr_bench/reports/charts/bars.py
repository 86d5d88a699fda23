"""Horizontal bars: the name on the left, the value at the end, parts below each other."""

from typing import Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.reports.svg import COLOURS, WIDTH_PX, number_text, shortened, svg_element

TAKES: Final = NamedValues

LABEL_PX: Final = 130
BAR_PX: Final = 12


def draw(data: NamedValues) -> str:
    """Draw the bars, from 0.

    Args:
        data: At least one name; values of 0 or more.

    Returns:
        An ``<svg>`` element.
    """
    parts = list(data.parts.items())
    row_px = BAR_PX * len(parts) + 8
    height = row_px * len(data.names) + 4
    most = max((max(values) for _, values in parts), default=0) or 1
    room = WIDTH_PX - LABEL_PX - 45
    drawn = []
    for index, name in enumerate(data.names):
        top = index * row_px + 4
        middle = top + BAR_PX * len(parts) / 2 + 4
        drawn.append(
            f'<text x="{LABEL_PX - 8}" y="{middle:g}" class="e">{shortened(name, 20)}</text>'
        )
        for number, (part, values) in enumerate(parts):
            value, y = values[index], top + number * BAR_PX
            drawn.append(
                f'<rect x="{LABEL_PX}" y="{y:g}" width="{room * value / most:.1f}" '
                f'height="{BAR_PX - 2}" class="f{number % COLOURS}">'
                f"<title>{safe_html(f'{name}, {part}: {number_text(value)}')}</title></rect>"
                f'<text x="{LABEL_PX + room * value / most + 5:.1f}" y="{y + BAR_PX - 3:g}" '
                f'class="s">{number_text(value)}</text>'
            )
    return svg_element(data.title, height, drawn)
