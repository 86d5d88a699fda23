"""The range of places that each row of a board may have, and the rows that tie with the best.

Rows are compared in pairs, on the same resamples of the videos. A row is placed below every row
that is significantly better and above every row that is significantly worse, with p-values
corrected by Holm over its n - 1 comparisons. A row ties with the best row if the best row's own
comparisons, corrected in the same way, do not separate the two. So the best row's last place is the
number of rows that tie with it.

Source: Mogstad, Romano, Shaikh and Wilhelm, "Inference for Ranks with Applications to Mobility
across Neighbourhoods and Academic Achievement across Countries", Review of Economic Studies 91(1),
2024: confidence sets for the rank of one population from its comparisons with all others. differs:
p-values of the paired bootstrap over videos that all tables here have, with Holm's step-down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.metrics import recall
from dvtr_bench.ranking import DIRECTIONS, Direction
from dvtr_bench.ranking.bootstrap import MOST_RESAMPLES, BootstrapConfig, once, video_draws
from dvtr_bench.ranking.figures import BOTH, higher_is_better
from dvtr_bench.ranking.holm import holm
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.runtime.cpu import compiled_when_called

ALPHA: Final = 0.05
"""Two rows are separable if the corrected p-value is at most this."""

_FEWEST_RESAMPLES: Final = 10_000

_MEAN_RANK: Final = "MnR"

FigureKey: TypeAlias = tuple[str, str]
"""Direction and figure."""

_Values: TypeAlias = dict[FigureKey, NDArray[np.float64]]


@dataclass(frozen=True)
class RankRange:
    """The places that one row may have by one figure.

    Attributes:
        first: The best possible place, from 1.
        last: The worst possible place.
        p_best: Corrected p-value of its comparison with the best row; None for the best row.
    """

    first: int
    last: int
    p_best: float | None

    @property
    def ties_with_best(self) -> bool:
        """Whether it is the best row, or is not separable from it."""
        return self.p_best is None or self.p_best > ALPHA


def resampling_for(rows: int) -> BootstrapConfig:
    """Return enough resamples for a p-value to stay significant after its correction.

    The smallest p-value of B resamples is 2 / (B + 1), and Holm multiplies it by up to n - 1: with
    the 1,000 of every table, no two of 50 rows could ever be separable.

    Args:
        rows: Number of rows of the board.

    Returns:
        At least 10,000 resamples; enough for corrected p-values down to half of `ALPHA`.
    """
    wanted = int(2 * 2 * (rows - 1) / ALPHA)
    return BootstrapConfig(resamples=min(MOST_RESAMPLES, max(_FEWEST_RESAMPLES, wanted)))


def rank_ranges(
    rows: Sequence[Sequence[RankTable]], config: BootstrapConfig
) -> Mapping[FigureKey, tuple[RankRange, ...]]:
    """Compute the rank ranges of all rows, for every figure that is a mean over queries.

    Args:
        rows: For each row the ranks of its runs, one per seed; all on the same queries. Strict
            relevance is used.
        config: Configuration of the paired bootstrap.

    Returns:
        Rank ranges by direction (or `BOTH`) and figure: R@k, MnR and mR. The median has none: it
        hardly changes between resamples.
    """
    points, resampled = _values(rows, None), _values(rows, config)
    ranges = {}
    for figure, values in resampled.items():
        sign = 1.0 if higher_is_better(figure[1]) else -1.0
        ranges[figure] = _ranges(sign * points[figure][:, 0], _p_values(values))
    return ranges


def _ranges(points: NDArray[np.float64], p_values: NDArray[np.float64]) -> tuple[RankRange, ...]:
    """Return the ranges, from values (higher is better) and the p-values of all pairs."""
    count, best = len(points), int(np.argmax(points))
    corrected = np.ones((count, count))
    for row in range(count):
        others = np.arange(count) != row
        corrected[row, others] = holm(p_values[row, others])
    apart = corrected <= ALPHA
    return tuple(
        RankRange(
            1 + int((apart[row] & (points > points[row])).sum()),
            count - int((apart[row] & (points < points[row])).sum()),
            None if row == best else float(corrected[best, row]),
        )
        for row in range(count)
    )


def _values(rows: Sequence[Sequence[RankTable]], config: BootstrapConfig | None) -> _Values:
    """Compute the figures of every row, n x B; without a config, those of the runs themselves."""
    tables = [table for runs in rows for table in runs]
    stops = np.cumsum([len(runs) for runs in rows]).tolist()
    draws = [once(tables[0])] if config is None else video_draws(tables[0], config)
    sums = {direction: _video_sums(tables, direction) for direction in DIRECTIONS}
    collected: dict[FigureKey, list[NDArray[np.float64]]] = {}
    for drawn in draws:
        for figure, values in _run_values(sums, drawn.astype(np.float64)).items():
            means = [
                np.mean([values[:, run] for run in range(stop - len(runs), stop)], axis=0)
                for runs, stop in zip(rows, stops, strict=True)
            ]
            collected.setdefault(figure, []).append(np.stack(means))
    return {figure: np.concatenate(parts, axis=1) for figure, parts in collected.items()}


def _video_sums(
    tables: Sequence[RankTable], direction: Direction
) -> tuple[list[str], NDArray[np.float64]]:
    """Sum what the queries of each video add to each figure of each run.

    Returns:
        Names of the figures; float64, C x runs x (1 + figures): the number of queries, then what
        they add to each figure.
    """
    queries = tables[0]
    count = len(queries.query_videos("v2t"))
    clusters = queries.query_clusters(direction)
    depths = [k for k in recall.DEPTHS if k <= queries.gallery_size(direction)]
    sums = np.empty((count, len(tables), 2 + len(depths)))
    for run, table in enumerate(tables):
        ranks = table.ranks[direction]["strict"].pessimistic
        added = [np.ones(len(ranks)), ranks, *(ranks <= k for k in depths)]
        for number, values in enumerate(added):
            sums[:, run, number] = np.bincount(clusters, values, minlength=count)
    return [_MEAN_RANK, *(f"R@{k}" for k in depths)], sums


def _run_values(
    sums: Mapping[Direction, tuple[list[str], NDArray[np.float64]]], weights: NDArray[np.float64]
) -> _Values:
    """Compute every run's figures for some draws (B x C): B x runs.

    Exact in any order of summation, since all sums are integers.
    """
    figures: _Values = {}
    for direction, (names, added) in sums.items():
        total = (weights @ added.reshape(len(added), -1)).reshape(-1, *added.shape[1:])
        for number, name in enumerate(names, start=1):
            factor = 1.0 if name == _MEAN_RANK else 100.0
            figures[direction, name] = factor * total[:, :, number] / total[:, :, 0]
    recalls = [
        figures[direction, f"R@{k}"]
        for direction in ("t2v", "v2t")
        for k in recall.DEPTHS
        if (direction, f"R@{k}") in figures
    ]
    if len(recalls) == 2 * len(recall.DEPTHS):
        figures[BOTH, "mR"] = np.sum(recalls, axis=0) / len(recalls)
    return figures


def _p_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two-sided p-value of every pair of rows (n x n), as `two_sided_p_value` does."""
    rows, resamples = values.shape
    counts = np.zeros((2, rows, rows), np.int64)
    _count_signs(np.ascontiguousarray(values), counts)
    smaller = 1 + counts.min(axis=0)
    p_values: NDArray[np.float64] = np.minimum(1.0, 2.0 * smaller / (1 + resamples))
    return p_values


@compiled_when_called
def _count_signs(values: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    """Count the resamples in which a row is at most, and at least, as high as another.

    Args:
        values: float64, n x B.
        counts: int64, 2 x n x n: written to.
    """
    for first in range(values.shape[0]):
        for second in range(first + 1, values.shape[0]):
            below, above = 0, 0
            for resample in range(values.shape[1]):
                below += values[second, resample] <= values[first, resample]
                above += values[second, resample] >= values[first, resample]
            counts[0, first, second] = below
            counts[1, first, second] = above
            counts[0, second, first] = above
            counts[1, second, first] = below
