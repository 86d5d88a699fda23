"""Bootstrap over videos: intervals for every figure, and paired comparisons of two runs.

Captions of one video are not independent, so whole videos are drawn with replacement, each with all
its queries. All directions and all runs on a split use the same draws: figures that join both
directions and differences between two runs are computed on the same resamples.

The draws come from the raw stream of PCG64, which NumPy keeps fixed across versions, and interval
ends are order statistics, so a reader of a result file gets the same intervals to the last digit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import NormalDist
from typing import Annotated, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dvtr_bench.errors import ConfigError
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.reading.json_records import Count
from dvtr_bench.runtime.cpu import compiled_when_called

MOST_RESAMPLES: Final = 100_000

_ENTRIES_AT_ONCE = 1 << 22

Draws: TypeAlias = NDArray[np.int16] | NDArray[np.int32]
"""How often each video was drawn: int16 if it holds every count, which halves the memory read."""


@dataclass(frozen=True)
class BootstrapConfig:
    """Settings of the bootstrap.

    Attributes:
        resamples: Number of resamples.
        seed: Seed of the draws.
        level: Share of the resamples that an interval covers.
    """

    resamples: Annotated[int, Field(ge=100, le=MOST_RESAMPLES)] = 1000
    seed: Count = 0
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95

    def __post_init__(self) -> None:
        """Check that there are enough resamples for the interval, and not too many."""
        if not 100 <= self.resamples <= MOST_RESAMPLES or self.seed < 0 or not 0 < self.level < 1:
            raise ConfigError(
                f"a bootstrap needs 100 to {MOST_RESAMPLES:,} resamples, a seed from 0 and a level "
                f"between 0 and 1, found {self}"
            )


def draws(num_videos: int, queries: int, config: BootstrapConfig) -> Iterator[Draws]:
    """Draw videos with replacement, many resamples at a time.

    Args:
        num_videos: Number of videos to draw from, and to draw.
        queries: Most queries of one direction; bounds the number of resamples at a time.
        config: Number of resamples and seed.

    Yields:
        B x num_videos, read-only, in Fortran order: how often each video was drawn in each
        resample.
    """
    at_once = max(1, _ENTRIES_AT_ONCE // max(num_videos, queries))
    if at_once >= config.resamples:
        yield _all_draws(num_videos, config)
        return
    stream = np.random.PCG64(config.seed)
    for start in range(0, config.resamples, at_once):
        yield _next_draws(stream, min(at_once, config.resamples - start), num_videos)


@lru_cache(maxsize=4)
def _all_draws(num_videos: int, config: BootstrapConfig) -> Draws:
    """Draw all resamples at once; all runs on a split share them."""
    return _next_draws(np.random.PCG64(config.seed), config.resamples, num_videos)


def _next_draws(stream: np.random.PCG64, rows: int, num_videos: int) -> Draws:
    raw = stream.random_raw(rows * num_videos).reshape(rows, num_videos)
    drawn = ((raw >> np.uint64(32)) * np.uint64(num_videos)) >> np.uint64(32)
    flat_indices = drawn.astype(np.int64) * rows + np.arange(rows)[:, None]
    counts = np.bincount(flat_indices.ravel(), minlength=rows * num_videos).reshape(
        num_videos, rows
    )
    fits = num_videos <= np.iinfo(np.int16).max
    draws: Draws = counts.astype(np.int16) if fits else counts.astype(np.int32)
    draws.setflags(write=False)
    return draws.T


def video_draws(table: RankTable, config: BootstrapConfig) -> Iterator[Draws]:
    """Draw the videos of a run that have captions, many resamples at a time.

    Args:
        table: Ranks of the run.
        config: Number of resamples and seed.

    Yields:
        B x C, read-only, in Fortran order: how often each of the C videos that have captions was
        drawn; columns as in `RankTable.query_clusters`.
    """
    yield from draws(len(table.query_videos("v2t")), len(table.caption_video_index), config)


def once(table: RankTable) -> Draws:
    """Return the draw that contains every video with captions once: the run itself.

    Args:
        table: Ranks of the run.

    Returns:
        int16, 1 x C.
    """
    return np.ones((1, len(table.query_videos("v2t"))), dtype=np.int16)


def add_up(
    drawn: Draws, clusters: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Count the queries in each run of queries, each as often as its video was drawn.

    Args:
        drawn: int16 or int32, B x C: how often each video was drawn.
        clusters: int64, Q: the video of each query, by place.
        starts: int64, U: where each run of queries begins, ascending from 0; no run is empty.

    Returns:
        float64, B x U, in Fortran order.

    Example:
        >>> add_up(np.array([[2, 1]], np.int16), np.array([0, 1, 1]), np.array([0, 2]))
        array([[3., 1.]])
    """
    sums = np.empty((len(starts), len(drawn)))
    _add_up_runs(np.ascontiguousarray(drawn.T), clusters, starts, sums)
    return sums.T


@compiled_when_called
def _add_up_runs(
    drawn: Draws,
    clusters: NDArray[np.int64],
    starts: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    """Add up, for all resamples, how often the videos of each run of queries were drawn.

    Args:
        drawn: int16 or int32, C x B: how often each video was drawn in each resample.
        clusters: int64, Q: the video of each query, by place.
        starts: int64, U: where each run begins, ascending from 0.
        sums: float64, U x B: written to.
    """
    resamples = drawn.shape[1]
    total = np.zeros(resamples, np.int32)
    for run in range(len(starts)):
        stop = starts[run + 1] if run + 1 < len(starts) else len(clusters)
        total[:] = 0
        for query in range(starts[run], stop):
            row = drawn[clusters[query]]
            for resample in range(resamples):
                total[resample] += row[resample]
        for resample in range(resamples):
            sums[run, resample] = total[resample]


def interval(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the interval that covers the middle share of resampled values.

    Args:
        values: float64, B: one value a resample.
        level: Share that the interval covers.

    Returns:
        Its two ends, each one of the values (percentile method).

    Example:
        >>> interval(np.arange(1.0, 1001.0), level=0.95)
        (26.0, 975.0)
    """
    ordered = np.sort(values)
    outside = int(len(ordered) * (1.0 - level) / 2.0 + 1e-9)
    return float(ordered[outside]), float(ordered[len(ordered) - 1 - outside])


def two_sided_p_value(differences: NDArray[np.float64]) -> float:
    """Return the two-sided bootstrap p-value of a difference.

    Args:
        differences: float64, B: the difference in each resample.

    Returns:
        Twice the smaller share of resamples on either side of zero, each share counted as
        (1 + n) / (1 + B), at most 1; 1 for two equal runs.

    Example:
        >>> two_sided_p_value(np.full(999, 0.5))
        0.002
    """
    below = 1 + int((differences <= 0).sum())
    above = 1 + int((differences >= 0).sum())
    return min(1.0, 2.0 * min(below, above) / (1 + len(differences)))


@cache
def squared_quantile(level: float) -> float:
    """Return the square of the normal quantile of a two-sided interval.

    Args:
        level: Share that the interval covers.

    Example:
        >>> round(squared_quantile(0.95), 4)
        3.8415
    """
    quantile = NormalDist().inv_cdf(0.5 + level / 2.0)
    return quantile * quantile


def is_at_bound(value: float, full: float | None) -> bool:
    """Tell whether a figure says that no query is a hit, or that every one is.

    Args:
        value: The figure.
        full: Its value if every query is a hit; None for a figure that is no share of queries.
    """
    return full is not None and value in (0.0, full)


def bound_interval(value: float, full: float, videos: int, level: float) -> tuple[float, float]:
    """Return Wilson's interval of a figure at its lowest or highest value.

    Args:
        value: 0 or ``full``.
        full: The figure's value if every query is a hit, such as 100.
        videos: Number of videos that have queries.
        level: Share that the interval covers.

    Returns:
        Its two ends; one of them is ``value``.

    Example:
        >>> bound_interval(0.0, 100.0, videos=96, level=0.95)
        (0.0, 3.8475...)
    """
    square = squared_quantile(level)
    width = full * square / (videos + square)
    return (0.0, width) if value == 0.0 else (full - width, full)


def figure_interval(
    value: float, resampled: NDArray[np.float64], full: float | None, videos: int, level: float
) -> tuple[float, float]:
    """Return the interval of a figure: by bootstrap, or by Wilson where that has no width.

    Args:
        value: The figure of the run itself.
        resampled: float64, B: its value in each resample.
        full: Its value if every query is a hit; None for a figure that is no share of queries.
        videos: Number of videos that have queries.
        level: Share that the interval covers.

    Returns:
        Its two ends.
    """
    if full is not None and is_at_bound(value, full):
        return bound_interval(value, full, videos, level)
    return interval(resampled, level)


def difference_interval(
    values: tuple[float, float],
    moved: NDArray[np.float64],
    full: float | None,
    videos: int,
    level: float,
) -> tuple[float, float]:
    """Return the interval of a difference: by bootstrap, or by Newcombe where that has no width.

    Args:
        values: The figure of the first and of the second run.
        moved: float64, B: second - first in each resample.
        full: The figure's value if every query is a hit; None for a figure that is no share.
        videos: Number of videos that have queries.
        level: Share that the interval covers.

    Returns:
        Its two ends.
    """
    first, second = values
    if full is None or not (is_at_bound(first, full) and is_at_bound(second, full)):
        return interval(moved, level)
    first_low, first_high = bound_interval(first, full, videos, level)
    second_low, second_high = bound_interval(second, full, videos, level)
    below = _length(second - second_low, first_high - first)
    above = _length(second_high - second, first - first_low)
    return second - first - below, second - first + above


def _length(one: float, other: float) -> float:
    """Return the root of the sum of squares; written out, since the site computes the same."""
    return math.sqrt(one * one + other * other)
