"""Scatter plot: one dot per name, its first value on the x axis, its second on the y axis."""

import math
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import InputError
from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_marks import (
    colour,
    logarithmic,
    marker,
    number_text,
    told,
    value_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = NamedValues

LOGARITHMIC_FROM: Final = 20.0
"""Largest over smallest x from which the axis is logarithmic."""


def draw(axes: "Axes", data: NamedValues) -> None:
    """Draw the dots, each with the interval of its second value; the legend names them.

    Args:
        axes: To draw onto.
        data: Data with two parts: x values and y values.

    Raises:
        InputError: The data does not have exactly two parts.
    """
    if len(data.parts) != 2:
        raise InputError(
            f"the chart {data.title!r}: a scatter plot needs two parts, found "
            f"{', '.join(data.parts) or 'none'}"
        )
    (across, xs), (upwards, ys) = data.parts.items()
    intervals = data.intervals.get(upwards)
    positive = [x for x in xs if x > 0]
    if len(positive) == len(xs) > 1 and max(xs) / min(xs) >= LOGARITHMIC_FROM:
        logarithmic(axes)
    for number, (name, x, y) in enumerate(zip(data.names, xs, ys, strict=True)):
        if math.isnan(x) or math.isnan(y):
            continue
        ends = intervals[number] if intervals else None
        if ends is not None and not math.isnan(ends[0]):
            axes.vlines(x, *ends, color=colour(number), linewidth=1)
        (dot,) = axes.plot(
            [x],
            [y],
            marker=marker(number),
            markersize=5.5,
            color=colour(number),
            linestyle="none",
            label=name,
        )
        told(dot, f"{name}, {across}: {number_text(x)}, {upwards}: {value_text(y, ends)}")
    axes.margins(x=0.08, y=0.08)
    axes.set_xlabel(across)
    axes.set_ylabel(upwards)
    axes.grid()
