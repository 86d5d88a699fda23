"""Reranking: a second model puts the best candidates of each query in a new order.

A model that looks at a caption and a clip together is too slow for every pair. So the first model
finds the best k candidates of each query, and the second scores these alone. They stand above all
others, in the order of its scores; beyond them every rank stays as it was.

Which candidates are among the best k must not depend on the order of equal scores. So where the
candidate after the k-th has the same score as the k-th, all with that score are left as they were.

The second model is held to its claims as every model is: on a copy that has not seen the run, a
sample of its pairs is scored again in other company, and encoded again in other batches.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError, InputError, NotANumberError
from dvtr_bench.evaluation.facts import described, model_facts
from dvtr_bench.evaluation.post_process import RawScores, rank_each_way
from dvtr_bench.evaluation.ranking import Scorer
from dvtr_bench.evaluation.rerank_checks import RerankSample, caption_kinds, check_reranker
from dvtr_bench.evaluation.untouched import Untouched
from dvtr_bench.features.encode import order_generator, select_rows
from dvtr_bench.models.retriever import BlockRetriever
from dvtr_bench.results.record import RERANK, PostProcessingFacts, ScoringFacts
from dvtr_bench.runtime.environment import library_versions
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.ranking import Ranking
    from dvtr_bench.features.encode_split import EncodedSplit
    from dvtr_bench.models.retriever import Retriever
    from dvtr_bench.ranking.blocks import Block
    from dvtr_bench.ranking.movement import HonestyCheck
    from dvtr_bench.ranking.relevance import Relevance
    from dvtr_bench.runtime.processes import Processes

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

_WAYS: Final = ("t2v", "v2t")


@dataclass(frozen=True, eq=False)
class Reranker:
    """A model that puts the best candidates of another in a new order.

    Attributes:
        model: A ``pairwise`` model, on its device; of a `BlockRetriever` the same model at block 1,
            where a score depends on its own pair alone.
        top: Candidates of each query that it scores: videos of a caption, captions of a video.
        origin: Where its weights come from, arguments of `dvtr_bench.evaluation.facts.model_facts`;
            empty for a model that was not trained here.

    Raises:
        ConfigError: The model has no pairwise scores, or there would be no candidates.
    """

    model: "Retriever"
    top: int = 100
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check both, and take a model with a text block at block 1."""
        if self.model.scoring != "pairwise" and isinstance(self.model, BlockRetriever):
            object.__setattr__(self, "model", self.model.at_block(1))
        elif self.model.scoring != "pairwise":
            raise ConfigError(
                f"{self.model.name} cannot rerank: its scores depend on the other captions that "
                "are scored with it (query_block), and it has no at_block(1)"
            )
        if self.top < 1:
            raise ConfigError(
                f"a reranker needs at least 1 candidate of each query, found {self.top}"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What its results are told apart by: name, start of the weights' hash, candidates."""
        facts = self._facts()
        weights = facts["checkpoint_sha256"] or facts["backbone_sha256"] or "unknown"
        name = re.sub(r"[(),=]+", "_", self.model.name)
        return {"model": name, "weights": weights[:12], "top": self.top}

    def describe(self) -> dict[str, Any]:
        """Return the model's description for the record, as JSON values."""
        facts = self._facts()
        training = facts.pop("training")
        if training is not None:
            facts["training"] = {name: training[name] for name in ("dataset", "fingerprint")}
        facts["config"] = dict(described(self.model).get("config", {}))
        if own := getattr(self.model, "libraries", ()):
            # Those of the environment are of the model of the row.
            versions = library_versions(own)
            facts["libraries"] = {name: versions[name] for name in own if name in versions}
        return facts

    def _facts(self) -> dict[str, Any]:
        origin = {"checkpoint_sha256": None, "seeds": (), "training": None, **self.origin}
        facts = asdict(model_facts(self.model, **origin))
        return {**facts, "seeds": list(facts["seeds"])}


class RerankedRun:
    """A reranker and what it encoded of a split."""

    def __init__(
        self,
        reranker: Reranker,
        split: "RetrievalSplit",
        encode: "Callable[[Retriever], EncodedSplit]",
        *,
        seed: int,
        processes: "Processes",
        show_progress: bool,
    ) -> None:
        """Encode the split, after a copy of the model was made.

        Args:
            reranker: The reranker.
            split: The split, its captions in file order.
            encode: Encodes the split by a model.
            seed: Seed of the order in which candidates are scored and of the checks.
            processes: The processes that share the work.
            show_progress: Whether to show progress bars.
        """
        self._reranker = reranker
        self._split = split
        self._seed = seed
        self._processes = processes
        self._show_progress = show_progress
        self._untouched = Untouched(reranker.model)
        encoded = encode(reranker.model)
        scorer = Scorer(
            reranker.model,
            encoded.texts,
            encoded.videos,
            text_block=1,
            block_captions=1,
            block_videos=len(split.video_ids),
        )
        self._scorers = {way: scorer.in_direction(way) for way in _WAYS}

    def apply(
        self,
        raw: RawScores,
        candidates: Mapping[str, list[Rows]],
        scoring: ScoringFacts,
        split: "RetrievalSplit",
        relevance: "Relevance",
        top_k: int,
    ) -> "tuple[ScoringFacts, Ranking, tuple[HonestyCheck, ...]]":
        """Score the candidates, check the reranker, and rank every query anew.

        Args:
            raw: The first model's scores, with ``caption_rows``.
            candidates: As `Candidates.found` returns them.
            scoring: The description of the first model's scores.
            split: The split, its captions in the order of scoring.
            relevance: Relevance of the captions in that order.
            top_k: Candidates to keep of each query.

        Returns:
            The description of the scores for the record, the ranking, whose seconds are those of
            scoring and ranking, and the checks of the reranker.

        Raises:
            NotANumberError: The reranker gives NaN.
            InputError: The first model's scores are infinite.
            ProtocolError: The reranker's scores depend on more than their own pair.
        """
        started = time.perf_counter()
        captions = np.arange(len(split.captions)) if raw.caption_rows is None else raw.caption_rows
        queries = {"t2v": captions, "v2t": np.arange(relevance.num_videos)}
        scored = {way: self._scored(way, queries[way], candidates[way], relevance) for way in _WAYS}
        kinds = {
            "t2v": np.arange(len(self._split.video_ids)),
            "v2t": caption_kinds(self._reranker.model, self._split.captions),
        }
        sample = RerankSample.draw(queries, candidates, scored, kinds, self._generator("sample"))
        with self._untouched.model() as untouched:
            scorers = {way: one.scored_by(untouched) for way, one in self._scorers.items()}
            checks = check_reranker(scorers, self._split, sample)
        ranking = rank_each_way(
            raw, self._lifted(raw, candidates, scored, captions), split, relevance, top_k, RERANK
        )
        facts = {
            **self._reranker.describe(),
            "pairs": {way: sum(map(len, candidates[way])) for way in _WAYS},
            "percent_within_top": _within(candidates, captions, relevance),
        }
        settings = self._reranker.settings
        done = PostProcessingFacts(RERANK, settings, facts, self._statement())
        told = ", ".join(f"{name}={value}" for name, value in settings.items())
        return (
            replace(scoring, post_processing=f"{RERANK} ({told})", post_processed=done),
            replace(ranking, seconds=time.perf_counter() - started),
            tuple(replace(check, check=f"reranker: {check.check}") for check in checks),
        )

    def _scored(
        self, way: str, queries: Rows, candidates: Sequence[Rows], relevance: "Relevance"
    ) -> list[Floats]:
        """Return the reranker's scores of the candidates of each query."""
        asked = np.arange(len(queries)) if way == "t2v" else relevance.query_videos
        share = self._processes.share_of(len(asked), 1)
        random = self._generator(way)
        orders = [random.permutation(len(of)) for of in candidates]
        label = f"{RERANK}: {way}"
        bar = progress_bar(label, share.stop - share.start, enabled=self._show_progress)
        mine: dict[int, Floats] = {}
        with bar as advance:
            for place in asked[share].tolist():
                if len(candidates[place]):
                    mine[place] = self._of_query(
                        way, int(queries[place]), candidates[place], orders[place]
                    )
                advance(1)
        found = {k: value for part in self._processes.gathered(mine) for k, value in part.items()}
        return [found.get(place, np.empty(0)) for place in range(len(queries))]

    def _of_query(self, way: str, query: int, candidates: Rows, order: Rows) -> Floats:
        one = torch.tensor([query])
        # In no order that tells what the first model thinks of them.
        others = torch.from_numpy(candidates[order])
        texts, videos = (one, others) if way == "t2v" else (others, one)
        scorer = self._scorers[way]
        scores = scorer.score_features(
            select_rows(scorer.texts, texts), select_rows(scorer.videos, videos)
        )
        found: Floats = np.empty(len(candidates))
        found[order] = scores.cpu().double().numpy().ravel()
        if np.isnan(found).any():
            ids = self._split.caption_ids if way == "t2v" else self._split.video_ids
            raise NotANumberError(
                f"{self._reranker.model.name}: {int(np.isnan(found).sum())} of the "
                f"{len(found)} candidates of {ids[query]!r} scored NaN: nothing is reranked. Look "
                "for a zero vector that is normalised, or an overflow in half precision"
            )
        return found

    def _lifted(
        self,
        raw: RawScores,
        candidates: Mapping[str, list[Rows]],
        scored: Mapping[str, list[Floats]],
        captions: Rows,
    ) -> "_Lifted":
        of_v2t = raw if raw.v2t is None else raw.v2t
        back = np.argsort(captions)  # from rows in the file to places in the order of scoring
        return _Lifted(
            t2v=_Places.of(candidates["t2v"], scored["t2v"], _highest(raw)),
            v2t=_Places.of(candidates["v2t"], scored["v2t"], _highest(of_v2t), captions_at=back),
        )

    def _statement(self) -> str:
        return (
            f"the best {self._reranker.top} candidates of each query, by the model of the row, "
            f"stand in the order of the scores of {self._reranker.model.name}, above all others, "
            "whose ranks stay as they were; candidates that tie with the next one stay too. Scores "
            "in top lists tell the order alone. The honesty checks of both models were made before "
            "that"
        )

    def _generator(self, purpose: str) -> np.random.Generator:
        return order_generator(self._split, self._seed, f"{RERANK} {purpose}")


@dataclass(frozen=True, eq=False)
class _Places:
    """Pairs of a sim_matrix and the scores that they get, in the order of their captions."""

    captions: Rows
    videos: Rows
    scores: Floats

    @classmethod
    def of(
        cls,
        candidates: Sequence[Rows],
        scored: Sequence[Floats],
        highest: float,
        captions_at: Rows | None = None,
    ) -> "_Places":
        """Put candidates above the highest score, one step for each different score.

        Args:
            candidates: Of each query.
            scored: The reranker's score of each.
            highest: The first model's highest score.
            captions_at: Of candidates that are captions, the place of each row of the file; None
                where the queries are the captions.
        """
        pairs = [place for place, scores in enumerate(scored) if len(scores)]
        queries = np.repeat(pairs, [len(scored[place]) for place in pairs]).astype(np.int64)
        others = _joined([candidates[place] for place in pairs], np.int64)
        levels = _joined([_levels(scored[place]) for place in pairs], np.int64)
        # Steps that float64 represents exactly beside the highest score.
        step = max(1.0, 4 * float(np.spacing(abs(highest))))
        lifted = np.ceil(highest) + step * (1.0 + levels)
        captions, videos = (
            (queries, others) if captions_at is None else (captions_at[others], queries)
        )
        order = np.argsort(captions, kind="stable")
        return cls(captions[order], videos[order], lifted[order])

    def put(self, scores: Floats, block: "Block") -> Floats:
        """Return the scores of a block with those of its pairs replaced."""
        rows = slice(*np.searchsorted(self.captions, [block.captions.start, block.captions.stop]))
        videos = self.videos[rows]
        inside = (block.videos.start <= videos) & (videos < block.videos.stop)
        found = scores.copy()
        found[
            self.captions[rows][inside] - block.captions.start, videos[inside] - block.videos.start
        ] = self.scores[rows][inside]
        return found


class _Lifted:
    """Scores of the first model, those of candidates replaced; one matrix for each direction."""

    def __init__(self, *, t2v: _Places, v2t: _Places) -> None:
        self.facts: dict[str, Any] = {}
        self.t2v = t2v.put
        self.v2t = v2t.put


def _highest(raw: RawScores) -> float:
    """Return the highest score of a sim_matrix, above which candidates are put."""
    highest = float(raw.ranking.best["t2v"].scores[:, 0].double().max())
    if not np.isfinite(highest):
        raise InputError(
            f"{raw.source.name}: its highest score is {highest}: nothing stands above it, so "
            "nothing can be reranked"
        )
    return highest


def _levels(scores: Floats) -> Rows:
    """Return the place of each score among the different ones, from the lowest; equal stay equal.

    Example:
        >>> _levels(np.array([0.5, -1.0, 0.5])).tolist()
        [1, 0, 1]
    """
    levels: Rows = np.unique(scores, return_inverse=True)[1]
    return levels


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)


def _within(
    candidates: Mapping[str, list[Rows]], captions: Rows, relevance: "Relevance"
) -> dict[str, float]:
    """Return for how many queries, in percent, a relevant candidate is among those reranked."""
    own = relevance.caption_video_index
    t2v = [own[place] in of for place, of in enumerate(candidates["t2v"])]
    own_in_file = own[np.argsort(captions)]
    v2t = [
        bool((own_in_file[candidates["v2t"][video]] == video).any())
        for video in relevance.query_videos
    ]
    return {"t2v": 100 * float(np.mean(t2v)), "v2t": 100 * float(np.mean(v2t))}
