"""Data together with the chart that draws it, shown as a picture in a notebook."""

from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.reports.chart_data import ChartData
from dvtr_bench.reports.drawing import svg_file_text
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.runtime.files import written_beside


@dataclass(frozen=True, repr=False)
class Chart:
    """A chart of some data; a notebook shows it as a picture.

    Attributes:
        name: Name of a file in ``dvtr_bench/reports/charts``, or of a plug-in.
        data: Of the kind that the chart takes.

    Example:
        >>> from dvtr_bench.reports.chart_data import Series
        >>> chart = Chart("lines", Series("Recall", "k", "percent", {"msam": [(1, 20), (5, 60)]}))
        >>> chart.to_svg().startswith("<svg")
        True
    """

    name: str
    data: ChartData

    def to_svg(self) -> str:
        """Return the picture as the text of an SVG file; names are escaped."""
        return svg_file_text(self.name, self.data)

    def save(self, path: str | Path) -> Path:
        """Write the picture as an SVG file, atomically.

        Args:
            path: The file; its folder is created if missing.

        Returns:
            The path written.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(target) as beside:
            beside.write_text(self.to_svg(), encoding="utf-8", newline="\n")
        return target

    def __repr__(self) -> str:
        """Kind, title and the names of its parts."""
        keys = one_line(", ".join(self.data.keys), 200)
        return f"Chart({self.name}, {one_line(self.data.title, 120)!r}: {keys})"

    def _repr_svg_(self) -> str:
        return self.to_svg()
