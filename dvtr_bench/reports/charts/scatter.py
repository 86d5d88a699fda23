"""Scatter plot: one dot per name, its first value on the x axis, its second on the y axis."""

from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import InputError
from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.reports.svg import WIDTH_PX, number_text, round_numbers, shortened, svg_element

if TYPE_CHECKING:
    from collections.abc import Sequence

TAKES: Final = NamedValues

LEFT_PX: Final = 44
HEIGHT_PX: Final = 320


def draw(data: NamedValues) -> str:
    """Draw the dots, each with its name.

    Args:
        data: Data with two parts: x values and y values.

    Returns:
        An ``<svg>`` element.

    Raises:
        InputError: The data does not have exactly two parts.
    """
    if len(data.parts) != 2:
        raise InputError(
            f"the chart {data.title!r}: a scatter plot needs two parts, found "
            f"{', '.join(data.parts) or 'none'}"
        )
    (across, xs), (upwards, ys) = data.parts.items()
    top, bottom, right = 10, HEIGHT_PX - 40, WIDTH_PX - 80
    x_low, x_high = _range(xs)
    y_low, y_high = _range(ys)

    def at(value: float) -> float:
        return LEFT_PX + (value - x_low) / (x_high - x_low) * (right - LEFT_PX)

    def up(value: float) -> float:
        return bottom - (value - y_low) / (y_high - y_low) * (bottom - top)

    drawn = []
    for tick in round_numbers(y_low, y_high):
        drawn.append(
            f'<line x1="{LEFT_PX}" x2="{right}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="g"/>'
            f'<text x="{LEFT_PX - 6}" y="{up(tick) + 4:.1f}" class="e">{tick:g}</text>'
        )
    for tick in round_numbers(x_low, x_high):
        drawn.append(
            f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{top}" y2="{bottom}" class="g"/>'
            f'<text x="{at(tick):.1f}" y="{bottom + 16}" class="m">{tick:g}</text>'
        )
    middle = (LEFT_PX + right) / 2
    drawn.append(
        f'<text x="{middle:g}" y="{bottom + 34}" class="m">{safe_html(across)}</text>'
        f'<text x="{LEFT_PX + 4}" y="{top + 8}">{safe_html(upwards)}</text>'
    )
    for name, x, y in zip(data.names, xs, ys, strict=True):
        tooltip = f"{name}, {across}: {number_text(x)}, {upwards}: {number_text(y)}"
        drawn.append(
            f'<circle cx="{at(x):.1f}" cy="{up(y):.1f}" r="4" class="f0">'
            f"<title>{safe_html(tooltip)}</title></circle>"
            f'<text x="{at(x) + 7:.1f}" y="{up(y) + 3:.1f}" class="s">{shortened(name, 18)}</text>'
        )
    return svg_element(data.title, HEIGHT_PX, drawn)


def _range(values: "Sequence[float]") -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = (high - low) * 0.05 or 0.5
    return low - margin, high + margin
