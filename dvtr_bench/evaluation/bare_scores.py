"""Figures of a sim_matrix given as an array, without a dataset, ids or a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.ranking import count_blocks
from dvtr_bench.ranking import DIRECTIONS, Direction, RelevanceKind
from dvtr_bench.ranking.blocks import Grid
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import Figure, Figures, compute_figures, left_out
from dvtr_bench.ranking.ranks import RankCounter
from dvtr_bench.ranking.relevance import Relevance

if TYPE_CHECKING:
    import pandas as pd

    from dvtr_bench.ranking.blocks import Block
    from dvtr_bench.ranking.rank_table import RankTable

Scores: TypeAlias = "torch.Tensor | ArrayLike"
"""captions x videos, higher is better."""

_NAME: Final = "sim_matrix"


@dataclass(frozen=True, eq=False)
class ScoreFigures:
    """The figures of a sim_matrix by the recall protocol.

    Attributes:
        table: The ranks of all queries.
        figures: Figures by direction (``both`` for mR and RSum), relevance and name.
        left_out: Figures that are not defined for so small a gallery, one sentence each.
        bootstrap: How the intervals were computed.
    """

    table: "RankTable"
    figures: Figures
    left_out: tuple[str, ...]
    bootstrap: BootstrapConfig

    @property
    def t2v(self) -> Mapping[str, Figure]:
        """Captions as queries for videos: figures under strict relevance, by name."""
        return self.figures["t2v"]["strict"]

    @property
    def v2t(self) -> Mapping[str, Figure]:
        """Videos as queries for caption sets: figures under strict relevance, by name."""
        return self.figures["v2t"]["strict"]

    @property
    def v2t_caption(self) -> Mapping[str, Figure]:
        """Videos as queries for single captions: figures under strict relevance, by name."""
        return self.figures["v2t_caption"]["strict"]

    def ranks(
        self, direction: Direction = "t2v", relevance: RelevanceKind = "strict"
    ) -> NDArray[np.int64]:
        """Return the rank of every query; ties count against the model.

        Args:
            direction: ``t2v``, ``v2t`` or ``v2t_caption``.
            relevance: ``strict`` or ``text_identical``.

        Returns:
            int64, from 1: one a caption for t2v, otherwise one a video with captions.
        """
        return self.table.ranks[direction][relevance].pessimistic

    def to_frame(self) -> "pd.DataFrame":
        """Return all figures as a data frame, one a row.

        Returns:
            Columns direction, relevance, metric, value, low, high.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "direction": direction,
                "relevance": relevance,
                "metric": name,
                "value": figure.value,
                "low": figure.low,
                "high": figure.high,
            }
            for direction, kinds in self.figures.items()
            for relevance, figures in kinds.items()
            for name, figure in figures.items()
        )

    def __repr__(self) -> str:
        """Show sizes, and R@1 of both directions."""
        recalls = ", ".join(
            f"{name.upper()} R@1 {figures['R@1'].value:.1f}"
            for name, figures in (("t2v", self.t2v), ("v2t", self.v2t))
        )
        return f"ScoreFigures({self._sizes()}: {recalls})"

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import figures_table

        about = f"{self.bootstrap.level:.0%} interval by bootstrap over videos below each figure"
        return figures_table(self.figures, title=self._sizes(), notes=(about, *self.left_out))

    def _sizes(self) -> str:
        captions = len(self.table.caption_video_index)
        return f"{captions:,} captions x {self.table.num_videos:,} videos"


def evaluate_scores(
    sim_matrix: Scores,
    caption_video_index: Sequence[int] | ArrayLike,
    *,
    captions: Sequence[str] | None = None,
    bootstrap: BootstrapConfig | None = None,
) -> ScoreFigures:
    """Compute every figure of the recall protocol from a matrix of scores.

    Ties count against the model, videos without captions stay in the gallery, and NaN is an error.
    For a result file for a leaderboard, use `evaluate_external`, which also checks ids.

    Args:
        sim_matrix: captions x videos, higher is better: a NumPy array, a tensor on any device, or
            nested lists. It is read block by block, so a memory-mapped array may be larger than
            memory.
        caption_video_index: For each caption (row), the column of its video, from 0.
        captions: The captions, verbatim. With them, under text-identical relevance, every video
            with the caption's text is relevant; without them, both kinds of relevance are equal.
        bootstrap: How to compute intervals; None for the protocol's settings.

    Returns:
        Figures with intervals for both directions.

    Raises:
        InputError: The shapes do not match, or an index is not that of a video.
        NotANumberError: A score is NaN.

    Example:
        >>> import numpy as np
        >>> import dvtr_bench as dvtr
        >>> sim_matrix = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
        >>> figures = dvtr.evaluate_scores(sim_matrix, caption_video_index=[0, 1, 1])
        >>> figures
        ScoreFigures(3 captions x 2 videos: T2V R@1 66.7, V2T R@1 100.0)
        >>> figures.t2v["MnR"].value
        1.3333333333333333
        >>> figures.ranks("t2v").tolist()
        [1, 1, 2]
    """
    config = bootstrap or BootstrapConfig()
    table = _rank(sim_matrix, caption_video_index, captions)
    return ScoreFigures(table, compute_figures(table, config), left_out(table), config)


def recall_at_k(
    sim_matrix: Scores,
    caption_video_index: Sequence[int] | ArrayLike,
    k: int = 1,
    *,
    direction: Direction = "t2v",
) -> float:
    """Return R@k of a matrix of scores, in percent.

    Args:
        sim_matrix: captions x videos, higher is better.
        caption_video_index: For each caption (row), the column of its video, from 0.
        k: Depth, from 1 to the size of the gallery.
        direction: ``t2v``: from captions to videos. ``v2t``: from videos to caption sets.
            ``v2t_caption``: from videos to single captions.

    Returns:
        Percentage of queries with a relevant candidate among the first k; ties count against the
        model.

    Raises:
        InputError: The shapes do not match, an index is not that of a video, there is no such
            direction, or k is larger than the gallery.
        NotANumberError: A score is NaN.

    Example:
        >>> import dvtr_bench as dvtr
        >>> scores = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.5]]
        >>> dvtr.recall_at_k(scores, [0, 1, 1, 1])
        50.0
        >>> dvtr.recall_at_k(scores, [0, 1, 1, 1], direction="v2t")
        100.0
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r}: expected one of {', '.join(DIRECTIONS)}")
    table = _rank(sim_matrix, caption_video_index, None)
    size = table.gallery_size(direction)
    if not 1 <= k <= size:
        raise InputError(f"R@{k} of {direction}: expected k from 1 to {size}, the gallery's size")
    return float(100.0 * (table.ranks[direction]["strict"].pessimistic <= k).mean())


def _rank(
    sim_matrix: Scores,
    caption_video_index: Sequence[int] | ArrayLike,
    captions: Sequence[str] | None,
) -> "RankTable":
    matrix = _as_matrix(sim_matrix)
    num_captions, num_videos = matrix.shape
    own = _as_index(caption_video_index, (num_captions, num_videos))
    if captions is not None and len(captions) != len(own):
        raise InputError(f"{len(captions)} captions for {len(own)} rows: expected one for each row")
    relevance = (
        Relevance(own, num_videos, np.arange(num_captions))
        if captions is None
        else Relevance.of(captions, own, num_videos)
    )
    counter = RankCounter(relevance, _NAME)
    sizes = EvaluationConfig()
    blocks = list(Grid(num_captions, num_videos, sizes.block_captions, sizes.block_videos))

    def score(block: "Block") -> torch.Tensor:
        return _as_tensor(matrix[block.captions, block.videos])

    count_blocks(counter, blocks, counter.wanted(blocks), score)
    return counter.table()


def _as_matrix(scores: Scores) -> "torch.Tensor | NDArray[Any]":
    matrix = scores.detach() if isinstance(scores, torch.Tensor) else np.asarray(scores)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(
            f"{_NAME} has shape {tuple(matrix.shape)}: expected two axes, captions x videos, none "
            "of them empty"
        )
    if matrix.dtype in (torch.complex64, torch.complex128) or (
        isinstance(matrix, np.ndarray) and matrix.dtype.kind not in "fiub"
    ):
        raise InputError(f"{_NAME} is of {matrix.dtype}: expected real numbers")
    return matrix


def _as_index(given: Sequence[int] | ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    array = given.cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"caption_video_index is {array.dtype} of shape {array.shape}: expected a list of "
            "whole numbers, for each caption the column of its own video"
        )
    if len(array) != shape[0]:
        hint = ". It looks transposed: pass sim_matrix.T" if len(array) == shape[1] else ""
        raise InputError(
            f"{_NAME} has shape {shape} (captions x videos) and caption_video_index "
            f"{len(array)} numbers: expected one for each of {shape[0]} captions{hint}"
        )
    return array.astype(np.int64)


def _as_tensor(part: "torch.Tensor | NDArray[Any]") -> torch.Tensor:
    if isinstance(part, torch.Tensor):
        return part if part.is_floating_point() else part.double()
    # A copy in native byte order, since torch cannot share a memory-mapped or read-only array.
    native = part.dtype.kind == "f" and part.dtype.itemsize in (2, 4, 8)
    dtype = part.dtype.newbyteorder("=") if native else np.dtype(np.float64)
    return torch.from_numpy(np.array(part, dtype=dtype, order="C"))
