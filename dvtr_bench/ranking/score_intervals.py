"""Intervals of figures at which the bootstrap has no width: no query is a hit, or every one is.

Every resample of such a run gives the same value, so its bootstrap interval would be a single
point, as if other test videos could change nothing. Wilson's score interval has a width there.

The number of trials is the number of *videos*, not of queries. Captions of one video are not
independent, and where all outcomes are equal nothing in the data says how dependent they are. The
number of videos is right if all captions of a video are hits together, and cautious otherwise.

Sources: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927);
Newcombe, "Improved Confidence Intervals for the Difference Between Binomial Proportions Based on
Paired Data" (1998), method 10, whose correlation term is left out: it is not defined here.
"""

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.ranking.bootstrap import interval


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
