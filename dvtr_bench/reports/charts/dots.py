"""Dots with their intervals on one axis, one row per name."""

from typing import Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.reports.svg import (
    COLOURS,
    WIDTH_PX,
    number_text,
    round_numbers,
    shortened,
    svg_element,
)

TAKES: Final = NamedValues

LABEL_PX: Final = 150
ROW_PX: Final = 14


def draw(data: NamedValues) -> str:
    """Draw a dot for each value, over a line that spans its interval.

    Args:
        data: At least one name.

    Returns:
        An ``<svg>`` element.
    """
    parts = list(data.parts.items())
    ends = [end for both in data.intervals.values() for pair in both for end in pair]
    every = [value for _, values in parts for value in values] + ends or [0.0]
    low, high = min(0.0, *every), max(every)
    high = high if high > low else low + 1
    row_px = ROW_PX * len(parts) + 8
    bottom = row_px * len(data.names) + 4
    right = WIDTH_PX - 20

    def at(value: float) -> float:
        return LABEL_PX + (value - low) / (high - low) * (right - LABEL_PX)

    drawn = []
    for tick in round_numbers(low, high):
        drawn.append(
            f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="0" y2="{bottom:g}" class="g"/>'
            f'<text x="{at(tick):.1f}" y="{bottom + 14:g}" class="m">{tick:g}</text>'
        )
    for index, name in enumerate(data.names):
        top = index * row_px + 4
        middle = top + ROW_PX * len(parts) / 2 + 4
        drawn.append(
            f'<text x="{LABEL_PX - 8}" y="{middle:g}" class="e">{shortened(name, 22)}</text>'
        )
        for number, (part, values) in enumerate(parts):
            y = top + number * ROW_PX + ROW_PX / 2
            tooltip = f"{name}, {part}: {number_text(values[index])}"
            if part in data.intervals:
                start, end = data.intervals[part][index]
                tooltip += f" ({number_text(start)} to {number_text(end)})"
                drawn.append(
                    f'<line x1="{at(start):.1f}" x2="{at(end):.1f}" y1="{y:g}" y2="{y:g}" '
                    f'class="l{number % COLOURS}"/>'
                )
            drawn.append(
                f'<circle cx="{at(values[index]):.1f}" cy="{y:g}" r="4" '
                f'class="f{number % COLOURS}"><title>{safe_html(tooltip)}</title></circle>'
            )
    return svg_element(data.title, bottom + 20, drawn)
