"""MnR: the mean rank of the best relevant candidate."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FIGURES: Final = ("MnR",)
HIGHER_IS_BETTER: Final = False


def compute(
    ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
) -> dict[str, NDArray[np.float64]]:
    """Return the mean rank.

    Args:
        ranks: int64, U: distinct ranks, ascending, from 1.
        counts: float64, B x U: queries at each rank, one row per resample; no row is all zero.
        gallery_size: Candidates of a query; not used.

    Returns:
        float64, B, by figure.

    Example:
        >>> compute(np.array([1, 6]), np.array([[1.0, 1.0]]), gallery_size=8)
        {'MnR': array([3.5])}
    """
    return {"MnR": counts @ ranks / counts.sum(axis=1)}
