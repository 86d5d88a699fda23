"""A FAISS index over one vector an item.

The index is flat: it looks at every vector, so its order is that of brute force. It is built anew
for each search and not stored: copying 50,000 vectors of 512 numbers into it takes a tenth of a
second, less than reading a stored index would.
"""

from typing import TYPE_CHECKING

import numpy as np

from dvtr_bench.runtime.faiss_library import load_faiss

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


class VectorIndex:
    """Finds the vectors with the largest inner product.

    Args:
        vectors: float, N x C, at least one.

    Example:
        >>> import torch
        >>> VectorIndex(torch.eye(3)).nearest(torch.tensor([0.1, 0.9, 0.5]), 2).tolist()
        [1, 2]
    """

    def __init__(self, vectors: "torch.Tensor") -> None:
        """Copy the vectors into the index."""
        array = _as_float32(vectors)
        self._index = load_faiss().IndexFlatIP(array.shape[1])
        self._index.add(array)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def nearest(self, query: "torch.Tensor", count: int) -> "NDArray[np.int64]":
        """Return the rows whose inner product with a vector is largest, best first.

        Args:
            query: float, C.
            count: How many rows, at most.

        Returns:
            int64 rows; fewer where there are fewer vectors.
        """
        _, rows = self._index.search(_as_float32(query)[None], min(count, len(self)))
        found: NDArray[np.int64] = rows[0]
        return found[found >= 0]  # FAISS fills up with -1 where products are NaN


def _as_float32(vectors: "torch.Tensor") -> "NDArray[np.float32]":
    return np.ascontiguousarray(vectors.detach().float().cpu().numpy())
