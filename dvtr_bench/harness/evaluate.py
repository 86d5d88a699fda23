"""One evaluation: encode once, rank by the protocol, check the claims, write down everything."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError, ProtocolError
from dvtr_bench.harness.encode import encode_texts, encode_videos
from dvtr_bench.harness.environment import environment_facts
from dvtr_bench.harness.facts import dataset_facts, model_facts
from dvtr_bench.harness.scorer import Scorer
from dvtr_bench.harness.top_videos import TopVideos
from dvtr_bench.progress import progress_bar
from dvtr_bench.protocol.bootstrap import BootstrapConfig
from dvtr_bench.protocol.ceilings import shared_text
from dvtr_bench.protocol.honesty import HonestySample, SampleConfig, check_honesty
from dvtr_bench.protocol.rank_table import RankTable
from dvtr_bench.protocol.ranks import RankCounter
from dvtr_bench.protocol.relevance import Relevance
from dvtr_bench.protocol.split_rules import require_whole_split
from dvtr_bench.results.build import make_record
from dvtr_bench.results.record import RunRecord, ScoringFacts, Seconds
from dvtr_bench.retriever import BlockRetriever

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.protocol.movement import HonestyCheck
    from dvtr_bench.retriever import Features, Retriever


@dataclass(frozen=True)
class EvaluationConfig:
    """How an evaluation is carried out; none of it changes a pairwise score.

    Attributes:
        text_batch: Captions encoded in one call.
        video_batch: Videos encoded in one call.
        block_captions: Captions of a block of the sim_matrix, cut down to whole text blocks.
        block_videos: Videos of a block of the sim_matrix.
        top_k: Videos kept for each caption, for contact sheets.
        bootstrap: How the intervals are made.
        sample: How much is scored again to check the model's claims.
    """

    text_batch: int = 256
    video_batch: int = 16
    block_captions: int = 1024
    block_videos: int = 512
    top_k: int = 5
    bootstrap: BootstrapConfig = field(default_factory=BootstrapConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)

    def __post_init__(self) -> None:
        """Check the sizes."""
        sizes = (self.text_batch, self.video_batch, self.block_captions, self.block_videos)
        if min(sizes) < 1 or self.top_k < 1:
            raise ConfigError(f"batches, blocks and top_k must be at least 1: {self}")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation gives.

    Attributes:
        records: One for a ``pairwise`` model. For a ``query_block`` model first the one as
            published, then the one at block 1.
        top_videos: int64, T x k: rows of the best videos of each caption, best first, by the first
            record.
        top_scores: float32, T x k: their scores.
    """

    records: tuple[RunRecord, ...]
    top_videos: NDArray[np.int64]
    top_scores: NDArray[np.float32]


def evaluate(
    retriever: "Retriever",
    split: "RetrievalSplit",
    *,
    config: EvaluationConfig | None = None,
    checkpoint_sha256: str | None = None,
    seeds: Sequence[int] = (),
    show_progress: bool = True,
) -> Evaluation:
    """Evaluate a model on a split by the recall protocol.

    Args:
        retriever: The model, on its device.
        split: The split, with frames.
        config: Batches and blocks; the defaults when None.
        checkpoint_sha256: Of the weights that were loaded, for the record.
        seeds: Seeds that the model was trained with, for the record.
        show_progress: False for no progress bars.

    Returns:
        The records and the best videos of each caption.

    Raises:
        NotFoundError: The split has no frames, no videos or no captions.
        ProtocolError: The split is not the whole one, the model's claim about its scoring does not
            hold, or it scores the same call twice otherwise.
        NotANumberError: Scores were NaN.
        InputError: The model returned something else than features or scores.

    Example:
        >>> evaluation = evaluate(model, open_dataset("usrd").split("test"))  # doctest: +SKIP
        >>> evaluation.records[0].metrics["t2v"]["strict"]["R@1"]  # doctest: +SKIP
        Figure(value=29.9, low=26.4, high=33.5)
    """
    config = config or EvaluationConfig()
    require_whole_split(split)
    run = _Run(retriever, split, config, show_progress)
    finished = [run.score(variant, block) for variant, block in _variants(retriever, run.relevance)]
    records = tuple(
        run.record(scored, checkpoint_sha256=checkpoint_sha256, seeds=seeds) for scored in finished
    )
    videos, scores = finished[0].top.result()
    return Evaluation(records, videos.numpy(), scores.numpy())


@dataclass(frozen=True, eq=False)
class _Scored:
    """One pass over the sim_matrix."""

    retriever: "Retriever"
    text_block: int | None
    table: RankTable
    top: TopVideos
    honesty: "tuple[HonestyCheck, ...]"
    seconds: float
    device: torch.device
    dtype: torch.dtype


class _Run:
    """A model and a split with everything encoded."""

    def __init__(
        self,
        retriever: "Retriever",
        split: "RetrievalSplit",
        config: EvaluationConfig,
        show_progress: bool,
    ) -> None:
        self.split = split
        self.config = config
        self.show_progress = show_progress
        self.relevance = Relevance.of(
            split.captions, split.caption_video_index, len(split.video_ids)
        )
        every_video = np.arange(self.relevance.num_videos)
        started = time.perf_counter()
        self.videos, self.frames_per_video = encode_videos(
            retriever, split, every_video, config.video_batch, show_progress=show_progress
        )
        encoded_videos = time.perf_counter()
        self.texts = encode_texts(
            retriever, split.captions, config.text_batch, show_progress=show_progress
        )
        self.seconds = (encoded_videos - started, time.perf_counter() - encoded_videos)

    def score(self, retriever: "Retriever", text_block: int | None) -> _Scored:
        """Rank every query and check what the model claims."""
        scorer = Scorer(
            retriever,
            self.texts,
            self.videos,
            text_block=text_block or 1,
            block_captions=self.config.block_captions,
            block_videos=self.config.block_videos,
        )
        counter = RankCounter(
            self.relevance,
            retriever.name,
            caption_ids=self.split.caption_ids,
            video_ids=self.split.video_ids,
        )
        top, sample = TopVideos(self.config.top_k), HonestySample(scorer, self.config.sample)
        started = time.perf_counter()
        wanted = [block for block in scorer.grid if counter.wants(block)]
        label = "score" if text_block is None else f"score (block {text_block})"
        bar = progress_bar(label, len(wanted) + len(scorer.grid), enabled=self.show_progress)
        with bar as advance:
            for block in wanted:
                counter.note_relevant(scorer.score(block), block)
                advance()
            for block in scorer.grid:
                scores = scorer.score(block)
                counter.count(scores, block)
                top.add(scores, block)
                sample.add(scores, block)
                advance()
        table = counter.table()
        seconds = time.perf_counter() - started
        honesty = check_honesty(
            scorer,
            sample,
            encode_captions=partial(self._captions_again, retriever),
            encode_videos=partial(self._videos_again, retriever),
        )
        return _Scored(
            retriever, text_block, table, top, honesty, seconds, scores.device, scores.dtype
        )

    def record(
        self, scored: _Scored, *, checkpoint_sha256: str | None, seeds: Sequence[int]
    ) -> RunRecord:
        """Write down everything about a pass."""
        retriever = scored.retriever
        return make_record(
            scored.table,
            kind="model",
            dataset=dataset_facts(self.split, self.relevance, self.frames_per_video),
            model=model_facts(retriever, checkpoint_sha256=checkpoint_sha256, seeds=seeds),
            scoring=ScoringFacts(retriever.scoring, scored.text_block),
            environment=environment_facts(scored.device, scored.dtype),
            honesty=scored.honesty,
            seconds=Seconds(
                encode_texts=self.seconds[1], encode_videos=self.seconds[0], score=scored.seconds
            ),
            shared_text=shared_text(self.split.captions, self.relevance.caption_video_index),
            bootstrap=self.config.bootstrap,
        )

    def _captions_again(
        self, retriever: "Retriever", pieces: Sequence[NDArray[np.int64]]
    ) -> "Features":
        parts = [
            encode_texts(
                retriever,
                [self.split.captions[row] for row in piece],
                len(piece),
                show_progress=False,
            )
            for piece in pieces
        ]
        return _joined(parts)

    def _videos_again(
        self, retriever: "Retriever", pieces: Sequence[NDArray[np.int64]]
    ) -> "Features":
        parts = [
            encode_videos(retriever, self.split, piece, len(piece), show_progress=False)[0]
            for piece in pieces
        ]
        return _joined(parts)


def _variants(retriever: "Retriever", relevance: Relevance) -> "list[tuple[Retriever, int | None]]":
    """Return the model as it is to be scored, with its text block: as published, then block 1."""
    if retriever.scoring == "pairwise":
        return [(retriever, None)]
    if not isinstance(retriever, BlockRetriever):
        raise ProtocolError(
            f"{retriever.name} declares scoring = {retriever.scoring!r} but not its block: give it "
            "text_block and at_block(n), see dvtr_bench.retriever.BlockRetriever"
        )
    # A block larger than the query set is the query set.
    published = min(retriever.text_block, relevance.num_captions)
    variants: list[tuple[Retriever, int | None]] = [(retriever, published)]
    if published != 1:
        variants.append((retriever.at_block(1), 1))
    return variants


def _joined(parts: "Sequence[Features]") -> "Features":
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
