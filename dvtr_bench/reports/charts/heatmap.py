"""Heat map: one row per name, one column per part, each cell with its value."""

import math
from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_marks import (
    fitted,
    letters_within,
    number_text,
    put_names,
    rows_height,
    told,
    value_text,
)
from dvtr_bench.reports.chart_style import FAINT, FONT_POINTS, LINE_INCHES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = NamedValues

ROW_INCHES: Final = 0.24
LIGHTEST: Final = (0.90, 0.95, 0.99)
DARKEST: Final = (0.0, 0.27, 0.48)
ON_LIGHT: Final = "#101010"
ON_DARK: Final = "#fefefe"
"""Not the colours of other texts, which a dark page turns: a cell stays as it is."""

UPRIGHT_LETTERS: Final = 7
"""Where fewer letters than these fit above a column, its name is turned."""

WITH_DECIMALS: Final = 6
"""Where fewer letters than these fit into a cell, its value is a whole number."""


def height(data: NamedValues, width_inches: float) -> float:
    """Return the height in inches."""
    return rows_height(data.names, width_inches, ROW_INCHES) + _head(data, width_inches)[1]


def draw(axes: "Axes", data: NamedValues) -> None:
    """Draw the cells, darker for higher values; a value that is missing leaves its cell empty.

    Args:
        axes: To draw onto.
        data: Values by part.
    """
    from matplotlib.patches import Rectangle

    known = [value for values in data.parts.values() for value in values if not math.isnan(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    width = axes.figure.get_figwidth()  # type: ignore[union-attr]
    narrow = letters_within(_cell_inches(data, width)) < WITH_DECIMALS
    for column, (part, values) in enumerate(data.parts.items()):
        intervals = data.intervals.get(part)
        for row, (name, value) in enumerate(zip(data.names, values, strict=True)):
            if math.isnan(value):
                axes.text(column, row, "–", ha="center", va="center", color=FAINT)
                continue
            share = (value - low) / (high - low) if high > low else 0.5
            shade = tuple(a + (b - a) * share for a, b in zip(LIGHTEST, DARKEST, strict=True))
            cell = Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=shade, edgecolor="none")
            told(
                cell, f"{name}, {part}: {value_text(value, intervals[row] if intervals else None)}"
            )
            axes.add_patch(cell)
            axes.text(
                column,
                row,
                f"{value:,.0f}" if narrow else number_text(value),
                ha="center",
                va="center",
                color=ON_DARK if share > 0.5 else ON_LIGHT,
                fontsize=FONT_POINTS - 1,
            )
    names, _, turned = _head(data, width)
    axes.set_xticks(range(len(names)), names, rotation=60 if turned else 0)
    if turned:
        for label in axes.get_xticklabels():
            label.set(ha="left", rotation_mode="anchor")
    axes.tick_params(axis="x", length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    axes.spines["bottom"].set_visible(False)
    put_names(axes, data.names)


def _head(data: NamedValues, width_inches: float) -> tuple[list[str], float, bool]:
    """Return the names above the columns, their height in inches, and whether they are turned."""
    letters = letters_within(_cell_inches(data, width_inches)) - 1
    longest = max((len(word) for part in data.parts for word in part.split()), default=0)
    if letters < UPRIGHT_LETTERS or longest > letters + 2:
        names = [fitted(part, 22, lines=1) for part in data.parts]
        longest = max(map(len, names), default=0)
        return names, longest * 0.056, True
    names = [fitted(part, letters, lines=4) for part in data.parts]
    return names, max(name.count("\n") for name in names) * LINE_INCHES, False


def _cell_inches(data: NamedValues, width_inches: float) -> float:
    return 0.58 * width_inches / max(len(data.parts), 1)
