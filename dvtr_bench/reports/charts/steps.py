"""Series as steps over a logarithmic axis, such as how many queries a rank has found."""

from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_data import Series
from dvtr_bench.reports.chart_marks import colour, line_style, logarithmic, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = Series


def draw(axes: "Axes", data: Series) -> None:
    """Draw the lines, level from each point to the next.

    Args:
        axes: To draw onto.
        data: Without points only the axes are drawn.
    """
    for number, (name, points) in enumerate(data.lines.items()):
        (line,) = axes.step(
            [x for x, _ in points],
            [y for _, y in points],
            where="post",
            color=colour(number),
            linestyle=line_style(number),
            label=name,
        )
        told(line, name)
    if all(x > 0 for points in data.lines.values() for x, _ in points):
        logarithmic(axes)
    axes.set_xlabel(data.axis)
    axes.set_ylabel(data.y_axis)
    axes.grid(axis="y")
