"""What a finding shows, said once: the terminal prints it and the page draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


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
class Bars:
    """A plot of one bar for each name, parts of it one beside the other; on the page alone.

    Attributes:
        title: What it shows.
        names: Of the bars.
        parts: Values of the bars by part, such as by split.
    """

    title: str
    names: Sequence[str]
    parts: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Curves:
    """Distributions over one axis, one line each; on the page alone.

    Attributes:
        title: What it shows.
        axis: What the axis is, with its unit.
        edges: N + 1 edges of the bins.
        lines: Shares of each bin, in percent, N for each line.
    """

    title: str
    axis: str
    edges: Sequence[float]
    lines: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture beside the page.

    Attributes:
        title: What it shows.
        file_name: In the audit's folder.
    """

    title: str
    file_name: str


Block = Paragraph | Table | Bars | Curves | Picture
