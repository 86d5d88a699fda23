"""A comparison of two runs with its evidence, for notebooks, terminals and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.ranking.figures import Difference
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.contact_sheet import draw_contact_sheet
from dvtr_bench.reports.html_table import html_table
from leaderboard.charts import recall_series
from leaderboard.comparison.differences import Comparison
from leaderboard.comparison.evidence import Evidence
from leaderboard.comparison.pages import print_comparison, write_comparison
from leaderboard.comparison.sheet import draw_comparison, sheet_rows, sheet_title
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
from leaderboard.result_files import ResultFile

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image


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
