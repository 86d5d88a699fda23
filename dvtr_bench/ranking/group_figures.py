"""Figures by group of queries: the same ranks, split along one axis.

A group's queries search the whole gallery; only the queries are divided. Relevance is strict.
Intervals come from the same resamples of the videos as those of the whole split; a resample without
a video of the group is skipped for that group. A group of fewer than `FEWEST_VIDEOS` videos has a
value but no interval: resampling a handful of videos gives intervals that are far too narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.bootstrap import (
    BootstrapConfig,
    Draws,
    add_up,
    difference_interval,
    figure_interval,
    once,
    two_sided_p_value,
    video_draws,
)
from dvtr_bench.ranking.figures import compute_named, figure_names, full_share
from dvtr_bench.ranking.rank_table import Groups, RankTable
from dvtr_bench.reading.json_records import Count

_NOT_BY_GROUP: Final = ("MdR-lower", "MnR")
"""Figures that groups do not have: a group has one median, and a mean hangs on a few queries."""

FEW: Final = 20
"""A group of fewer queries or videos is marked in every table: its figure says little."""

FEWEST_VIDEOS: Final = 10
"""Fewest videos for an interval.

For videos that are each found with probability 0.3, 95% intervals contained the true value in 42%
of 2,000 trials with 2 videos, 81% with 5 and 96% with 10.
"""

_Values: TypeAlias = dict[str, NDArray[np.float64]]


def are_few(queries: int, videos: int) -> bool:
    """Tell whether tables must say that figures of so many queries and videos say little.

    Args:
        queries: Number of queries; where there are none, there is no figure either.
        videos: Number of their videos.
    """
    return queries > 0 and min(queries, videos) < FEW


def group_figure_names() -> tuple[str, ...]:
    """Return the names of a group's figures in the order of reports, those of plug-ins included."""
    return tuple(name for name in figure_names() if name not in _NOT_BY_GROUP)


@dataclass(frozen=True)
class GroupFigure:
    """One figure of a group.

    Attributes:
        value: Of the run itself.
        low: Lower end of its interval; None for a group of too few videos.
        high: Upper end of its interval; None for a group of too few videos.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class GroupFigures:
    """One group of one direction.

    Attributes:
        queries: Queries in it.
        videos: Videos to which they belong.
        metrics: By name; empty for a group without queries.
    """

    queries: Count
    videos: Count
    metrics: Mapping[str, GroupFigure]


@dataclass(frozen=True)
class GroupChange:
    """One figure of a group in two runs, or in the means of two setups.

    Attributes:
        first: Value of the first run.
        second: Value of the second run.
        difference: second - first.
        low: Lower end of the difference's interval; None for too few videos.
        high: Upper end of the difference's interval; None for too few videos.
        p_value: Two-sided, by paired bootstrap over videos; None for too few videos.
    """

    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True)
class GroupChanges:
    """One group in two runs.

    Attributes:
        group: Its name.
        queries: Queries in it.
        videos: Videos to which they belong.
        metrics: By name; empty for a group without queries.
    """

    group: str
    queries: int
    videos: int
    metrics: Mapping[str, GroupChange]


FiguresByGroup: TypeAlias = Mapping[Direction, Mapping[str, GroupFigures]]
"""By direction and name of the group, in the order of reports."""


def group_figures(
    table: RankTable, axes: Mapping[str, Groups], config: BootstrapConfig
) -> dict[str, FiguresByGroup]:
    """Compute the figures of every group of every axis, with intervals.

    Args:
        table: The ranks of a run.
        axes: Groups by axis.
        config: Of the bootstrap.

    Returns:
        By axis.

    Raises:
        InputError: An axis does not sort the captions or videos of this run.
    """
    parts = {
        (axis, direction): _GroupedQueries(table, groups, direction)
        for axis, groups in axes.items()
        for direction in groups.directions
    }
    resampled: dict[tuple[str, Direction], list[list[_Values]]] = {key: [] for key in parts}
    for drawn in video_draws(table, config):
        for key, part in parts.items():
            resampled[key].append(part.values(drawn))
    results: dict[str, dict[Direction, dict[str, GroupFigures]]] = {}
    for (axis, direction), part in parts.items():
        rows = zip(part.once(), _joined(resampled[axis, direction]), strict=True)
        results.setdefault(axis, {})[direction] = {
            name: GroupFigures(
                int(part.queries[group]),
                int(part.clusters[group]),
                {
                    figure: _figure(
                        figure,
                        float(value[0]),
                        resampled_figures[figure],
                        int(part.clusters[group]),
                        config,
                    )
                    for figure, value in values.items()
                },
            )
            for group, (name, (values, resampled_figures)) in enumerate(
                zip(axes[axis].names, rows, strict=True)
            )
        }
    return dict(results)


def compare_groups(
    first: Sequence[RankTable],
    second: Sequence[RankTable],
    groups: Groups,
    config: BootstrapConfig,
    direction: Direction = "t2v",
) -> list[GroupChanges]:
    """Compare two setups on the same queries, group by group.

    Args:
        first: Ranks of one setup, one table per seed; figures are means over the seeds.
        second: Ranks of the other; its seeds may differ, also in number.
        groups: One axis of their split.
        config: Of the bootstrap; all runs use the same resamples.
        direction: One of the directions of ``groups``.

    Returns:
        One entry per group, in the order of the groups.

    Raises:
        IncomparableError: The runs have other queries.
        InputError: The axis does not sort the captions or videos of these runs.
    """
    for table in (*first[1:], *second):
        first[0].require_same_queries(table)
    sides = [
        [_GroupedQueries(table, groups, direction) for table in tables]
        for tables in (first, second)
    ]
    collected: list[list[list[_Values]]] = [[], []]
    for drawn in video_draws(first[0], config):
        for parts, values in zip(sides, collected, strict=True):
            values.append(_mean([part.values(drawn) for part in parts]))
    points = [_mean([part.once() for part in parts]) for parts in sides]
    resampled = [_joined(values) for values in collected]
    queries, clusters = sides[0][0].queries, sides[0][0].clusters
    return [
        GroupChanges(
            name,
            int(queries[group]),
            int(clusters[group]),
            {
                figure: _change(
                    figure,
                    (float(points[0][group][figure][0]), float(points[1][group][figure][0])),
                    resampled[1][group][figure] - resampled[0][group][figure],
                    int(clusters[group]),
                    config,
                )
                for figure in points[0][group]
            },
        )
        for group, name in enumerate(groups.names)
    ]


class _GroupedQueries:
    """Queries in order of group, then rank; ``_starts`` holds the start of each rank of a group."""

    def __init__(self, table: RankTable, groups: Groups, direction: Direction) -> None:
        codes = groups.query_codes(table, direction)
        clusters = table.query_clusters(direction)
        ranks = table.ranks[direction]["strict"].pessimistic
        count, width = len(groups.names), int(ranks.max()) + 1
        keys = codes * width + ranks
        order = np.argsort(keys, kind="stable")
        distinct, self._starts = np.unique(keys[order], return_index=True)
        self._clusters = clusters[order]
        self._ranks = distinct % width
        self._runs = np.searchsorted(distinct // width, np.arange(count + 1))
        self._gallery_size = table.gallery_size(direction)
        self._names = group_figure_names()
        self._once = once(table)
        self.queries = np.bincount(codes, minlength=count)
        num_clusters = len(table.query_videos("v2t"))
        pairs = np.unique(codes * num_clusters + clusters)
        self.clusters = np.bincount(pairs // num_clusters, minlength=count)

    def once(self) -> list[_Values]:
        """Compute the figures of each group of the run itself."""
        return self.values(self._once)

    def values(self, drawn: Draws) -> list[_Values]:
        """Compute the figures of each group for some draws of videos (B x C).

        A draw without a query of the group gives NaN; a group without queries gives no figures.
        """
        counts = add_up(drawn, self._clusters, self._starts)
        group_values: list[_Values] = []
        for start, stop in zip(self._runs[:-1], self._runs[1:], strict=True):
            part = counts[:, start:stop]
            present = part.sum(axis=1) > 0
            values: _Values = {}
            if stop > start:
                part = part if present.all() else part[present]
                ranks = self._ranks[start:stop]
                figures = compute_named(self._names, ranks, part, self._gallery_size)
                for name, column in figures.items():
                    values[name] = np.full(len(drawn), np.nan)
                    values[name][present] = column
            group_values.append(values)
        return group_values


def _mean(runs: list[list[_Values]]) -> list[_Values]:
    """Average the figures of several runs, group by group."""
    return [
        {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
        for parts in zip(*runs, strict=True)
    ]


def _joined(runs: list[list[_Values]]) -> list[_Values]:
    """Join the runs of resamples, group by group."""
    return [
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*runs, strict=True)
    ]


def _figure(
    name: str,
    value: float,
    values: NDArray[np.float64],
    clusters: int,
    config: BootstrapConfig,
) -> GroupFigure:
    defined = values[~np.isnan(values)]
    if clusters < FEWEST_VIDEOS or not len(defined):
        return GroupFigure(value, None, None)
    ends = figure_interval(value, defined, full_share(name), clusters, config.level)
    return GroupFigure(value, *ends)


def _change(
    name: str,
    values: tuple[float, float],
    moved: NDArray[np.float64],
    clusters: int,
    config: BootstrapConfig,
) -> GroupChange:
    first, second = values
    defined = moved[~np.isnan(moved)]
    if clusters < FEWEST_VIDEOS or not len(defined):
        return GroupChange(first, second, second - first, None, None, None)
    low, high = difference_interval(values, defined, full_share(name), clusters, config.level)
    return GroupChange(first, second, second - first, low, high, two_sided_p_value(defined))
