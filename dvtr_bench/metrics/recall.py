"""R@k: percent of queries whose best relevant candidate is among the first k."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

DEPTHS: Final = (1, 5, 10)
FIGURES: Final = tuple(f"R@{k}" for k in DEPTHS)
HIGHER_IS_BETTER: Final = True
PERCENT_OF_QUERIES: Final = True


def compute(
    ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
) -> dict[str, NDArray[np.float64]]:
    """Return R@1, R@5 and R@10, as far as the gallery is large enough.

    Args:
        ranks: int64, U: distinct ranks, ascending, from 1.
        counts: float64, B x U: queries at each rank, one row per resample; no row is all zero.
        gallery_size: Candidates of a query; R@k with k above it is not defined.

    Returns:
        float64, B, in percent, by figure.

    Example:
        >>> compute(np.array([1, 6]), np.array([[1.0, 3.0]]), gallery_size=8)
        {'R@1': array([25.]), 'R@5': array([25.])}

    Source: what information retrieval calls Success@k.
    """
    queries = counts.sum(axis=1)
    return {
        figure: 100.0 * counts[:, : np.searchsorted(ranks, k, side="right")].sum(axis=1) / queries
        for figure, k in zip(FIGURES, DEPTHS, strict=True)
        if k <= gallery_size
    }
