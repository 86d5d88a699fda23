"""The blocks (captions x videos) in which a sim_matrix is computed, and the ranks counted in them.

Columns come first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.rank_table import Indices, QueryRanks
from dvtr_bench.ranking.relevance import BlockSets, ColumnRelevance, Relevance
from dvtr_bench.runtime.cpu import compiled


@dataclass(frozen=True)
class Block:
    """One rectangle of the sim_matrix.

    Attributes:
        captions: Rows, as a slice with start and stop.
        videos: Columns, as a slice with start and stop.
    """

    captions: slice
    videos: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Number of captions and of videos."""
        return (
            self.captions.stop - self.captions.start,
            self.videos.stop - self.videos.start,
        )

    def __str__(self) -> str:
        """Both ranges, including the ends."""
        return (
            f"captions {self.captions.start}..{self.captions.stop - 1} x "
            f"videos {self.videos.start}..{self.videos.stop - 1}"
        )


@dataclass(frozen=True)
class Grid:
    """How captions x videos are cut into blocks.

    A score may differ in its last bit between blocks of different shapes, so every pass over the
    sim_matrix uses the same grid.

    Attributes:
        num_captions: T.
        num_videos: V.
        block_captions: Rows of a block; for a ``query_block`` model a multiple of its text block.
        block_videos: Columns of a block.
    """

    num_captions: int
    num_videos: int
    block_captions: int
    block_videos: int

    def __post_init__(self) -> None:
        """Check the sizes."""
        if min(self.num_captions, self.num_videos, self.block_captions, self.block_videos) < 1:
            raise ConfigError(f"every size of a grid must be at least 1: {self}")

    def __iter__(self) -> Iterator[Block]:
        """Yield every block once: all rows of the first columns, then all rows of the next."""
        for run in self.columns():
            yield from run

    def columns(self) -> Iterator[list[Block]]:
        """Yield for each run of columns its blocks, which together hold all rows."""
        for videos in cut(self.num_videos, self.block_videos):
            yield [
                Block(captions, videos) for captions in cut(self.num_captions, self.block_captions)
            ]

    def __len__(self) -> int:
        """Return the number of blocks."""
        rows = -(-self.num_captions // self.block_captions)
        return rows * -(-self.num_videos // self.block_videos)


def cut(count: int, size: int) -> Iterator[slice]:
    """Cut the range ``0..count`` into slices.

    Args:
        count: Number of items.
        size: Items per slice; the last one may be shorter.

    Yields:
        Slices with start and stop, in order.

    Example:
        >>> [(run.start, run.stop) for run in cut(5, 2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


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
        set_of_rows: int64, R: row of each caption's set in the hits.
        at_least: int64, R and C: the number of scores that reach their threshold is added; uint8,
            sets x C: set to 1 where a caption of the set reaches it.
        above: The same for scores above their threshold.

    Returns:
        Number of NaN scores; NaN reaches no threshold.
    """
    height, width = scores.shape
    # int32, half as wide as the sums, because they are read and written for every score.
    columns_reached = np.zeros(width, np.int32)
    columns_passed = np.zeros(width, np.int32)
    nans = 0
    for row in range(height):
        row_scores = scores[row]
        best = best_of_rows[row]
        reached = passed = missing = np.int32(0)
        for column in range(width):
            score = row_scores[column]
            reached += np.int32(score >= best)
            passed += np.int32(score > best)
            missing += np.int32(score != score)
        at_least[0][row] += reached
        above[0][row] += passed
        nans += int(missing)
        for column in range(width):
            score = row_scores[column]
            columns_reached[column] += np.int32(score >= best_of_columns[column])
            columns_passed[column] += np.int32(score > best_of_columns[column])
        set_reached = at_least[2][set_of_rows[row]]
        set_passed = above[2][set_of_rows[row]]
        for column in range(width):
            score = row_scores[column]
            set_reached[column] |= np.uint8(score >= best_of_sets[column])
            set_passed[column] |= np.uint8(score > best_of_sets[column])
    at_least[1][:] += columns_reached
    above[1][:] += columns_passed
    return nans


@compiled
def take_greatest(
    best: NDArray[np.float64], indices: NDArray[np.int64], values: NDArray[Any]
) -> None:
    """Set each number to its maximum with the values assigned to it; NaN is ignored.

    Args:
        best: float64, N: changed in place.
        indices: int64, n: the number that each value is assigned to, in 0..N-1.
        values: float32 or float64, n.
    """
    for position in range(len(indices)):
        if values[position] > best[indices[position]]:
            best[indices[position]] = values[position]


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


Scores: TypeAlias = NDArray[Any]

OpenSets: TypeAlias = list[tuple[Indices, tuple[Hits, Hits]]]
"""Caption sets that also have captions in other blocks (int64, n) and, for each assumption about
ties, whether a caption of the set competes (n x columns).
"""

ASSUMPTIONS: Final = ("pessimistic", "optimistic")
"""Whether scores equal to the best relevant one count as competitors (pessimistic) or not."""

_COMPARE: Final = (np.greater_equal, np.greater)


class Tally:
    """The counts of `dvtr_bench.ranking.ranks.RankCounter` for one kind of relevance.

    Attributes:
        best: By direction, float64, Q: the best relevant score of each query so far.
        counts: By direction, int64, 2 x Q: competitors of each query, one row per assumption about
            ties.
    """

    def __init__(self, relevance: Relevance) -> None:
        """Start without scores and competitors.

        Args:
            relevance: The relevance of the split.
        """
        queries: dict[Direction, int] = {
            "t2v": relevance.num_captions,
            "v2t": relevance.num_videos,
            "v2t_caption": relevance.num_videos,
        }
        self.best = {name: np.full(count, -np.inf) for name, count in queries.items()}
        self.counts = {name: np.zeros((2, count), np.int64) for name, count in queries.items()}

    def note(self, scores: Scores, block: Block, columns: ColumnRelevance) -> None:
        """Update the best relevant scores with those of a block."""
        rows, within = columns.captions(block.captions)
        values = scores[rows, within]
        take_greatest(self.best["t2v"][block.captions], rows, values)
        take_greatest(self.best["v2t_caption"][block.videos], within, values)
        rows, within = columns.captions_of_sets(block.captions)
        take_greatest(self.best["v2t"][block.videos], within, scores[rows, within])

    def count(
        self,
        scores: Scores,
        block: Block,
        columns: ColumnRelevance,
        sets: BlockSets,
        open_sets: OpenSets,
    ) -> int:
        """Add the competitors in a block to the counts.

        Args:
            scores: float32 or float64, captions x videos of the block.
            block: The block's position.
            columns: What is relevant in the block's columns.
            sets: The caption sets of the block's rows.
            open_sets: The open sets of the block's columns; appended to.

        Returns:
            Number of NaN scores.
        """
        # The best scores have this dtype originally, so the cast loses nothing.
        by_row = self.best["t2v"][block.captions].astype(scores.dtype)
        by_column, by_set = (
            self.best[name][block.videos].astype(scores.dtype) for name in ("v2t_caption", "v2t")
        )
        rows, within = columns.captions(block.captions)
        own_rows, own_columns = columns.captions_of_sets(block.captions)
        hits = tuple(np.zeros((len(sets.ids), len(by_set)), np.uint8) for _ in ASSUMPTIONS)
        row_counts = self.counts["t2v"][:, block.captions]
        column_counts = self.counts["v2t_caption"][:, block.videos]
        nans: int = count_block(
            scores,
            by_row,
            by_column,
            by_set,
            sets.set_indices,
            *((row_counts[tie], column_counts[tie], hits[tie]) for tie in (0, 1)),
        )
        own_scores = scores[rows, within]
        for tie, compare in enumerate(_COMPARE):
            if len(own_scores):
                row_counts[tie] -= _occurrences(
                    rows[compare(own_scores, by_row[rows])], len(by_row)
                )
                column_counts[tie] -= _occurrences(
                    within[compare(own_scores, by_column[within])], len(by_set)
                )
            hits[tie][sets.set_indices[own_rows], own_columns] = 0
            add_up_sets(hits[tie], sets.whole, self.counts["v2t"][tie, block.videos])
        if not sets.whole.all():
            others = ~sets.whole
            open_sets.append((sets.ids[others], (hits[0][others], hits[1][others])))
        return nans

    def close(self, open_sets: OpenSets, block: Block) -> None:
        """Count the sets that span several blocks, once every row of the columns was read."""
        if not open_sets:
            return
        sets, positions = np.unique(
            np.concatenate([ids for ids, _ in open_sets]), return_inverse=True
        )
        every = np.ones(len(sets), dtype=bool)
        for tie in (0, 1):
            hits = np.zeros((len(sets), block.shape[1]), np.uint8)
            np.maximum.at(hits, positions, np.concatenate([part[tie] for _, part in open_sets]))
            add_up_sets(hits, every, self.counts["v2t"][tie, block.videos])

    def ranks(self, direction: Direction, queries: Indices | None = None) -> QueryRanks:
        """Return the ranks of one direction."""
        rows = slice(None) if queries is None else queries
        return QueryRanks(*(1 + counts[rows] for counts in self.counts[direction]))


def _occurrences(indices: Indices, count: int) -> Indices:
    return np.bincount(indices, minlength=count)
