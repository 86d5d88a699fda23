"""What a finding shows, said once: the terminal prints it and the page draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from dvtr_bench.reports.chart_data import ChartData


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two.

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
        num_text_columns: Columns from the left that hold words; the others hold figures and are
            set flush right.
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
    """A chart; on the page alone.

    Attributes:
        chart: A file of `dvtr_bench.reports.charts`.
        data: Of the kind that the chart takes.
    """

    chart: str
    data: ChartData

    @property
    def title(self) -> str:
        """What it shows."""
        return self.data.title


@dataclass(frozen=True)
class Picture:
    """A picture beside the page.

    Attributes:
        title: What it shows.
        file_name: In the audit's folder.
    """

    title: str
    file_name: str


Block = Paragraph | Table | Chart | Picture
