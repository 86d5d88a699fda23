"""Dual softmax and QB-Norm as they were published, on whole matrices: oracles for the fast code."""

import numpy as np


def dual_softmax(queries_by_candidates, inverse_temperature):
    """``sim * softmax(sim / temperature)`` over the queries, one candidate after the other."""
    sim = np.asarray(queries_by_candidates, dtype=np.float64)
    weighed = np.empty_like(sim)
    for candidate in range(sim.shape[1]):
        column = sim[:, candidate]
        powers = np.exp(inverse_temperature * (column - column.max()))
        weighed[:, candidate] = column * (powers / powers.sum())
    return weighed


def dynamic_inverted_softmax(queries_by_candidates, bank_by_candidates, inverse_temperature):
    """The quotient, not its logarithm, for queries whose best candidate the bank finds too."""
    sim = np.asarray(queries_by_candidates, dtype=np.float64)
    bank = np.asarray(bank_by_candidates, dtype=np.float64)
    hubs = {int(line.argmax()) for line in bank}
    given = [float(np.exp(inverse_temperature * column).sum()) for column in bank.T]
    normalised = sim.copy()
    for query, line in enumerate(sim):
        if int(line.argmax()) in hubs:
            for candidate, score in enumerate(line):
                normalised[query, candidate] = (
                    np.exp(inverse_temperature * score) / given[candidate]
                )
    return normalised


def both_ways(way, sim_matrix, *banks, inverse_temperature):
    """Matrices captions x videos that t2v and v2t are ranked by.

    ``banks`` are training captions x videos and captions x training videos, for QB-Norm.
    """
    t2v, v2t = (banks[0], banks[1].T) if banks else (None, None)
    extra = [[] if bank is None else [bank] for bank in (t2v, v2t)]
    return (
        way(sim_matrix, *extra[0], inverse_temperature),
        way(sim_matrix.T, *extra[1], inverse_temperature).T,
    )
