"""The inner loops of exact ranking, compiled: one pass over a block of scores.

Counted by array operations, a block is read and written many times over, which takes as long as the
matrix product that made it. Compiled, every score is compared where it lies, at a few percent of
the product's time on one core. Scores on a GPU come here block by block.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.runtime.compiled import compiled

Hits = NDArray[np.uint8]
"""uint8, sets x columns: 1 where a caption of the set competes."""


@compiled
def count_block(
    scores: NDArray[Any],
    best_of_rows: NDArray[Any],
    best_of_columns: NDArray[Any],
    best_of_sets: NDArray[Any],
    set_of_rows: NDArray[np.int64],
    at_least: tuple[NDArray[np.int64], NDArray[np.int64], Hits],
    above: tuple[NDArray[np.int64], NDArray[np.int64], Hits],
) -> int:
    """Compare every score of a block with the thresholds of its row and of its column.

    Args:
        scores: float32 or float64, R x C.
        best_of_rows: As the scores, R: thresholds of single videos.
        best_of_columns: As the scores, C: thresholds of single captions.
        best_of_sets: As the scores, C: thresholds of caption sets.
        set_of_rows: int64, R: place of each row's caption set in the hits.
        at_least: int64, R and C: the scores that reach their threshold are added; uint8, sets x C:
            set to 1 where one of the set's does.
        above: The same for scores above their threshold.

    Returns:
        Number of NaN scores; NaN reaches no threshold.
    """
    height, width = scores.shape
    # Half as wide as the sums that they are added to: they are read and written for every score.
    columns_reached = np.zeros(width, np.int32)
    columns_passed = np.zeros(width, np.int32)
    nans = 0
    for row in range(height):
        line = scores[row]
        best = best_of_rows[row]
        reached = passed = missing = np.int32(0)
        for column in range(width):
            score = line[column]
            reached += np.int32(score >= best)
            passed += np.int32(score > best)
            missing += np.int32(score != score)
        at_least[0][row] += reached
        above[0][row] += passed
        nans += int(missing)
        for column in range(width):
            score = line[column]
            columns_reached[column] += np.int32(score >= best_of_columns[column])
            columns_passed[column] += np.int32(score > best_of_columns[column])
        set_reached = at_least[2][set_of_rows[row]]
        set_passed = above[2][set_of_rows[row]]
        for column in range(width):
            score = line[column]
            set_reached[column] |= np.uint8(score >= best_of_sets[column])
            set_passed[column] |= np.uint8(score > best_of_sets[column])
    at_least[1][:] += columns_reached
    above[1][:] += columns_passed
    return nans


@compiled
def take_greatest(
    best: NDArray[np.float64], places: NDArray[np.int64], values: NDArray[Any]
) -> None:
    """Raise numbers to the greatest of the values that belong to them; NaN raises none.

    Args:
        best: float64, N: raised in place.
        places: int64, n: which of them each value belongs to, in 0..N-1.
        values: float32 or float64, n.
    """
    for index in range(len(places)):
        if values[index] > best[places[index]]:
            best[places[index]] = values[index]


@compiled
def add_up_sets(hits: Hits, wanted: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    """Add the sets that compete to the count of each column.

    Args:
        hits: uint8, sets x C.
        wanted: bool, sets: which sets to count.
        counts: int64, C: added to.
    """
    for row in range(hits.shape[0]):
        if wanted[row]:
            for column in range(hits.shape[1]):
                counts[column] += hits[row, column]
