"""The parts of a finding's report, for both the terminal and the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from dvtr_bench.reports.chart_data import ChartData


@dataclass(frozen=True)
class Paragraph:
    """A short text.

    Attributes:
        text: Plain text.
    """

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading.

    Attributes:
        title: What it shows.
        header: Names of the columns.
        rows: Cells as text, one for each column.
        num_text_columns: Number of text columns from the left; the others are numbers, aligned
            right.
        terminal_rows: How many rows the terminal prints.
        page_rows: How many rows the page shows.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_text_columns: int = 1
    terminal_rows: int = 12
    page_rows: int = 60


@dataclass(frozen=True)
class Chart:
    """A chart, shown only on the page.

    Attributes:
        chart: Name of a file in `dvtr_bench.reports.charts`.
        data: Data of the kind that the chart takes.
    """

    chart: str
    data: ChartData

    @property
    def title(self) -> str:
        """What it shows."""
        return self.data.title


@dataclass(frozen=True)
class Picture:
    """A picture in the audit's folder.

    Attributes:
        title: What it shows.
        file_name: In the audit's folder.
    """

    title: str
    file_name: str


Block = Paragraph | Table | Chart | Picture
