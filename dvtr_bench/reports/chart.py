"""Data together with the chart that draws it: a picture in a notebook, a file for a paper."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.reports.chart_data import ChartData
from dvtr_bench.reports.chart_style import width_inches
from dvtr_bench.reports.drawing import checked_suffix, make_figure, save_figure, svg_file_text
from dvtr_bench.reports.others_text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Chart:
    """A chart of some data; a notebook shows it as a picture.

    Attributes:
        name: Name of a file in ``dvtr_bench/reports/charts``, or of a plug-in.
        data: Of the kind that the chart takes.
        notes: What the chart leaves out and why, one sentence each.

    Example:
        >>> from dvtr_bench.reports.chart_data import Series
        >>> chart = Chart("lines", Series("Recall", "k", "percent", {"msam": [(1, 20), (5, 60)]}))
        >>> chart.to_svg().startswith("<svg")
        True
    """

    name: str
    data: ChartData
    notes: tuple[str, ...] = ()

    def figure(self, size: str = "page", *, title: bool = True) -> "Figure":
        """Return it as a matplotlib figure, to change before it is saved.

        Args:
            size: ``column``, ``page``, or a width such as ``85mm``.
            title: Whether the title stands above it; in a paper the caption says it.
        """
        return make_figure(self.name, self.data, width_inches(size), titled=title)

    def to_svg(self) -> str:
        """Return the picture as the text of an SVG file; names are escaped."""
        return svg_file_text(self.name, self.data)

    def save(self, path: str | Path, size: str = "page", *, title: bool = True) -> Path:
        """Write the picture as a file, atomically.

        Args:
            path: The file, which ends in .pdf, .svg or .png; its folder is created if missing.
            size: As `figure` takes it.
            title: As `figure` takes it.

        Returns:
            The path written.

        Raises:
            ConfigError: Another suffix, or no such size.
        """
        target = Path(path)
        checked_suffix(target)
        figure = self.figure(size, title=title)
        save_figure(figure, self.data.title, target)
        return target

    def __repr__(self) -> str:
        """Kind, title and the names of its parts."""
        keys = one_line(", ".join(self.data.keys), 200)
        return f"Chart({self.name}, {one_line(self.data.title, 120)!r}: {keys})"

    def _repr_svg_(self) -> str:
        return self.to_svg()
