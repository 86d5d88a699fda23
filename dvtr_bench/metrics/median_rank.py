"""MdR: the median rank of the best relevant candidate, and MdR-lower, as CLIP4Clip has it.

They differ if the number of queries is even and the two middle ranks are not equal.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.runtime.cpu import compiled_when_called

FIGURES: Final = ("MdR", "MdR-lower")
HIGHER_IS_BETTER: Final = False


def compute(
    ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
) -> dict[str, NDArray[np.float64]]:
    """Return the median rank, with the mean and with the lower of two middle ranks.

    Args:
        ranks: int64, U: distinct ranks, ascending, from 1.
        counts: float64, B x U: queries at each rank, one row per resample; no row is all zero.
        gallery_size: Candidates of a query; not used.

    Returns:
        float64, B, by figure.

    Example:
        >>> compute(np.array([1, 6]), np.array([[1.0, 1.0], [1.0, 2.0]]), gallery_size=8)
        {'MdR': array([3.5, 6. ]), 'MdR-lower': array([1., 6.])}

    Source: CLIP4Clip's evaluation takes the mean of the two middle ranks (``MdR``), but the lower
    one (``MdR-lower``) for T2V when several captions share a video. differs: ``MdR`` is the median
    of every table here, ``MdR-lower`` stands beside it.
    """
    queries = counts.sum(axis=1)
    lower, upper = np.zeros((2, len(queries)), np.int64)
    _count_ranks_before(np.ascontiguousarray(counts.T), queries, lower, upper)
    return {
        "MdR": (ranks[lower] + ranks[upper]) / 2.0,
        "MdR-lower": ranks[lower].astype(np.float64),
    }


@compiled_when_called
def _count_ranks_before(
    counts: NDArray[np.float64],
    queries: NDArray[np.float64],
    lower: NDArray[np.int64],
    upper: NDArray[np.int64],
) -> None:
    """Count the ranks before those of the middle two queries, for each resample.

    The middle two of n queries, counted from 0, are (n - 1) // 2 and n // 2: the same for an odd n.
    Counts are integers, so they can be compared without rounding down.

    Args:
        counts: float64, U x B.
        queries: float64, B: number of queries.
        lower: int64, B: count for the first of the two; added to.
        upper: int64, B: count for the second of the two; added to.
    """
    up_to = np.zeros(counts.shape[1])
    for rank in range(counts.shape[0]):
        for row in range(counts.shape[1]):
            up_to[row] += counts[rank, row]
            lower[row] += up_to[row] <= (queries[row] - 1) / 2
            upper[row] += up_to[row] <= queries[row] / 2
