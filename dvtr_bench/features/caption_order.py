"""The order in which a model is given the captions of a split: the harness's own.

In file order, the captions of a video are neighbours and stand as their videos do. A model that
remembers the order of its calls would know which belong together without looking at either.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import canonical_json

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

Rows = NDArray[np.int64]


def order_generator(split: "RetrievalSplit", seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of random orders, the same for the same arguments on every machine.

    Args:
        split: The split.
        seed: A seed. Whoever runs the model of somebody else chooses one that the other cannot
            have known.
        purpose: What the order is for: different purposes give independent orders.

    Returns:
        The generator.
    """
    facts = [seed, split.fingerprint, split.name, purpose]
    return np.random.default_rng(list(hashlib.sha256(canonical_json(facts)).digest()))


def caption_order(split: "RetrievalSplit", seed: int) -> Rows:
    """Return the order in which a model encodes the captions of a split.

    Args:
        split: The split.
        seed: As for `order_generator`.

    Returns:
        int64, T: rows of the captions, all in random order.
    """
    return order_generator(split, seed, "encode").permutation(len(split.captions))
