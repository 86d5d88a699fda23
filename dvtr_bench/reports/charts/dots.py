"""Dots with their intervals on one axis, one row per name."""

import math
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_marks import (
    colour,
    marker,
    put_names,
    rows_height,
    told,
    value_text,
)
from dvtr_bench.reports.chart_style import GRID

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = NamedValues

DOT_INCHES: Final = 0.1


def height(data: NamedValues, width_inches: float) -> float:
    """Return the height in inches."""
    return rows_height(data.names, width_inches, DOT_INCHES * len(data.parts) + 0.08)


def draw(axes: "Axes", data: NamedValues) -> None:
    """Draw a dot for each value, over a line that spans its interval.

    Args:
        axes: To draw onto.
        data: Values, with or without intervals.
    """
    step = 0.72 / max(len(data.parts), 1)
    for number, (part, values) in enumerate(data.parts.items()):
        intervals = data.intervals.get(part)
        style: dict[str, Any] = {"color": colour(number), "marker": marker(number), "ls": "none"}
        axes.plot([], [], label=part, **style)
        for row, (name, value) in enumerate(zip(data.names, values, strict=True)):
            if math.isnan(value):
                continue
            y = row + (number - (len(data.parts) - 1) / 2) * step
            ends = intervals[row] if intervals else None
            if ends is not None and not math.isnan(ends[0]):
                axes.hlines(y, *ends, color=colour(number), linewidth=1.2)
            (dot,) = axes.plot([value], [y], **style)
            told(dot, f"{name}, {part}: {value_text(value, ends)}")
    for row in range(1, len(data.names)):
        axes.axhline(row - 0.5, color=GRID, linewidth=0.4)
    axes.margins(x=0.04)
    if axes.get_xlim()[0] > 0:
        axes.set_xlim(left=0)
    axes.grid(axis="x")
    if len(data.parts) == 1:
        axes.set_xlabel(next(iter(data.parts)))
    put_names(axes, data.names)
