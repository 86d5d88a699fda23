"""What a plot is about: a board, and which of its figures, groups and runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.figures import higher_is_better
from dvtr_bench.results.record import Breakdown
from leaderboard.board import Board, Cell, Entry
from leaderboard.tables import board_axes, board_title

SHORT: Final = {"t2v": "T2V", "v2t": "V2T", "v2t_caption": "V2T single", "both": ""}
"""Directions as axes name them."""

RANKED: Final = "R@1"

NO_INTERVAL: Final = (math.nan, math.nan)


@dataclass(frozen=True)
class Subject:
    """A board and what a plot shows of it.

    Attributes:
        board: The board.
        direction: ``t2v``, ``v2t`` or ``v2t_caption``.
        figure: The figure that differences are about.
        axis: Groups of captions, by key or title; None for the first there are.
        against: Name or id of the row that others are compared with; None for the best one.
        runs: Folder of training runs.
    """

    board: Board
    direction: str = "t2v"
    figure: str = RANKED
    axis: str | None = None
    against: str | None = None
    runs: Path = Path("runs")

    @property
    def names(self) -> list[str]:
        """Names of the rows: each says what distinguishes it."""
        return [entry.name for entry in self.board.entries]

    @property
    def short(self) -> str:
        """The direction as axes name it."""
        return SHORT[self.direction]

    def title(self, what: str) -> str:
        """Return a title that says what is shown and of which results."""
        return f"{board_title(self.board)}: {what}"

    def cells(self, figure: str = RANKED) -> list[Cell | None]:
        """Return a figure of every row under strict relevance; None where a row lacks it."""
        key = (self.direction, "strict", figure)
        return [entry.figures.get(key) for entry in self.board.entries]

    def chosen_axis(self) -> tuple[str, Breakdown]:
        """Return the key of the chosen axis, and the breakdown whose groups are shown.

        Raises:
            NotFoundError: No run has breakdowns, or none of that name; lists those there are.
        """
        axes = board_axes(self.board)
        if not axes:
            raise NotFoundError(
                f"{board_title(self.board)}: no result has groups of captions: evaluate again, "
                "which makes them"
            )
        if self.axis is None:
            return next(iter(axes.items()))
        wanted = self.axis.lower().replace("-", "_")
        for key, breakdown in axes.items():
            if wanted == key or self.axis.lower() == breakdown.title.lower():
                return key, breakdown
        raise NotFoundError(
            f"no groups of captions are called {self.axis!r}: there are {', '.join(axes)}"
        )

    def base(self) -> Entry:
        """Return the row that the others are compared with.

        Raises:
            NotFoundError: No row has that name; lists those there are.
        """
        entries = self.board.entries
        if self.against is None:
            # Entries are sorted by T2V R@1, which need not be the figure that is asked for.
            return max(entries, key=self._goodness)
        for entry in entries:
            if self.against in (entry.name, entry.label if not entry.variant else entry.name):
                return entry
        alike = [entry for entry in entries if self.against in (entry.label, entry.variant)]
        if len(alike) == 1:
            return alike[0]
        rows = "; ".join(repr(name) for name in self.names)
        found = "no row" if not alike else f"{len(alike)} rows"
        raise NotFoundError(f"{found} called {self.against!r}: there are {rows}")

    def _goodness(self, entry: Entry) -> float:
        cell = entry.figures.get((self.direction, "strict", self.figure))
        if cell is None:
            return -math.inf
        return cell.value if higher_is_better(self.figure) else -cell.value


def values_of(cells: Sequence[Cell | None]) -> list[float]:
    """Return the values of cells; NaN for a missing one."""
    return [math.nan if cell is None else cell.value for cell in cells]


def intervals_of(cells: Sequence[Cell | None]) -> list[tuple[float, float]]:
    """Return the intervals of cells; NaN twice where there is none."""
    return [
        NO_INTERVAL
        if cell is None or cell.low is None or cell.high is None
        else (cell.low, cell.high)
        for cell in cells
    ]
