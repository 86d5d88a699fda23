"""Checks of a reranker: its pairs are scored again, on a copy that has not seen the run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ProtocolError
from dvtr_bench.evaluation.honesty import ENCODE_STEPS, SCORE_STEPS, refusal
from dvtr_bench.features.encode import encode_captions_again, encode_videos_again, select_rows
from dvtr_bench.models.retriever import ReadsTokens, features_in
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.ranking.movement import HonestyCheck, measure

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.ranking import Scorer
    from dvtr_bench.models.retriever import Features, Retriever

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
_Score = Callable[[Rows], Floats]

_QUERIES: Final = 64
"""Queries of each direction whose candidates are scored again."""

_VIDEOS_ENCODED: Final = 8
"""Videos that are decoded and encoded again."""

_COMPANY: Final = 37
"""Other items of the gallery among the candidates, and items of one call."""


@dataclass(frozen=True, eq=False)
class SampledQueries:
    """Queries of one direction that have equally many candidates, and what these scored.

    Attributes:
        queries: int64, Q: rows in the file.
        candidates: int64, Q x n: rows in the file.
        scores: float64, Q x n.
    """

    queries: Rows
    candidates: Rows
    scores: Floats

    @classmethod
    def draw(
        cls,
        queries: Rows,
        candidates: Sequence[Rows],
        scored: Sequence[Floats],
        kinds: Rows,
        random: np.random.Generator,
    ) -> "SampledQueries | None":
        """Draw queries among those with the most usual number of candidates; None if none has any.

        Args:
            queries: Rows in the file of all queries.
            candidates: Of each.
            scored: Their scores; empty for what was no query.
            kinds: Of each row of the gallery, the same number for what the model cannot tell apart:
                only one candidate of a kind is drawn, since rounding alone orders the others.
            random: Draws.
        """
        first = [np.unique(kinds[of], return_index=True)[1] for of in candidates]
        counts = np.array(
            [len(of) if len(scores) else 0 for of, scores in zip(first, scored, strict=True)]
        )
        if not counts.any():
            return None
        usual = np.bincount(counts)[1:].argmax() + 1
        places = np.flatnonzero(counts == usual)
        drawn = np.sort(random.choice(places, size=min(_QUERIES, len(places)), replace=False))
        return cls(
            queries[drawn],
            np.stack([candidates[place][first[place]] for place in drawn]),
            np.stack([scored[place][first[place]] for place in drawn]),
        )


@dataclass(frozen=True, eq=False)
class RerankSample:
    """What is scored again: by direction, None where nothing was reranked."""

    by_way: Mapping[str, SampledQueries | None]
    random: np.random.Generator

    @classmethod
    def draw(
        cls,
        queries: Mapping[str, Rows],
        candidates: Mapping[str, Sequence[Rows]],
        scored: Mapping[str, Sequence[Floats]],
        kinds: Mapping[str, Rows],
        random: np.random.Generator,
    ) -> "RerankSample":
        """Draw queries of each direction, see `SampledQueries.draw`."""
        drawn = {
            way: SampledQueries.draw(queries[way], candidates[way], scored[way], kinds[way], random)
            for way in queries
        }
        return cls(drawn, random)


def caption_kinds(retriever: "Retriever", captions: Sequence[str]) -> Rows:
    """Return the same number for captions that a model reads alike.

    Args:
        retriever: The model; one that says which tokens it reads tells more than the text.
        captions: T captions.

    Returns:
        int64, T.
    """
    read = retriever.tokens_read(captions)[0] if isinstance(retriever, ReadsTokens) else captions
    kinds: Rows = np.unique(np.asarray(read), axis=0, return_inverse=True)[1].ravel()
    return kinds


def check_reranker(
    scorers: Mapping[str, "Scorer"], split: "RetrievalSplit", sample: RerankSample
) -> tuple[HonestyCheck, ...]:
    """Score the sample again, and refuse a reranker whose scores change.

    Args:
        scorers: Score features of the whole split, in file order, by a copy of the reranker; one
            a direction.
        split: The split in file order.
        sample: The sample.

    Returns:
        The result of each check.

    Raises:
        ProtocolError: A score changed by more than the tolerance, or candidates changed places.
    """
    checks = tuple(_checks(scorers, split, sample))
    for check in checks:
        if not check.passed:
            raise ProtocolError(f"reranker: {refusal(scorers['t2v'], check)}")
    return checks


def _checks(
    scorers: Mapping[str, "Scorer"], split: "RetrievalSplit", sample: RerankSample
) -> Iterator[HonestyCheck]:
    gallery = {"t2v": len(split.video_ids), "v2t": len(split.caption_ids)}
    for way, drawn in sample.by_way.items():
        if drawn is not None:
            again = [
                _in_company(
                    _asker(scorers[way], way, query), candidates, gallery[way], sample.random
                )
                for query, candidates in zip(drawn.queries.tolist(), drawn.candidates, strict=True)
            ]
            yield _measured(f"{way} candidates among others", drawn.scores, again, SCORE_STEPS)
    if (captions := sample.by_way["t2v"]) is not None:
        yield _captions_encoded_again(scorers["t2v"], split, captions, sample.random)
    if (videos := sample.by_way["v2t"]) is not None:
        yield _videos_encoded_again(scorers["v2t"], split, videos, sample.random)


def _asker(scorer: "Scorer", way: str, query: int) -> _Score:
    """Return what scores rows of the gallery for one query."""

    def ask(rows: Rows) -> Floats:
        captions, videos = ([query], rows) if way == "t2v" else (rows, [query])
        return _scores(scorer, scorer.texts, captions, scorer.videos, videos).ravel()

    return ask


def _captions_encoded_again(
    scorer: "Scorer", split: "RetrievalSplit", drawn: SampledQueries, random: np.random.Generator
) -> HonestyCheck:
    order = random.permutation(len(drawn.queries))
    pieces = [drawn.queries[order[run]] for run in cut(len(order), _piece(len(order)))]
    features = encode_captions_again(scorer.retriever, split, pieces)
    again: list[Floats] = [np.empty(0)] * len(order)
    for place, query in enumerate(order):
        again[query] = _scores(scorer, features, [place], scorer.videos, drawn.candidates[query])[0]
    return _measured("captions encoded in other batches", drawn.scores, again, ENCODE_STEPS)


def _videos_encoded_again(
    scorer: "Scorer", split: "RetrievalSplit", drawn: SampledQueries, random: np.random.Generator
) -> HonestyCheck:
    order = random.permutation(len(drawn.queries))[:_VIDEOS_ENCODED]
    pieces = [drawn.queries[order[run]] for run in cut(len(order), _piece(len(order)))]
    encoded = encode_videos_again(scorer.retriever, split, pieces)
    features = features_in(scorer.retriever, encoded, "v2t")
    again = [
        _scores(scorer, scorer.texts, drawn.candidates[query], features, [place])[:, 0]
        for place, query in enumerate(order)
    ]
    before = drawn.scores[order]
    return _measured("videos encoded in other batches", before, again, ENCODE_STEPS)


def _measured(check: str, before: Floats, again: Sequence[Floats], steps: int) -> HonestyCheck:
    cap = {"cap": np.inf} if steps == ENCODE_STEPS else {}
    return measure(check, before, np.stack(again), rounding_steps=steps, **cap)


def _in_company(
    score: _Score, candidates: Rows, gallery: int, random: np.random.Generator
) -> Floats:
    """Score candidates among others, in another order and in several calls."""
    others = np.setdiff1d(np.arange(gallery), candidates)
    others = random.choice(others, size=min(_COMPANY, len(others)), replace=False)
    asked = random.permutation(np.concatenate([candidates, others]))
    scores = np.concatenate([score(asked[run]) for run in cut(len(asked), _piece(len(asked)))])
    order = np.argsort(asked)
    found: Floats = scores[order[np.searchsorted(asked[order], candidates)]]
    return found


def _piece(count: int) -> int:
    """Return the items of one call: at least two calls where there are two items."""
    return max(1, min(_COMPANY, count // 2))


def _scores(
    scorer: "Scorer",
    texts: "Features",
    captions: "Sequence[int] | Rows",
    videos: "Features",
    rows: "Sequence[int] | Rows",
) -> Floats:
    found: Floats = (
        scorer.score_features(
            select_rows(texts, torch.as_tensor(captions)),
            select_rows(videos, torch.as_tensor(rows)),
        )
        .cpu()
        .double()
        .numpy()
    )
    return found
