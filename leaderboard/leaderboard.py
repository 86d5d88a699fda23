"""A leaderboard: all boards of some results, to print, write or show in a notebook."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.results import RunRecord, seed_summary
from dvtr_bench.runtime.terminal import count_of
from leaderboard.board import Board
from leaderboard.board_text import print_boards, write_markdown
from leaderboard.html import board_html
from leaderboard.judging.judged_board import JudgedBoard
from leaderboard.judging.site_data import judged_data
from leaderboard.plot import write_charts
from leaderboard.result_files import ResultFile, notes_beside
from leaderboard.site.build import write_site
from leaderboard.study.figures import StudyFigures
from leaderboard.study.pages import print_study, write_study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """Boards of results: a sequence, one board for each set that can share a table.

    Attributes:
        boards: In order of dataset, split and post-processing.
        records: The results behind them.
        study: A study's figures, one for each dataset; empty without a study.
        files: The results with their paths or top lists, if they have any.
        judged: The boards under judged relevance too, if judgements were given.
    """

    boards: Sequence[Board]
    records: Sequence[RunRecord]
    study: Sequence[StudyFigures] = ()
    files: Sequence[ResultFile] = ()
    judged: Sequence[JudgedBoard] = ()

    def to_frame(self) -> "pd.DataFrame":
        """Return every figure of every row, see `dvtr_bench.results.seed_summary`."""
        return seed_summary(self.records)

    def print(self, *, breakdowns: bool = False) -> None:
        """Print the boards.

        Args:
            breakdowns: Whether to print T2V R@1 by group of captions too.
        """
        print_boards(self.boards, breakdowns=breakdowns, judged=self.judged)

    def print_study(self) -> None:
        """Print the study's rows and answers."""
        print_study(self.study)

    def write(self, path: str | Path = "LEADERBOARD.md") -> Path:
        """Write the boards as a Markdown page.

        Args:
            path: The page.

        Returns:
            The path written.
        """
        return write_markdown(self.boards, Path(path), notes_beside(self.files), self.judged)

    def write_charts(
        self, charts: Sequence[str], page: str | Path = "LEADERBOARD.md"
    ) -> list[Path]:
        """Draw every board with every chart.

        Args:
            charts: Names of files in ``dvtr_bench/reports/charts``, such as ``dots`` or
                ``scatter``.
            page: The page; the SVG files are written beside it and named after it.

        Returns:
            The paths written.
        """
        return write_charts(self.boards, charts, Path(page))

    def write_site(
        self,
        folder: str | Path = "site",
        *,
        root: str | Path = ROOT,
        runs: str | Path = "runs",
    ) -> Path:
        """Write the boards as a folder of static files, which opens from disk.

        Args:
            folder: Where to; a site that stands there is replaced.
            root: Where datasets are looked for by name: captions, and frames where their licence
                lets them be shown.
            runs: Folder of training runs, whose logs give the curves of their results.

        Returns:
            The page to open.
        """
        judged = judged_data(self.judged)
        return write_site(
            self.boards, self.files, Path(folder), Path(root), Path(runs), judged=judged
        )

    def write_study(self, folder: str | Path = ".") -> Path:
        """Write the study's page under the name that the study states.

        Args:
            folder: The output folder.

        Returns:
            The path written.
        """
        return write_study(self.study, Path(folder) / (self.study[0].study.page or "STUDY.md"))

    def __len__(self) -> int:
        """Return the number of boards."""
        return len(self.boards)

    def __getitem__(self, index: int) -> Board:
        """Return one board."""
        return self.boards[index]

    def __iter__(self) -> Iterator[Board]:
        """Yield the boards."""
        return iter(self.boards)

    def __repr__(self) -> str:
        """Number of results and boards, and the first boards."""
        shown = ", ".join(map(repr, self.boards[:2]))
        more = ", ..." if len(self.boards) > 2 else ""
        return (
            f"Leaderboard({count_of(len(self.records), 'result')} on "
            f"{count_of(len(self), 'board')}: {shown}{more})"
        )

    def _repr_html_(self) -> str:
        judged = "".join(each._repr_html_() for each in self.judged)
        return "".join(map(board_html, self.boards)) + judged
