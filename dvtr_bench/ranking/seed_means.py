"""Means over training seeds: what seeds move, and what other test videos would move.

Two uncertainties, never mixed. The standard deviation over seeds says how much training again moves
a figure; the test videos stay as they are. The bootstrap interval says how much other test videos
would move the mean of these very runs; every resample draws the videos once for all of them, so
that the seeds stay as they are.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvtr_bench.errors import IncomparableError, InputError
from dvtr_bench.ranking import RelevanceKind
from dvtr_bench.ranking.bootstrap import BootstrapConfig, interval, two_sided_p_value
from dvtr_bench.ranking.figures import Difference, Values, point_values, resampled_values
from dvtr_bench.ranking.rank_table import RankTable


@dataclass(frozen=True)
class SeedFigure:
    """One figure of several runs that differ in their seed.

    Attributes:
        mean: Over the runs.
        deviation: Sample standard deviation over the runs (n - 1); None for a single run.
        low: Lower end of the mean's bootstrap interval over videos.
        high: Upper end of the mean's bootstrap interval over videos.
    """

    mean: float
    deviation: float | None
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class SeedMeans:
    """The figures of one setup, trained with one seed or several.

    Attributes:
        values: By direction, relevance and figure: one value a run.
        resampled: The mean over the runs, one value a resample.
        level: Share of the resamples that an interval covers.
        queries: Each caption's own video, to tell which setups may be compared.

    Example:
        >>> means = SeedMeans.of([run.rank_table for run in runs])  # doctest: +SKIP
        >>> means.figure("t2v", "strict", "R@1")  # doctest: +SKIP
        SeedFigure(mean=42.1, deviation=0.8, low=39.5, high=44.6)
    """

    values: Values
    resampled: Values
    level: float
    queries: tuple[int, bytes]

    def __repr__(self) -> str:
        """Sizes alone; the figures are asked for by `figure`."""
        runs = len(next(iter(self.values.values()), ()))
        return f"SeedMeans({runs} runs, {len(self.values)} figures, level {self.level:g})"

    @classmethod
    def of(cls, tables: Sequence[RankTable], config: BootstrapConfig | None = None) -> "SeedMeans":
        """Compute the means of some runs.

        Args:
            tables: Ranks of runs on the same queries, at least one.
            config: Of the bootstrap; the defaults when None.

        Raises:
            InputError: No runs.
            IncomparableError: They have other queries.
        """
        config = config or BootstrapConfig()
        if not tables:
            raise InputError("a mean over seeds needs at least one run, found none")
        if len({_queries(table) for table in tables}) > 1:
            raise IncomparableError("a mean over seeds needs runs on the same queries")
        points = [point_values(table) for table in tables]
        resampled = resampled_values(tables, config)
        return cls(
            {place: np.concatenate([point[place] for point in points]) for place in points[0]},
            {place: np.mean([one[place] for one in resampled], axis=0) for place in resampled[0]},
            config.level,
            _queries(tables[0]),
        )

    def figure(self, direction: str, kind: RelevanceKind, name: str) -> SeedFigure:
        """Return one figure; direction ``both`` has mR and RSum."""
        values = self.values[direction, kind, name].tolist()
        low, high = interval(self.resampled[direction, kind, name], self.level)
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return SeedFigure(statistics.mean(values), deviation, low, high)

    def difference(
        self, other: "SeedMeans", direction: str, kind: RelevanceKind, name: str
    ) -> Difference:
        """Compare the mean of another setup with this one's on the same resamples: other - self.

        Args:
            other: Its runs may have other seeds, and more or fewer of them.
            direction: ``t2v``, ``v2t``, ``v2t_caption`` or ``both``.
            kind: Of relevance.
            name: Of the figure.

        Returns:
            The difference; interval and p-value say how far other test videos could move it, not
            what other seeds would do.

        Raises:
            IncomparableError: Other queries, or another number of resamples.
        """
        place = (direction, kind, name)
        mine, theirs = self.resampled[place], other.resampled[place]
        if self.queries != other.queries or len(mine) != len(theirs):
            raise IncomparableError(
                "a paired comparison needs the same queries and the same resamples: found "
                f"{len(mine)} resamples over {self.queries[0]} videos and {len(theirs)} over "
                f"{other.queries[0]}, or the same captions in another order"
            )
        moved = theirs - mine
        low, high = interval(moved, self.level)
        first = statistics.mean(self.values[place].tolist())
        second = statistics.mean(other.values[place].tolist())
        return Difference(first, second, second - first, low, high, two_sided_p_value(moved))


def _queries(table: RankTable) -> tuple[int, bytes]:
    return table.num_videos, table.caption_video_index.tobytes()
