"""Resamples of the videos: 95% intervals for every figure, and two runs compared in pairs.

Captions of one video are not independent, so whole videos are drawn, with replacement, and all
queries of a video with it. One draw serves every direction and every run on the same split: figures
that join both directions and differences between two runs come out of the same resamples.

The draws come from the raw stream of PCG64, which NumPy keeps fixed across versions, and interval
ends are order statistics, so a reader of a result file gets the same intervals to the last digit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError
from dvtr_bench.ranking.rank_table import RankTable

_ENTRIES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class BootstrapConfig:
    """How intervals are made.

    Attributes:
        resamples: Number of resamples.
        seed: Seed of the draws.
        level: Share of the resamples that an interval covers.
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        """Check that the interval's ends are resamples."""
        if self.resamples < 100 or self.seed < 0 or not 0 < self.level < 1:
            raise ConfigError(
                f"a bootstrap needs at least 100 resamples, a seed from 0 and a level between 0 "
                f"and 1, found {self}"
            )


def draws(num_videos: int, queries: int, config: BootstrapConfig) -> Iterator[NDArray[np.int32]]:
    """Draw videos with replacement, a run of resamples at a time.

    Args:
        num_videos: Videos to draw from, and to draw.
        queries: Most queries of one direction; keeps the work on a run of resamples bounded.
        config: Number of resamples and seed.

    Yields:
        int32, B x num_videos: how often each video was drawn in each resample.
    """
    stream = np.random.PCG64(config.seed)
    at_once = max(1, _ENTRIES_AT_ONCE // max(num_videos, queries))
    for start in range(0, config.resamples, at_once):
        rows = min(at_once, config.resamples - start)
        raw = stream.random_raw(rows * num_videos).reshape(rows, num_videos)
        drawn = ((raw >> np.uint64(32)) * np.uint64(num_videos)) >> np.uint64(32)
        places = drawn.astype(np.int64) + np.arange(rows)[:, None] * num_videos
        counts = np.bincount(places.ravel(), minlength=rows * num_videos)
        yield counts.reshape(rows, num_videos).astype(np.int32)


def video_draws(table: RankTable, config: BootstrapConfig) -> Iterator[NDArray[np.int32]]:
    """Draw the videos of a run that have captions, a run of resamples at a time.

    Args:
        table: Of the run.
        config: Number of resamples and seed.

    Yields:
        int32, B x V: how often each video was drawn; videos without captions never are.
    """
    clusters = table.query_videos("v2t")
    for draw in draws(len(clusters), len(table.caption_video_index), config):
        drawn = np.zeros((len(draw), table.num_videos), dtype=np.int32)
        drawn[:, clusters] = draw
        yield drawn


def interval(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the middle share of resampled values.

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
    """Return how easily resampling turns the sign of a difference.

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
