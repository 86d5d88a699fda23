"""Shares of queries that are found up to each rank, of every row of a board."""

from typing import TYPE_CHECKING

import numpy as np

from dvtr_bench.reports.chart_data import Series
from leaderboard.plot_subject import Subject

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
