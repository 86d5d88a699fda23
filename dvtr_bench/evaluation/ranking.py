"""Scoring and ranking of a sim_matrix block by block, in one process or several.

A model scores every block by the same call, so that ranks depend on no size of blocks.
"""

import copy
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import torch

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.top_candidates import Best, TopCandidates
from dvtr_bench.features.encode import encode_batch, select_rows
from dvtr_bench.features.late import LateFeatures
from dvtr_bench.models.retriever import features_in
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.blocks import Block, Grid, cut
from dvtr_bench.ranking.ranks import NanCount, RankCounter
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Retriever
    from dvtr_bench.ranking.rank_table import RankTable
    from dvtr_bench.ranking.relevance import Relevance


_VIDEOS_AT_ONCE: Final = 16
"""Videos whose frames are in memory, where these are read when they are scored."""


class Scorer:
    """Scores blocks of captions x videos.

    Attributes:
        retriever: The model.
        texts: Features of all captions.
        videos: Features of all videos.
        grid: How captions x videos are divided into blocks.
        text_block: Number of texts scored together; 1 for a ``pairwise`` model.
    """

    def __init__(
        self,
        retriever: "Retriever",
        texts: "Features",
        videos: "Features",
        *,
        text_block: int,
        block_captions: int,
        block_videos: int,
    ) -> None:
        """Divide captions x videos into blocks.

        Args:
            retriever: The model.
            texts: Features of T captions.
            videos: Features of V videos.
            text_block: Number of texts that the model scores together; blocks have a multiple of it
                as rows.
            block_captions: Most rows of a block, unless the text block is larger.
            block_videos: Columns of a block.
        """
        self.retriever = retriever
        self.texts = texts
        self.videos = videos
        self.text_block = text_block
        self.grid = Grid(
            _length(texts),
            _length(videos),
            rows_of_block(block_captions, text_block),
            block_videos,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.retriever.name

    def scored_by(self, retriever: "Retriever") -> "Scorer":
        """Return a scorer of the same features and grid with another model."""
        other = copy.copy(self)
        other.retriever = retriever
        return other

    def in_direction(self, direction: str) -> "Scorer":
        """Return a scorer of the features by which a direction is scored."""
        return self.with_features(
            features_in(self.retriever, self.texts, direction),
            features_in(self.retriever, self.videos, direction),
        )

    def with_features(self, texts: "Features", videos: "Features") -> "Scorer":
        """Return a scorer with the same model, text block and block sizes for other features."""
        return Scorer(
            self.retriever,
            texts,
            videos,
            text_block=self.text_block,
            block_captions=self.grid.block_captions,
            block_videos=self.grid.block_videos,
        )

    def score(self, block: Block) -> torch.Tensor:
        """Score a block of the grid.

        Args:
            block: The block.

        Returns:
            float, captions x videos.

        Raises:
            InputError: The model returned another shape or dtype.
        """
        return self.score_features(
            select_rows(self.texts, block.captions), select_rows(self.videos, block.videos)
        )

    def score_features(self, texts: "Features", videos: "Features") -> torch.Tensor:
        """Score features in one call, or videos that are read when they are scored in several.

        Args:
            texts: Features of T texts.
            videos: Features of V videos.

        Returns:
            float, T x V.

        Raises:
            InputError: The model returned another shape or dtype.
        """
        with torch.no_grad():
            scores = self._scored(texts, videos)
        expected = (_length(texts), _length(videos))
        if tuple(scores.shape) != expected or not scores.is_floating_point():
            raise InputError(
                f"{self.retriever.name}: score returned {scores.dtype} of shape "
                f"{tuple(scores.shape)}: expected floats, {expected} (captions x videos)"
            )
        return scores

    def _scored(self, texts: "Features", videos: "Features") -> torch.Tensor:
        model = self.retriever
        if isinstance(texts, LateFeatures):
            where = f"{model.name}: encode_texts"
            texts = encode_batch(model.encode_texts, texts.read(), texts.count, where)
        if not isinstance(videos, LateFeatures):
            return model.score(texts, videos)
        where = f"{model.name}: encode_videos"
        parts = []
        for run in cut(videos.count, _VIDEOS_AT_ONCE):
            part = videos.select(run)
            frames = encode_batch(model.encode_videos, part.read(), part.count, where)
            parts.append(model.score(texts, frames))
        return torch.cat(parts, dim=1)


def rows_of_block(block_captions: int, text_block: int) -> int:
    """Return the rows of a block of the sim_matrix: whole text blocks, at least one.

    Args:
        block_captions: Most rows of a block, unless the text block is larger.
        text_block: Texts that the model scores together.
    """
    return max(1, block_captions // text_block) * text_block


def _length(features: "Features") -> int:
    return next(iter(features.values())).shape[0]


KEPT_BYTES: Final = 32 << 20
"""Most bytes of scores that are kept from the first round for the second."""


class ScoreSource(Protocol):
    """A source of blocks of a sim_matrix: a model, or given scores."""

    @property
    def name(self) -> str:
        """Name of the model, for messages."""
        ...

    @property
    def grid(self) -> "Grid":
        """How captions x videos are divided into blocks."""
        ...

    def score(self, block: "Block") -> torch.Tensor:
        """Return the scores of a block: float, captions x videos, the same at every call."""
        ...


@dataclass(frozen=True, eq=False)
class Ranking:
    """The result of one pass over the sim_matrix.

    Attributes:
        table: The ranks of all queries.
        best: The best candidates of every query, by direction.
        seconds: Time taken for scoring and counting.
        device: Device of the scores.
        dtype: Dtype of the scores.
    """

    table: "RankTable"
    best: dict[Direction, Best]
    seconds: float
    device: torch.device
    dtype: torch.dtype


def rank(
    source: ScoreSource,
    split: "RetrievalSplit",
    relevance: "Relevance",
    *,
    top_k: int,
    caption_rows: "NDArray[np.int64] | None" = None,
    watch: Sequence[Callable[[torch.Tensor, "Block"], None]] = (),
    processes: Processes = ALONE,
    label: str = "score",
    show_progress: bool = True,
) -> Ranking:
    """Rank every query of a split.

    Several processes share the columns of blocks. Each block is scored as in a single process, so
    ranks are exactly the same.

    Args:
        source: The scores.
        split: The split, with the ids of captions and videos.
        relevance: Relevance of the split.
        top_k: Candidates to keep for each query.
        caption_rows: int64, T: the rows by which captions are named as candidates; None for their
            rows in the split. Equal scores are in order of these.
        watch: Functions called with every block that this process scores.
        processes: The processes that share the work.
        label: Label of the progress bar.
        show_progress: Whether to show a progress bar.

    Returns:
        The ranks, the same in every process.

    Raises:
        NotANumberError: A score is NaN.
        ProtocolError: The source gives different scores for the same pair.
    """
    counter = RankCounter(
        relevance, source.name, caption_ids=split.caption_ids, video_ids=split.video_ids
    )
    top = TopCandidates(
        top_k,
        torch.tensor(relevance.caption_video_index),
        relevance.num_videos,
        None if caption_rows is None else torch.from_numpy(caption_rows),
    )
    started = time.perf_counter()
    blocks = [block for run in processes.mine(list(source.grid.columns())) for block in run]
    form: list[tuple[torch.dtype, torch.device]] = []

    def look(scores: torch.Tensor, block: "Block") -> None:
        form[:] = [(scores.dtype, scores.device)]
        for see in (top.add, *watch):
            see(scores, block)

    wanted = counter.wanted(blocks)
    with progress_bar(label, len(wanted) + len(blocks), enabled=show_progress) as advance:
        count_blocks(
            counter,
            blocks,
            wanted,
            source.score,
            between=lambda: processes.take_greatest(counter.best_relevant),
            look=look,
            advance=advance,
        )
    ((dtype, device),) = next(found for found in processes.gathered(form) if found)
    processes.add_up(counter.counted)
    counter.nans = NanCount.joined(processes.gathered(counter.nans))
    return Ranking(
        table=counter.table(),
        best=top.merged(processes),
        seconds=time.perf_counter() - started,
        device=device,
        dtype=dtype,
    )


def each_way(t2v: Ranking, v2t: Ranking) -> Ranking:
    """Join the ranks of captions by one sim_matrix and those of videos by another.

    Args:
        t2v: By which captions are ranked.
        v2t: By which videos are ranked; of the same captions in the same order.

    Returns:
        Ranks and best candidates of each direction by its own scores; the seconds of both.
    """
    return replace(
        v2t,
        table=replace(v2t.table, ranks={**v2t.table.ranks, "t2v": t2v.table.ranks["t2v"]}),
        best={**v2t.best, "t2v": t2v.best["t2v"]},
        seconds=t2v.seconds + v2t.seconds,
    )


def count_blocks(
    counter: RankCounter,
    blocks: Sequence["Block"],
    wanted: Collection[int],
    score: Callable[["Block"], torch.Tensor],
    *,
    between: Callable[[], None] = lambda: None,
    look: Callable[[torch.Tensor, "Block"], None] = lambda scores, block: None,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Count ranks in two rounds: first find the best relevant scores, then count all blocks.

    Scores of the first round are kept for the second up to `KEPT_BYTES`, so that a small sim_matrix
    is scored only once.

    Args:
        counter: The counter.
        blocks: Complete columns of blocks.
        wanted: Numbers of the blocks needed in the first round, see `RankCounter.wanted`.
        score: Returns the scores of a block.
        between: Called between the rounds.
        look: Called once with every block.
        advance: Called after every block of each round.
    """
    kept: dict[int, torch.Tensor] = {}
    room = KEPT_BYTES
    for number in sorted(wanted):
        block = blocks[number]
        scores = score(block)
        counter.note_relevant(scores, block)
        room -= scores.nbytes
        if room >= 0:
            # A copy, because a model may reuse the memory for its next scores.
            kept[number] = scores.clone()
        advance()
    between()
    for number, block in enumerate(blocks):
        scores = kept.pop(number) if number in kept else score(block)
        counter.count(scores, block)
        look(scores, block)
        advance()
