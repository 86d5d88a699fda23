"""Two runs on the same queries: figures, groups and the queries that changed most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import Difference, compare
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, GroupChange, compare_groups
from dvtr_bench.ranking.holm import holm, resampling_for_family
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.results import RunRecord, require_comparable

RESAMPLING: Final = BootstrapConfig()
"""Used for both runs, whatever settings their records have."""


@dataclass(frozen=True)
class GroupRow:
    """R@1 of one group of queries in two runs, text to video.

    Attributes:
        name: Name of the group.
        captions: Number of its queries.
        videos: Number of their videos.
        change: Both values and their difference.
        resamples: Number of resamples behind its interval and p-value.
        p_corrected: Its p-value, corrected by Holm for all groups of the axis in all comparisons;
            None for too few videos.
    """

    name: str
    captions: int
    videos: int
    change: GroupChange
    resamples: int
    p_corrected: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether there are enough videos for an interval and a p-value."""
        return self.change.low is not None


@dataclass(frozen=True)
class QueryChange:
    """A caption that two runs rank differently.

    Attributes:
        query: Its row among the captions of the split.
        first_rank: Rank of its video in the first run.
        second_rank: Rank of its video in the second run.
    """

    query: int
    first_rank: int
    second_rank: int


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same queries, strict relevance.

    Attributes:
        first: Run A.
        second: Run B.
        resampling: Settings of the bootstrap.
        figures: By direction and figure.
        p_corrected: By direction and figure: the p-value, corrected by Holm for the comparisons by
            that figure; of two runs there is one, so it is the p-value itself.
        groups: By title of the axis; groups without queries are left out.
        gained: Captions that B ranks better, the largest change first.
        lost: Captions that B ranks worse, the largest change first.
        notes: Sentences for readers.
    """

    first: RunRecord
    second: RunRecord
    resampling: BootstrapConfig
    figures: Mapping[tuple[str, str], Difference]
    p_corrected: Mapping[tuple[str, str], float]
    groups: Mapping[str, tuple[GroupRow, ...]]
    gained: tuple[QueryChange, ...]
    lost: tuple[QueryChange, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Both runs and the difference of T2V R@1."""
        difference = self.figures["t2v", "R@1"]
        return (
            f"Comparison(A {one_line(self.first.label)}, B {one_line(self.second.label)}: T2V "
            f"R@1 {difference.difference:+.1f} ({difference.low:+.1f} to {difference.high:+.1f}))"
        )


def make_comparison(
    first: RunRecord,
    second: RunRecord,
    queries: int = 10,
    resampling: BootstrapConfig = RESAMPLING,
) -> Comparison:
    """Compare two runs.

    Args:
        first: Run A.
        second: Run B.
        queries: Largest number of captions to list as gained and as lost.
        resampling: Settings of the paired bootstrap over videos.

    Returns:
        The comparison; a difference is B - A.

    Raises:
        IncomparableError: The runs must not share a table.
    """
    return make_comparisons([first, second], [(0, 1)], queries, resampling)[0]


def make_comparisons(
    records: Sequence[RunRecord],
    pairs: Sequence[tuple[int, int]],
    queries: int = 10,
    resampling: BootstrapConfig = RESAMPLING,
) -> list[Comparison]:
    """Compare several pairs of runs, and correct their p-values for their number.

    Args:
        records: The runs.
        pairs: Which to compare: places in ``records`` of run A and run B.
        queries: Largest number of captions to list as gained and as lost.
        resampling: Settings of the paired bootstrap over videos. Where so many p-values are
            corrected together that none could stay below 0.05, there are more resamples.

    Returns:
        One comparison a pair.

    Raises:
        IncomparableError: The runs must not share a table.
    """
    require_comparable(list(records))
    return _corrected(
        [_compare(records[a], records[b], queries, resampling, len(pairs)) for a, b in pairs]
    )


def _compare(
    first: RunRecord, second: RunRecord, queries: int, resampling: BootstrapConfig, pairs: int
) -> Comparison:
    resampling_of_groups, resampling = resampling, resampling_for_family(pairs, resampling)
    differences = compare(first.rank_table, second.rank_table, resampling)
    groups: dict[str, tuple[GroupRow, ...]] = {}
    notes = []
    for axis, breakdown in first.breakdowns.items():
        other = second.breakdowns.get(axis)
        if other is None or not other.sorts_like(breakdown):
            notes.append(f"{breakdown.title}: left out, the two runs were sorted differently.")
        else:
            groups[breakdown.title] = _group_rows(first, second, axis, resampling_of_groups, pairs)
    gained, lost = _changed_most(first, second, queries)
    return Comparison(
        first=first,
        second=second,
        resampling=resampling,
        figures={
            (direction, name): difference
            for (direction, kind, name), difference in differences.items()
            if kind == "strict"
        },
        p_corrected={},
        groups=groups,
        gained=gained,
        lost=lost,
        notes=tuple(notes),
    )


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p-values of each figure, and those of all groups of each axis."""
    by_figure: list[dict[tuple[str, str], float]] = [{} for _ in comparisons]
    for key in comparisons[0].figures:
        p_values = [comparison.figures[key].p_value for comparison in comparisons]
        for corrected, p_value in zip(by_figure, holm(p_values).tolist(), strict=True):
            corrected[key] = p_value
    groups: list[dict[str, tuple[GroupRow, ...]]] = [
        dict(comparison.groups) for comparison in comparisons
    ]
    for axis in dict.fromkeys(axis for axes in groups for axis in axes):
        places = [
            (axes, number)
            for axes in groups
            for number, row in enumerate(axes.get(axis, ()))
            if row.has_interval
        ]
        p_values = [axes[axis][number].change.p_value or 0.0 for axes, number in places]
        for (axes, number), p_value in zip(places, holm(p_values).tolist(), strict=True):
            rows = list(axes[axis])
            rows[number] = replace(rows[number], p_corrected=p_value)
            axes[axis] = tuple(rows)
    return [
        replace(comparison, p_corrected=figures, groups=axes)
        for comparison, figures, axes in zip(comparisons, by_figure, groups, strict=True)
    ]


def _group_rows(
    first: RunRecord, second: RunRecord, axis: str, resampling: BootstrapConfig, pairs: int
) -> tuple[GroupRow, ...]:
    breakdown = first.breakdowns[axis]
    tested = sum(group.videos >= FEWEST_VIDEOS for group in breakdown.results["t2v"].values())
    resampling = resampling_for_family(pairs * tested, resampling)
    changes = compare_groups(
        [first.rank_table], [second.rank_table], breakdown.as_groups(), resampling
    )
    return tuple(
        GroupRow(
            group.group, group.queries, group.videos, group.metrics["R@1"], resampling.resamples
        )
        for group in changes
        if group.queries
    )


def _changed_most(
    first: RunRecord, second: RunRecord, queries: int
) -> tuple[tuple[QueryChange, ...], tuple[QueryChange, ...]]:
    """Return the captions that B ranks better and worse, the largest change first.

    A change is the ratio of the two ranks: 1 to 20 is more than 500 to 700, and 1 to 2 as much as
    50 to 100. Of equal ratios the one with the better rank comes first, then the first row.
    """
    ranks = [
        record.rank_table.ranks["t2v"]["strict"].pessimistic.astype(np.float64)
        for record in (first, second)
    ]
    nearest = np.minimum(*ranks)
    sides = []
    for better, worse in ((ranks[1], ranks[0]), (ranks[0], ranks[1])):
        order = np.lexsort((nearest, -worse / better))
        chosen = [row for row in order[:queries].tolist() if better[row] < worse[row]]
        sides.append(
            tuple(QueryChange(row, int(ranks[0][row]), int(ranks[1][row])) for row in chosen)
        )
    return sides[0], sides[1]
