"""Horizontal bars: the name on the left, the value at the end, parts below each other."""

import math
from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_marks import (
    colour,
    number_text,
    put_names,
    rows_height,
    told,
    value_text,
)
from dvtr_bench.reports.chart_style import FAINT, FONT_POINTS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = NamedValues

BAR_INCHES: Final = 0.15


def height(data: NamedValues, width_inches: float) -> float:
    """Return the height in inches."""
    return rows_height(data.names, width_inches, BAR_INCHES * len(data.parts) + 0.08)


def draw(axes: "Axes", data: NamedValues) -> None:
    """Draw the bars, from 0, with a whisker for each interval.

    Args:
        axes: To draw onto.
        data: Values of 0 or more.
    """
    thick = 0.8 / max(len(data.parts), 1)
    for number, (part, values) in enumerate(data.parts.items()):
        intervals = data.intervals.get(part)
        drawn = 0
        for row, (name, value) in enumerate(zip(data.names, values, strict=True)):
            if math.isnan(value):
                continue
            middle = row + (number - (len(data.parts) - 1) / 2) * thick
            ends = intervals[row] if intervals else None
            label = "_" if drawn else part
            (bar,) = axes.barh(middle, value, thick * 0.86, color=colour(number), label=label)
            drawn += 1
            told(bar, f"{name}, {part}: {value_text(value, ends)}")
            reach = value
            if ends is not None and not math.isnan(ends[0]):
                axes.hlines(middle, *ends, color=INK, linewidth=0.8)
                reach = max(value, ends[1])
            axes.annotate(
                number_text(value),
                (reach, middle),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                color=FAINT,
                fontsize=FONT_POINTS - 1,
            )
    axes.set_xlim(left=0)
    axes.margins(x=0.12)
    axes.grid(axis="x")
    if len(data.parts) == 1:
        axes.set_xlabel(next(iter(data.parts)))
    put_names(axes, data.names)
