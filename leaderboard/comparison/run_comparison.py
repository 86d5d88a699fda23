"""A comparison of two runs with its evidence, for notebooks, terminals and pages."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from dvtr_bench.ranking.figures import Difference
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.contact_sheet import Row, draw_contact_sheet, save_contact_sheet
from dvtr_bench.reports.html_table import html_table
from dvtr_bench.reports.others_text import make_console, safe_markdown
from dvtr_bench.reports.shown_queries import query_rows
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board_text import print_table, table_lines
from leaderboard.comparison.differences import Comparison
from leaderboard.comparison.evidence import Evidence
from leaderboard.comparison.tables import (
    about_groups,
    change_tables,
    figure_tables,
    group_tables,
    how_to_read,
    legend,
    title,
)
from leaderboard.html import table_html
from leaderboard.plot import recall_series
from leaderboard.result_files import ResultFile

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image


QUERIES_EACH_WAY: Final = 3
"""Largest number of captions that B ranks better, and of those it ranks worse."""


@dataclass(frozen=True, eq=False, repr=False)
class RunComparison:
    """Two runs on the same queries; a difference is B - A.

    Attributes:
        comparison: Differences with intervals, groups, the captions that changed most.
        files: The result files of both runs.
        evidence: Caption texts, top lists and frames, as far as available.
    """

    comparison: Comparison
    files: tuple[ResultFile, ResultFile]
    evidence: Evidence

    @property
    def figures(self) -> Mapping[tuple[str, str], Difference]:
        """By direction and figure, such as ``("t2v", "R@1")``."""
        return self.comparison.figures

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per difference.

        Returns:
            Columns direction, metric, first, second, difference, low, high, p_value. The p-values
            are not corrected for the number of figures.
        """
        import pandas as pd

        return pd.DataFrame(
            {"direction": direction, "metric": name, **vars(difference)}
            for (direction, name), difference in self.figures.items()
        )

    def changed(self) -> "pd.DataFrame":
        """Return the captions that changed most, those that B ranks better first.

        Returns:
            Columns query (the caption's row), caption (its text; empty if the dataset is not
            available), first_rank and second_rank.
        """
        import pandas as pd

        split = self.evidence.split
        return pd.DataFrame(
            [
                {
                    "query": change.query,
                    "caption": "" if split is None else split.captions[change.query],
                    "first_rank": change.first_rank,
                    "second_rank": change.second_rank,
                }
                for change in (*self.comparison.gained, *self.comparison.lost)
            ],
            columns=["query", "caption", "first_rank", "second_rank"],
        )

    def recall_chart(self, deepest: int = 20) -> Chart:
        """Return a chart of T2V R@k of both runs over k.

        Args:
            deepest: The last k, at most the gallery's size.
        """
        runs = {
            f"{letter}: {file.record.label}": [file.record.rank_table]
            for letter, file in zip("AB", self.files, strict=True)
        }
        return Chart("lines", recall_series(title(self.comparison), runs, deepest))

    def contact_sheet(self) -> "Image.Image | None":
        """Draw what both runs found for the captions that changed most.

        Returns:
            An RGB image; None if no caption changed, or frames or top lists are not available.
        """
        rows = sheet_rows(self.comparison, self.evidence)
        return draw_contact_sheet(sheet_title(self.comparison), rows) if rows else None

    def print(self) -> None:
        """Print figures, groups and the captions that changed most."""
        print_comparison(self.comparison, self.files, self.evidence)

    def draw(self, path: str | Path) -> Path | None:
        """Write the contact sheet.

        Args:
            path: The PNG to write.

        Returns:
            The path written; None if there is nothing to draw.
        """
        return draw_comparison(self.comparison, self.evidence, Path(path))

    def write(self, path: str | Path, sheet: Path | None = None) -> Path:
        """Write the comparison as a Markdown page.

        Args:
            path: The page.
            sheet: Its contact sheet, shown in the page; None for none.

        Returns:
            The path written.
        """
        return write_comparison(self.comparison, self.files, self.evidence, sheet, Path(path))

    def __repr__(self) -> str:
        """Both runs and the difference of T2V R@1."""
        return f"Run{self.comparison!r}"

    def _repr_html_(self) -> str:
        head = html_table(
            [title(self.comparison)],
            [[line] for line in legend(*self.files)],
            notes=[how_to_read(self.comparison.resampling)],
        )
        tables = [*figure_tables(self.comparison), *group_tables(self.comparison)]
        changes = change_tables(self.comparison, self.evidence)
        groups = [about_groups([self.comparison])] if self.comparison.groups else []
        return (
            f"<div>{head}{''.join(map(table_html, tables))}"
            f"{html_table([], [], notes=groups)}{''.join(map(table_html, changes))}"
            f"{html_table([], [], notes=self.comparison.notes)}</div>"
        )


def print_comparison(
    comparison: Comparison,
    files: tuple[ResultFile, ResultFile],
    evidence: Evidence,
    console: Console | None = None,
) -> None:
    """Print a comparison: figures, groups, the captions that changed most.

    Args:
        comparison: Of two runs.
        files: The result files.
        evidence: Caption texts, top lists and frames.
        console: The console; standard output by default.
    """
    console = console or make_console()
    console.print()
    console.print(Text(printable(title(comparison)), style="bold"))
    for line in legend(*files):
        console.print(Text(printable(line)))
    console.print(Text(how_to_read(comparison.resampling), style="dim"))
    for table in figure_tables(comparison):
        print_table(console, table)
    for table in group_tables(comparison):
        print_table(console, table)
    if comparison.groups:
        console.print(Text(about_groups([comparison]), style="dim"))
    for table in change_tables(comparison, evidence):
        print_table(console, table)
    for note in comparison.notes:
        console.print(Text(f"  {printable(note)}", style="dim"))


def write_comparison(
    comparison: Comparison,
    files: tuple[ResultFile, ResultFile],
    evidence: Evidence,
    sheet: Path | None,
    path: Path,
) -> Path:
    """Write a comparison as a Markdown page, atomically.

    Args:
        comparison: A comparison of two runs.
        files: The result files.
        evidence: Caption texts, top lists and frames.
        sheet: Its contact sheet, shown in the page; None if there is none.
        path: The page; its folder is created if missing.

    Returns:
        The path written.
    """
    lines = [f"# {safe_markdown(title(comparison))}\n"]
    lines += [f"- {safe_markdown(line)}" for line in legend(*files)]
    lines += ["", how_to_read(comparison.resampling) + "\n"]
    for table in figure_tables(comparison):
        lines += table_lines(table)
    for table in group_tables(comparison):
        lines += table_lines(table)
    if comparison.groups:
        lines.append(about_groups([comparison]) + "\n")
    for table in change_tables(comparison, evidence):
        lines += table_lines(table)
    if sheet is not None:
        sheet_path = Path(os.path.relpath(sheet, path.parent)).as_posix()
        lines.append(f"![The clips that both runs found]({quote(sheet_path)})\n")
    lines += [f"- {safe_markdown(note)}" for note in comparison.notes]
    with written_beside(path) as beside:
        beside.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def draw_comparison(comparison: Comparison, evidence: Evidence, path: Path) -> Path | None:
    """Draw two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Evidence with frames and top lists.
        path: The PNG to write.

    Returns:
        The path written; None if no caption changed.
    """
    rows = sheet_rows(comparison, evidence)
    return save_contact_sheet(sheet_title(comparison), rows, path) if rows else None


def sheet_title(comparison: Comparison) -> str:
    """Return the heading of the contact sheet."""
    dataset = comparison.first.dataset
    return (
        f"{dataset.name}, {dataset.split}: captions that changed most.   "
        f"A: {comparison.first.label}   B: {comparison.second.label}"
    )


def sheet_rows(comparison: Comparison, evidence: Evidence) -> list[Row]:
    """Return two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Caption texts, top lists and frames.

    Returns:
        The rows; none if no caption changed, or frames or top lists are not available.
    """
    split, top = evidence.split, evidence.top
    if split is None or top is None or not evidence.can_be_drawn:
        return []
    changes = [*comparison.gained[:QUERIES_EACH_WAY], *comparison.lost[:QUERIES_EACH_WAY]]
    return query_rows(
        (comparison.first, comparison.second),
        [lists["t2v"] for lists in top],
        split,
        [change.query for change in changes],
    )
