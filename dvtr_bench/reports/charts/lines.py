"""Series as lines over one axis, with a mark at every point where there are few."""

from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.reports.chart_data import Series
from dvtr_bench.reports.chart_marks import colour, line_style, marker, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TAKES: Final = Series

FEW_POINTS: Final = 25
"""A line of more points than these has no marks."""


def draw(axes: "Axes", data: Series) -> None:
    """Draw the lines; the axes reach from the lowest to the highest value of any of them.

    Args:
        axes: To draw onto.
        data: Without points only the axes are drawn.
    """
    for number, (name, points) in enumerate(data.lines.items()):
        few = len(points) <= FEW_POINTS
        style: dict[str, Any] = {"color": colour(number), "marker": marker(number) if few else ""}
        (line,) = axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            linestyle=line_style(number),
            label=name,
            **style,
        )
        told(line, name)
        for x, y in points if few else ():
            (dot,) = axes.plot([x], [y], linestyle="none", **style)
            told(dot, f"{name}, {x:g}: {y:.1f}")
    if data.whole_numbers:
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel(data.axis)
    axes.set_ylabel(data.y_axis)
    axes.grid(axis="y")
