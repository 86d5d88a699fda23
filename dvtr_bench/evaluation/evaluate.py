"""Evaluation of a model on a split: encode, rank by the protocol, check claims, make records."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import torch

from dvtr_bench.dataset.contamination import Contamination, find_contamination
from dvtr_bench.dataset.seen_clips import SeenClips
from dvtr_bench.dataset.split import require_whole_split
from dvtr_bench.errors import ConfigError, ProtocolError
from dvtr_bench.evaluation.facts import (
    captions_cut,
    dataset_facts,
    frame_measures,
    model_facts,
    split_groups,
)
from dvtr_bench.evaluation.honesty import SampleConfig, check_honesty
from dvtr_bench.evaluation.one_pass import CallOrder, Passes, encoder_in, named
from dvtr_bench.evaluation.post_process import PostProcess, RawScores, require_feasible
from dvtr_bench.evaluation.query_bank import QueryBank
from dvtr_bench.evaluation.ranking import Ranking, Scorer, rows_of_block
from dvtr_bench.evaluation.rerank import RerankedRun, Reranker
from dvtr_bench.evaluation.top_candidates import top_lists
from dvtr_bench.evaluation.untouched import Untouched
from dvtr_bench.features.encode import encode_captions_again, encode_videos_again, select_rows
from dvtr_bench.features.encode_split import EncodedSplit, encode_split
from dvtr_bench.models.retriever import BlockRetriever, LateEncoder
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import shared_text
from dvtr_bench.ranking.relevance import Relevance
from dvtr_bench.results.build import make_record
from dvtr_bench.results.record import RunRecord, ScoringFacts, Seconds, TrainingFacts
from dvtr_bench.results.top_lists import TopLists
from dvtr_bench.runtime.environment import environment_facts
from dvtr_bench.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.features.encode import Look
    from dvtr_bench.models.retriever import Retriever
    from dvtr_bench.ranking.movement import HonestyCheck

_PAIR_BLOCKS: Final = {"block_captions": 64, "block_videos": 16}
"""Blocks of models that read pairs: a block is what progress counts, and the checks score again."""


@dataclass(frozen=True)
class EvaluationConfig:
    """Settings of an evaluation; none of them changes the scores of a ``pairwise`` model.

    Attributes:
        text_batch: Captions encoded in one call.
        video_batch: Videos encoded in one call.
        block_captions: Captions of a block of the sim_matrix, rounded down to whole text blocks.
        block_videos: Videos of a block of the sim_matrix.
        top_k: Candidates kept for each query.
        bootstrap: How intervals are computed.
        sample: How many items are scored again to check the model's claims.
        cache: Whether to use the cache of backbone features beside the dataset.
    """

    text_batch: int = 256
    video_batch: int = 16
    block_captions: int = 4096
    block_videos: int = 256
    top_k: int = 10
    bootstrap: BootstrapConfig = field(default_factory=BootstrapConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)
    cache: bool = False

    def __post_init__(self) -> None:
        """Check the sizes."""
        sizes = (self.text_batch, self.video_batch, self.block_captions, self.block_videos)
        if min(sizes) < 1 or self.top_k < 1:
            raise ConfigError(f"batches, blocks and top_k must be at least 1: {self}")

    def fitted_to(self, retriever: "Retriever") -> "EvaluationConfig":
        """Return settings with smaller blocks for a model that reads pairs, one after the other."""
        if not isinstance(retriever, LateEncoder):
            return self
        blocks = {name: min(getattr(self, name), most) for name, most in _PAIR_BLOCKS.items()}
        return replace(self, **blocks)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        records: One record for a ``pairwise`` model; for a ``query_block`` model, one as published
            and one at block 1. Then, for each of these, one for each post-processor.
        top: The best candidates of every query, for each record.
    """

    records: tuple[RunRecord, ...]
    top: tuple[TopLists, ...]


def evaluate(
    retriever: "Retriever",
    split: "RetrievalSplit",
    *,
    config: EvaluationConfig | None = None,
    checkpoint_sha256: str | None = None,
    seeds: Sequence[int] = (),
    training: TrainingFacts | None = None,
    seen_clips: SeenClips | None = None,
    post_process: Sequence[PostProcess] = (),
    bank: "RetrievalSplit | None" = None,
    reranker: Reranker | None = None,
    processes: Processes = ALONE,
    show_progress: bool = True,
) -> Evaluation:
    """Evaluate a model on a split by the recall protocol.

    Args:
        retriever: The model, on its device.
        split: A split with frames.
        config: Settings; None for the defaults.
        checkpoint_sha256: SHA-256 of the model's weights, for the record.
        seeds: Seeds with which the model was trained, for the record.
        training: How it was trained, for the record; None if unknown or untrained.
        seen_clips: The clips of its training, if that used another version of the dataset: those
            of the split are counted in the record.
        post_process: Post-processors; each gives additional records.
        bank: The train split of the same dataset, for a post-processor that needs it.
        reranker: A model that puts the best candidates of each query in a new order; gives an
            additional record for each way to score, after those of post-processors.
        processes: The processes that share the work; ranks do not depend on their number.
        show_progress: Whether to show progress bars.

    Returns:
        The records and the best candidates of each query, the same in every process.

    Raises:
        NotFoundError: The split has no frames, no videos or no captions.
        ProtocolError: The split is not complete, the model's claim about its scoring is wrong, or
            the same call gives different scores.
        NotANumberError: A score is NaN.
        InputError: The model cannot be copied, does not return features or scores, or a
            post-processor cannot use the scores.

    Example:
        >>> evaluation = evaluate(model, open_dataset("usrd").split("test"))  # doctest: +SKIP
        >>> evaluation.records[0].metrics["t2v"]["strict"]["R@1"]  # doctest: +SKIP
        Figure(value=29.9, low=26.4, high=33.5)
    """
    config = (config or EvaluationConfig()).fitted_to(retriever)
    require_whole_split(split)
    require_feasible(post_process, split, bank)
    run = _Run(retriever, split, config, processes, show_progress, reranker)
    scored = [run.score(variant, block) for variant, block in _variants(retriever, run.relevance)]
    finished = [
        *scored,
        *run.post_processed(scored, post_process, bank),
        *run.reranked(scored, reranker),
    ]
    seen = None
    if training is not None:
        if seen_clips is not None:
            training = replace(training, shared_clips=len(seen_clips.shared_with(split)))
        seen = find_contamination(
            training.dataset, training.fingerprint, split, training.shared_clips
        )
    return Evaluation(
        records=tuple(
            run.record(
                scored, seen, checkpoint_sha256=checkpoint_sha256, seeds=seeds, training=training
            )
            for scored in finished
        ),
        top=tuple(top_lists(scored.in_file_order.best, split) for scored in finished),
    )


@dataclass(frozen=True, eq=False)
class _Scored:
    """The ranked and checked scores of one way to score, perhaps post-processed.

    All are of the captions in the order in which they were scored.
    """

    passes: Passes
    order: CallOrder
    split: "RetrievalSplit"
    relevance: Relevance
    facts: ScoringFacts
    ranking: Ranking
    honesty: "tuple[HonestyCheck, ...]"

    @property
    def retriever(self) -> "Retriever":
        """The model, set to the text block of this way to score."""
        return self.passes.t2v.scorer.retriever

    @property
    def in_file_order(self) -> Ranking:
        """The ranking, with captions in file order."""
        return self.order.in_file_order(self.ranking)


class _Run:
    """A model and an encoded split."""

    def __init__(
        self,
        retriever: "Retriever",
        split: "RetrievalSplit",
        config: EvaluationConfig,
        processes: Processes,
        show_progress: bool,
        reranker: Reranker | None,
    ) -> None:
        self.split = split
        self.config = config
        self.processes = processes
        self.show_progress = show_progress and processes.is_first
        self.relevance = Relevance.of(
            split.captions, split.caption_video_index, len(split.video_ids)
        )
        self._retriever = retriever
        self._rerank_top = None if reranker is None else reranker.top
        # A model must not use what it remembers of the run in the checks.
        self._untouched = Untouched(retriever)
        measures = frame_measures(split)
        self.encoded = self._encode(retriever, split, measures.look)
        measures.keep(processes)
        self.groups = split_groups(split, processes=processes, show_progress=self.show_progress)
        self.cut_captions = captions_cut(retriever, split)

    def score(self, retriever: "Retriever", text_block: int | None) -> _Scored:
        """Rank every query and check the model's claims."""
        block = text_block or 1
        order = CallOrder.draw(
            self.split,
            self.config.sample.seed,
            text_block=block,
            block_captions=rows_of_block(self.config.block_captions, block),
        )
        split, relevance = order.of_split(self.split), order.of_relevance(self.relevance)
        scorer = Scorer(
            retriever,
            select_rows(self.encoded.texts, torch.from_numpy(order.rows)),
            self.encoded.videos,
            text_block=block,
            block_captions=self.config.block_captions,
            block_videos=self.config.block_videos,
        )
        passes = Passes.run(
            scorer,
            split,
            relevance,
            order.rows,
            sample=self.config.sample,
            candidates=self._rerank_top,
            top_k=self.config.top_k,
            processes=self.processes,
            label="score" if text_block is None else f"score (block {text_block})",
            show_progress=self.show_progress,
        )
        honesty: list[HonestyCheck] = []
        for way, done in passes.by_way.items():
            with self._untouched.model() as untouched:
                if retriever is not self._retriever and isinstance(untouched, BlockRetriever):
                    untouched = untouched.at_block(1)
                checks = check_honesty(
                    done.scorer.scored_by(untouched),
                    done.sample,
                    encode_captions=encoder_in(untouched, split, encode_captions_again, way),
                    encode_videos=encoder_in(untouched, split, encode_videos_again, way),
                )
            honesty += named(checks, way)
        facts = ScoringFacts(retriever.scoring, text_block, each_way=passes.each_way or None)
        return _Scored(passes, order, split, relevance, facts, passes.ranking, tuple(honesty))

    def post_processed(
        self,
        finished: Sequence[_Scored],
        post_process: Sequence[PostProcess],
        bank: "RetrievalSplit | None",
    ) -> list[_Scored]:
        """Apply every post-processor to the scores of every finished pass."""
        needs_bank = bank is not None and any(one.needs_bank for one in post_process)
        encoded = self._encode(self._retriever, bank) if bank and needs_bank else None
        found = []
        for scored in finished:
            raw = self._raw(scored, bank, encoded)
            for one in post_process:
                facts, ranking = one.apply(
                    raw, scored.facts, scored.split, scored.relevance, self.config.top_k
                )
                found.append(replace(scored, facts=facts, ranking=ranking))
        return found

    def reranked(self, finished: Sequence[_Scored], reranker: Reranker | None) -> list[_Scored]:
        """Put the best candidates of every finished pass in the reranker's order."""
        if reranker is None:
            return []
        run = RerankedRun(
            reranker,
            self.split,
            lambda model: self._encode(model, self.split),
            seed=self.config.sample.seed,
            processes=self.processes,
            show_progress=self.show_progress,
        )
        found = []
        for scored in finished:
            facts, ranking, checks = run.apply(
                self._raw(scored),
                scored.passes.candidates,
                scored.facts,
                scored.split,
                scored.relevance,
                self.config.top_k,
            )
            honesty = (*scored.honesty, *checks)
            found.append(replace(scored, facts=facts, ranking=ranking, honesty=honesty))
        return found

    def _raw(
        self,
        scored: _Scored,
        bank: "RetrievalSplit | None" = None,
        encoded_bank: EncodedSplit | None = None,
    ) -> RawScores:
        raw = {
            way: RawScores(
                done.scorer,
                done.ranking,
                QueryBank(bank, encoded_bank, done.scorer, way) if bank and encoded_bank else None,
                self.processes,
                self.show_progress,
                scored.order.rows,
            )
            for way, done in scored.passes.by_way.items()
        }
        return replace(raw["t2v"], v2t=raw.get("v2t"))

    def record(self, scored: _Scored, seen: Contamination | None, **origin: Any) -> RunRecord:
        """Return the record of a pass; ``origin`` has arguments of `model_facts`."""
        return make_record(
            scored.in_file_order.table,
            kind="model",
            dataset=dataset_facts(self.split, self.relevance, self.encoded.frames_per_video),
            model=model_facts(scored.retriever, **origin),
            scoring=scored.facts,
            environment=environment_facts(
                scored.ranking.device,
                scored.ranking.dtype,
                getattr(scored.retriever, "libraries", ()),
            ),
            honesty=scored.honesty,
            seconds=Seconds(
                encode_texts=self.encoded.seconds_texts,
                encode_videos=self.encoded.seconds_videos,
                score=scored.ranking.seconds,
            ),
            shared_text=shared_text(self.split.captions, self.relevance.caption_video_index),
            groups=self.groups,
            bootstrap=self.config.bootstrap,
            contamination=seen,
            cut_captions=self.cut_captions,
        )

    def _encode(
        self, retriever: "Retriever", split: "RetrievalSplit", look: "Look | None" = None
    ) -> EncodedSplit:
        return encode_split(
            retriever,
            split,
            text_batch=self.config.text_batch,
            video_batch=self.config.video_batch,
            cache=self.config.cache,
            look=look,
            order_seed=self.config.sample.seed,
            processes=self.processes,
            show_progress=self.show_progress,
        )


def _variants(retriever: "Retriever", relevance: Relevance) -> "list[tuple[Retriever, int | None]]":
    """Return the variants to score, each with its text block: as published, then at block 1."""
    if retriever.scoring == "pairwise":
        return [(retriever, None)]
    if not isinstance(retriever, BlockRetriever):
        raise ProtocolError(
            f"{retriever.name} declares scoring = {retriever.scoring!r} but not its block: give it "
            "text_block and at_block(n), see dvtr_bench.models.retriever.BlockRetriever"
        )
    # A block larger than the query set is the query set.
    published = min(retriever.text_block, relevance.num_captions)
    variants: list[tuple[Retriever, int | None]] = [(retriever, published)]
    if published != 1:
        variants.append((retriever.at_block(1), 1))
    return variants
