"""Means over training seeds, with their two uncertainties.

The two are never mixed. The standard deviation over seeds says how much a figure changes when the
model is trained again; the test videos stay the same. The bootstrap interval says how much the mean
of these runs would change with other test videos; each resample of the videos is used for all runs,
so the seeds stay the same.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvtr_bench.errors import IncomparableError, InputError
from dvtr_bench.ranking import RelevanceKind
from dvtr_bench.ranking.bootstrap import (
    BootstrapConfig,
    difference_interval,
    figure_interval,
    two_sided_p_value,
)
from dvtr_bench.ranking.figures import (
    Difference,
    Values,
    equal_everywhere,
    full_share,
    point_values,
    resampled_values,
)
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
        values: By direction, relevance and figure: one value per run.
        resampled: The mean over the runs, one value per resample.
        level: Share of the resamples that an interval covers.
        queries: Each caption's video, to check that setups can be compared.
        videos: Number of videos that have captions.

    Example:
        >>> means = SeedMeans.of([run.rank_table for run in runs])  # doctest: +SKIP
        >>> means.figure("t2v", "strict", "R@1")  # doctest: +SKIP
        SeedFigure(mean=42.1, deviation=0.8, low=39.5, high=44.6)
    """

    values: Values
    resampled: Values
    level: float
    queries: tuple[int, bytes]
    videos: int

    def __repr__(self) -> str:
        """Show sizes only; `figure` returns figures."""
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
            {key: np.concatenate([point[key] for point in points]) for key in points[0]},
            {key: np.mean([values[key] for values in resampled], axis=0) for key in resampled[0]},
            config.level,
            _queries(tables[0]),
            len(tables[0].query_videos("v2t")),
        )

    def figure(self, direction: str, kind: RelevanceKind, name: str) -> SeedFigure:
        """Return one figure; direction ``both`` has mR and RSum."""
        values = self.values[direction, kind, name].tolist()
        mean, resampled = statistics.mean(values), self.resampled[direction, kind, name]
        low, high = figure_interval(mean, resampled, full_share(name), self.videos, self.level)
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return SeedFigure(mean, deviation, low, high)

    def difference(
        self, other: "SeedMeans", direction: str, kind: RelevanceKind, name: str
    ) -> Difference:
        """Compare the mean of another setup with this one's on the same resamples: other - self.

        Args:
            other: The other setup; its seeds may differ, also in number.
            direction: ``t2v``, ``v2t``, ``v2t_caption`` or ``both``.
            kind: Of relevance.
            name: Of the figure.

        Returns:
            The difference; interval and p-value cover other test videos, not other seeds.

        Raises:
            IncomparableError: Other queries, or another number of resamples.
        """
        key = (direction, kind, name)
        first_resampled, second_resampled = self.resampled[key], other.resampled[key]
        if self.queries != other.queries or len(first_resampled) != len(second_resampled):
            raise IncomparableError(
                "a paired comparison needs the same queries and the same resamples: found "
                f"{len(first_resampled)} resamples over {self.queries[0]} videos and "
                f"{len(second_resampled)} over "
                f"{other.queries[0]}, or the same captions in another order"
            )
        differences = second_resampled - first_resampled
        first = statistics.mean(self.values[key].tolist())
        second = statistics.mean(other.values[key].tolist())
        are_same = equal_everywhere(self.resampled, other.resampled)
        full = None if are_same else full_share(name)
        ends = difference_interval((first, second), differences, full, self.videos, self.level)
        return Difference(first, second, second - first, *ends, two_sided_p_value(differences))


def _queries(table: RankTable) -> tuple[int, bytes]:
    return table.num_videos, table.caption_video_index.tobytes()
