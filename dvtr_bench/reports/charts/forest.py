"""Forest plot: differences with their intervals around zero, one row per name."""

import math
from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_marks import colour, marker, put_names, rows_height, told
from dvtr_bench.reports.chart_style import FAINT, FONT_POINTS, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = NamedValues

ROW_INCHES: Final = 0.2


def height(data: NamedValues, width_inches: float) -> float:
    """Return the height in inches."""
    return rows_height(data.names, width_inches, ROW_INCHES * len(data.parts))


def draw(axes: "Axes", data: NamedValues) -> None:
    """Draw a mark for each difference over its interval: filled where zero lies outside.

    Args:
        axes: To draw onto.
        data: Differences; one without an interval is drawn hollow.
    """
    axes.axvline(0, color=FAINT, linewidth=0.8)
    step = 0.72 / max(len(data.parts), 1)
    for number, (part, values) in enumerate(data.parts.items()):
        intervals = data.intervals.get(part)
        axes.plot([], [], color=colour(number), marker=marker(number), linestyle="none", label=part)
        for row, (name, value) in enumerate(zip(data.names, values, strict=True)):
            if math.isnan(value):
                continue
            y = row + (number - (len(data.parts) - 1) / 2) * step
            low, high = intervals[row] if intervals else (math.nan, math.nan)
            if not math.isnan(low):
                axes.hlines(y, low, high, color=colour(number), linewidth=1.2)
            (mark,) = axes.plot(
                [value],
                [y],
                marker=marker(number),
                color=colour(number),
                markerfacecolor=colour(number) if low > 0 or high < 0 else PAPER,
                linestyle="none",
            )
            text = _text(value, low, high)
            told(mark, f"{name}, {part}: {text}")
            if len(data.parts) == 1:
                axes.annotate(
                    text,
                    (1, y),
                    xycoords=("axes fraction", "data"),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    color=FAINT,
                    fontsize=FONT_POINTS - 1,
                )
    axes.margins(x=0.06)
    axes.grid(axis="x")
    if len(data.parts) == 1:
        axes.set_xlabel(next(iter(data.parts)))
    put_names(axes, data.names)


def _text(value: float, low: float, high: float) -> str:
    if math.isnan(low):
        return _signed(value)
    return f"{_signed(value)} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text
