"""MdR: the median rank of the best relevant candidate, and MdR-lower, as CLIP4Clip has it.

They differ where the number of queries is even and the two middle ranks are not the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FIGURES: Final = ("MdR", "MdR-lower")
HIGHER_IS_BETTER: Final = False


def compute(
    ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
) -> dict[str, NDArray[np.float64]]:
    """Return the median rank, with the mean and with the lower of two middle ranks.

    Args:
        ranks: int64, U: distinct ranks, ascending, from 1.
        counts: float64, B x U: queries at each rank, one row a resample; no row is all zero.
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
    up_to = np.cumsum(counts, axis=1)
    queries = up_to[:, -1:]
    # Place p, from 0, of the sorted queries has the first rank that more than p queries reach.
    lower = (up_to <= (queries - 1) // 2).sum(axis=1)
    upper = (up_to <= queries // 2).sum(axis=1)
    return {
        "MdR": (ranks[lower] + ranks[upper]) / 2.0,
        "MdR-lower": ranks[lower].astype(np.float64),
    }
