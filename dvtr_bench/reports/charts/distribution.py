"""Distributions as stepped lines over one axis."""

from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_data import Distribution
from dvtr_bench.reports.chart_marks import colour, line_style, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = Distribution


def draw(axes: "Axes", data: Distribution) -> None:
    """Draw the lines.

    Args:
        axes: To draw onto.
        data: Without lines only the axes are drawn.
    """
    for number, (name, shares) in enumerate(data.lines.items()):
        line = axes.stairs(
            shares,
            data.edges,
            color=colour(number),
            linestyle=line_style(number),
            linewidth=1.4,
            label=name,
        )
        told(line, name)
    axes.set_xlim(data.edges[0], data.edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(data.axis)
    axes.set_ylabel("percent")
    axes.grid(axis="y")
