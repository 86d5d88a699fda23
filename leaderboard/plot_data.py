"""Data that several kinds of plots draw: recall against a number, by group, over the rank."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dvtr_bench.errors import NotFoundError
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues, Series
from leaderboard.plot_subject import RANKED, Subject, intervals_of, values_of
from leaderboard.tables import group_cell, sorted_alike

if TYPE_CHECKING:
    from dvtr_bench.ranking import Direction


_QUERIES = {"t2v": "captions", "v2t": "videos", "v2t_caption": "videos"}


def found_within(subject: Subject, what: str, axis: str, deepest: int | None = None) -> Series:
    """Return the share of queries whose rank is at most k, over k.

    Args:
        subject: The board and direction.
        what: What the chart shows, for its title.
        axis: What k is called.
        deepest: The last k; None for the number of candidates. Ranks are pessimistic on ties.

    Returns:
        A line for each row, in percent; of several seeds the mean. Each k up to 200, then a point
        for each rank at which some query of the row is found, so that no step is lost.
    """
    direction: Direction = subject.direction  # type: ignore[assignment]
    candidates = {
        "t2v": subject.board.num_videos,
        "v2t": subject.board.num_videos,
        "v2t_caption": subject.board.num_captions,
    }[direction]
    last = candidates if deepest is None else min(deepest, candidates)
    lines = {}
    for entry in subject.board.entries:
        ranks = [run.rank_table.ranks[direction]["strict"].pessimistic for run in entry.runs]
        depths = np.unique(np.concatenate([np.arange(1, min(last, 200) + 1), *ranks, [last]]))
        depths = depths[depths <= last]
        shares = np.mean(
            [
                100.0 * np.searchsorted(np.sort(one), depths, side="right") / len(one)
                for one in ranks
            ],
            axis=0,
        )
        lines[entry.name] = list(
            zip(map(float, depths.tolist()), map(float, shares.tolist()), strict=True)
        )
    title = f"{subject.short} {what}"
    shown = axis if last == candidates or deepest is None else f"{axis}, to {last}"
    return Series(subject.title(title), shown, f"percent of the {_QUERIES[direction]}", lines, True)


def recall_by_group(subject: Subject, chart: str) -> Chart:
    """Return T2V R@1 by group.

    Args:
        subject: The board, and the axis along which captions are grouped.
        chart: The chart that draws it.

    Returns:
        The chart: a row for each row of the board, a part for each group that has captions. A row
        whose captions were sorted otherwise is left out and named in the notes.

    Raises:
        NotFoundError: There are no groups, or none along that axis.
    """
    axis, breakdown = subject.chosen_axis()
    entries = [e for e in subject.board.entries if sorted_alike(e, axis, breakdown)]
    groups = [name for name, one in breakdown.results["t2v"].items() if one.queries]
    columns = {
        group: [
            group_cell([run.breakdowns[axis].results["t2v"][group] for run in entry.runs])
            for entry in entries
        ]
        for group in groups
    }
    title = breakdown.title[0].lower() + breakdown.title[1:]
    data = NamedValues(
        subject.title(f"T2V R@1 by {title}, percent"),
        [entry.name for entry in entries],
        {group: values_of(cells) for group, cells in columns.items()},
        {group: intervals_of(cells) for group, cells in columns.items()},
    )
    notes = tuple(
        f"{entry.name}: left out, its captions were not sorted by {title} as the others were"
        for entry in subject.board.entries
        if entry not in entries
    )
    return Chart(chart, data, notes)


def recall_against(
    subject: Subject, axis: str, numbers: Sequence[float | None], why_missing: str
) -> Chart:
    """Return a scatter plot of R@1, with intervals, against a number of each row.

    Args:
        subject: The board and direction.
        axis: What the number is, with its unit.
        numbers: One for each row; None for a row that is left out.
        why_missing: Why a row has none, for the notes.

    Returns:
        The chart; its notes name the rows that are left out.

    Raises:
        NotFoundError: No row has the number.
    """
    rows = [
        (name, number, cell)
        for name, number, cell in zip(subject.names, numbers, subject.cells(RANKED), strict=True)
        if number is not None and cell is not None
    ]
    if not rows:
        raise NotFoundError(f"{subject.title(axis)}: no row has it ({why_missing})")
    shown = [name for name, _, _ in rows]
    cells = [cell for _, _, cell in rows]
    upwards = f"{subject.short} {RANKED}, percent"
    data = NamedValues(
        subject.title(f"{RANKED} against {axis.partition(',')[0]}"),
        shown,
        {axis: [number for _, number, _ in rows], upwards: values_of(cells)},
        {upwards: intervals_of(cells)},
    )
    left_out = [name for name in subject.names if name not in shown]
    return Chart("scatter", data, tuple(f"{name}: left out, {why_missing}" for name in left_out))
