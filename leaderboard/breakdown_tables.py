"""T2V R@1 by group of captions, for every row of a board: one table per axis."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, GroupFigures
from dvtr_bench.results.record import Breakdown
from leaderboard.board import Board, Cell, Entry
from leaderboard.tables import Field, Table, figure_field

FIGURE: Final = "R@1"

ABOUT: Final = (
    "Each group's captions search the whole gallery. Borders are the same for every dataset; a "
    f"group of fewer than {FEWEST_VIDEOS} videos has no interval. Nor has the mean of several "
    "seeds: ± is their standard deviation."
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
        One table per axis, in order of their keys.
    """
    for axis, first_breakdown in board_axes(board).items():
        entries = [entry for entry in board.entries if sorted_alike(entry, axis, first_breakdown)]
        others = [entry for entry in board.entries if entry not in entries]
        title = first_breakdown.title[0].lower() + first_breakdown.title[1:]
        yield BreakdownTable(
            title=title,
            table=Table(
                f"T2V {FIGURE} by {title}",
                ("group", *(entry.name for entry in entries)),
                tuple(_rows(axis, first_breakdown, entries)),
                prose=True,
            ),
            notes=tuple(
                f"{entry.name} is not in the table by {title}: {_why(entry, axis)}. "
                "Evaluate it again."
                for entry in others
            ),
        )


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


def _rows(axis: str, reference: Breakdown, entries: Sequence[Entry]) -> Iterator[tuple[Field, ...]]:
    for group, reference_figures in reference.results["t2v"].items():
        yield (
            Field(
                group,
                f"{reference_figures.queries:,} captions, {reference_figures.videos:,} videos",
            ),
            *(
                _field([run.breakdowns[axis].results["t2v"][group] for run in entry.runs])
                for entry in entries
            ),
        )


def group_cell(runs: Sequence[GroupFigures]) -> Cell | None:
    """Return T2V R@1 of one group for a row.

    Args:
        runs: The group in each run of the row.

    Returns:
        The figure with its interval, or the mean over several seeds; None for an empty group.
    """
    figures = [run.metrics[FIGURE] for run in runs if FIGURE in run.metrics]
    if not figures:
        return None
    if len(figures) == 1:
        figure = figures[0]
        return Cell(figure.value, figure.low, figure.high)
    values = [figure.value for figure in figures]
    return Cell(statistics.mean(values), None, None, statistics.stdev(values))


def _field(runs: Sequence[GroupFigures]) -> Field:
    cell = group_cell(runs)
    return Field("") if cell is None else figure_field(cell)
