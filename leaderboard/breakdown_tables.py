"""T2V R@1 by group of captions, for every row of a board: one table per axis."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, GroupFigures, group_figure_names
from dvtr_bench.results.record import Breakdown
from leaderboard.board import Board, Cell, Entry
from leaderboard.tables import ABOUT_FEW, Field, Table, figure_field, group_sizes

FIGURE: Final = "R@1"

_NOT_SHOWN: Final = ("R@5", "R@10", "MdR")
"""Figures that result files have by group, but tables do not show."""

ABOUT: Final = (
    "Each group's captions search the whole gallery. Borders are the same for every dataset; a "
    f"group of fewer than {FEWEST_VIDEOS} videos has no interval. Nor has the mean of several "
    f"seeds: ± is their standard deviation. {ABOUT_FEW}"
)
"""Explanation for readers of these tables."""


@dataclass(frozen=True)
class BreakdownTable:
    """One axis of a board.

    Attributes:
        title: Title of the axis, for use within a sentence.
        table: One row per group with captions, one column per model.
        notes: Which rows of the board are left out, and why.
    """

    title: str
    table: Table
    notes: tuple[str, ...]


def make_breakdowns(board: Board) -> Iterator[BreakdownTable]:
    """Lay out the breakdowns of a board.

    Args:
        board: The results. All rows have the same captions and videos. A row whose groups differ
            from those of the first, because another version made it, is left out of that axis and
            named.

    Yields:
        For each axis, in order of their keys, a table of R@1 and one of each figure of a plug-in.
    """
    for axis, first_breakdown in board_axes(board).items():
        entries = [entry for entry in board.entries if sorted_alike(entry, axis, first_breakdown)]
        others = [entry for entry in board.entries if entry not in entries]
        title = first_breakdown.title[0].lower() + first_breakdown.title[1:]
        notes = tuple(
            f"{entry.name} is not in the table by {title}: {_why(entry, axis)}. Evaluate it again."
            for entry in others
        )
        for figure in (FIGURE, *further_figures(board)):
            table = Table(
                f"T2V {figure} by {title}",
                ("group", *(entry.name for entry in entries)),
                tuple(_rows(axis, figure, first_breakdown, entries)),
                prose=True,
            )
            yield BreakdownTable(title, table, notes if figure == FIGURE else ())


def further_figures(board: Board) -> tuple[str, ...]:
    """Return the figures that tables by group show besides R@1: those of plug-in metrics."""
    stated = {
        name
        for entry in board.entries
        for run in entry.runs
        for breakdown in run.breakdowns.values()
        for group in breakdown.results["t2v"].values()
        for name in group.metrics
    }
    shown = (FIGURE, *_NOT_SHOWN)
    return tuple(name for name in group_figure_names() if name in stated and name not in shown)


def board_axes(board: Board) -> dict[str, Breakdown]:
    """Return the axes of a board, sorted by key, each as its first run with that axis has it."""
    axes: dict[str, Breakdown] = {}
    for entry in board.entries:
        for run in entry.runs:
            for axis, breakdown in run.breakdowns.items():
                axes.setdefault(axis, breakdown)
    return dict(sorted(axes.items()))


def _why(entry: Entry, axis: str) -> str:
    if any(axis in run.breakdowns for run in entry.runs):
        return "its captions were sorted otherwise"
    return "it was evaluated where there was no such breakdown"


def sorted_alike(entry: Entry, axis: str, reference: Breakdown) -> bool:
    """Return whether all runs of a row sort their captions into the groups of a breakdown."""
    return all(
        (breakdown := run.breakdowns.get(axis)) is not None and breakdown.sorts_like(reference)
        for run in entry.runs
    )


def _rows(
    axis: str, figure: str, reference: Breakdown, entries: Sequence[Entry]
) -> Iterator[tuple[Field, ...]]:
    for group, reference_figures in reference.results["t2v"].items():
        yield (
            Field(
                group,
                group_sizes(reference_figures.queries, reference_figures.videos),
            ),
            *(
                _field([run.breakdowns[axis].results["t2v"][group] for run in entry.runs], figure)
                for entry in entries
            ),
        )


def group_cell(runs: Sequence[GroupFigures], figure: str = FIGURE) -> Cell | None:
    """Return a T2V figure of one group for a row.

    Args:
        runs: The group in each run of the row.
        figure: The figure.

    Returns:
        The figure with its interval, or the mean over several seeds; None for an empty group.
    """
    found = [run.metrics[figure] for run in runs if figure in run.metrics]
    if not found:
        return None
    if len(found) == 1:
        return Cell(found[0].value, found[0].low, found[0].high)
    values = [each.value for each in found]
    return Cell(statistics.mean(values), None, None, statistics.stdev(values))


def _field(runs: Sequence[GroupFigures], figure: str) -> Field:
    cell = group_cell(runs, figure)
    return Field("") if cell is None else figure_field(cell)
