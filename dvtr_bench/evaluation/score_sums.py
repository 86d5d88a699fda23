"""Sums of exponentials along the axes of a sim_matrix, block by block (softmax denominators).

Every sum is computed in float64 and in the same order for any number of processes: that of a video
by the process with its columns, that of a caption column by column from left to right. So ranks are
exactly the same, and equal columns or rows stay equal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from dvtr_bench.evaluation.ranking import ScoreSource
    from dvtr_bench.ranking.blocks import Block
    from dvtr_bench.runtime.processes import Processes

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogSums:
    """Logarithms of sums of ``exp(inverse_temperature * score)``, one an item.

    The greatest score is stored separately, so that no precision is lost if one score dominates the
    sum.

    Attributes:
        inverse_temperature: Factor of scores.
        greatest: float64, N: the greatest score of each item; -inf before anything was added.
        excess: float64, N: the logarithm of the sum minus that of its greatest term.
    """

    inverse_temperature: float
    greatest: Floats
    excess: Floats

    @classmethod
    def empty(cls, inverse_temperature: float, count: int) -> "LogSums":
        """Return empty sums of ``count`` items."""
        return cls(inverse_temperature, np.full(count, -np.inf), np.full(count, -np.inf))

    @classmethod
    def of(cls, inverse_temperature: float, scores: Floats, axis: int) -> "LogSums":
        """Sum finite scores over an axis of a block."""
        greatest = scores.max(axis, keepdims=True)
        total = np.exp(inverse_temperature * (scores - greatest)).sum(axis)
        return cls(inverse_temperature, greatest.squeeze(axis), np.log(total))

    def add(self, other: "LogSums", places: slice = slice(None)) -> None:
        """Add other sums to those of some items."""
        greatest = np.maximum(self.greatest[places], other.greatest)
        self.excess[places] = np.logaddexp(
            self.excess[places] + self.inverse_temperature * (self.greatest[places] - greatest),
            other.excess + self.inverse_temperature * (other.greatest - greatest),
        )
        self.greatest[places] = greatest

    def log_shares(self, scores: Floats, places: slice, axis: int) -> Floats:
        """Return the logarithm of each score's share of its item's sum.

        Args:
            scores: float64, captions x videos of a block.
            places: The items along the block's other axis.
            axis: The axis of summation: 0 for sums of videos, 1 for sums of captions.

        Returns:
            float64, captions x videos.
        """
        shares: Floats = scores - np.expand_dims(self.greatest[places], axis)
        shares *= self.inverse_temperature
        shares -= np.expand_dims(self.excess[places], axis)
        return shares


@dataclass(frozen=True, eq=False)
class SumsBothWays:
    """The sums along both axes of a sim_matrix.

    Attributes:
        of_videos: V sums over the captions; empty if not requested.
        of_captions: T sums over the videos; empty if not requested.
    """

    of_videos: LogSums
    of_captions: LogSums


def log_sums(
    source: "ScoreSource",
    inverse_temperature: float,
    *,
    of_videos: bool,
    of_captions: bool,
    processes: "Processes",
    caption_rows: NDArray[np.int64] | None = None,
    watch: Sequence[Callable[[torch.Tensor, "Block"], None]] = (),
    label: str,
    show_progress: bool,
) -> SumsBothWays:
    """Compute the sums of a sim_matrix in one pass.

    Args:
        source: The scores.
        inverse_temperature: Factor of scores before the exponential.
        of_videos: Whether to sum over the captions, for each video.
        of_captions: Whether to sum over the videos, for each caption.
        processes: The processes that share the columns.
        caption_rows: int64, T: the rows by which a message names captions; None for their rows
            among the scores.
        watch: Functions called with every block that this process scores.
        label: Label of the progress bar.
        show_progress: Whether to show a progress bar.

    Returns:
        The sums, the same in every process.

    Raises:
        InputError: A score is infinite or not a number.
    """
    grid = source.grid
    sums = SumsBothWays(
        LogSums.empty(inverse_temperature, grid.num_videos),
        LogSums.empty(inverse_temperature, grid.num_captions),
    )
    runs = list(grid.columns())
    mine = processes.mine(runs)
    rounds = -(-len(runs) // processes.count)
    with progress_bar(label, sum(map(len, mine)), enabled=show_progress) as advance:
        for number in range(rounds):
            part = LogSums.empty(inverse_temperature, grid.num_captions)
            run = mine[number] if number < len(mine) else []
            for block in run:
                scores = source.score(block)
                for see in watch:
                    see(scores, block)
                values = _finite(scores, source.name, block, caption_rows)
                if of_videos:
                    sums.of_videos.add(LogSums.of(inverse_temperature, values, 0), block.videos)
                if of_captions:
                    part.add(LogSums.of(inverse_temperature, values, 1), block.captions)
                advance()
            if of_captions:
                for other in processes.gathered(part if run else None):
                    if other is not None:
                        sums.of_captions.add(other)
    # What another process summed is -inf here.
    whole = (sums.of_videos.greatest, sums.of_videos.excess)
    processes.take_greatest([torch.from_numpy(one) for one in whole])
    return sums


def _finite(
    scores: torch.Tensor, name: str, block: "Block", caption_rows: NDArray[np.int64] | None
) -> Floats:
    values: Floats = scores.cpu().double().numpy()
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        caption = block.captions.start + row
        raise InputError(
            f"{name}: the score of caption "
            f"{caption if caption_rows is None else caption_rows[caption]} and video "
            f"{block.videos.start + column} (rows from 0) is {values[row, column]}: "
            "post-processing adds up exponentials of all scores, which must be finite"
        )
    return values
