"""One pass over a sim_matrix, and two where each direction has a matrix of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.evaluation.honesty import HonestySample
from dvtr_bench.evaluation.ranking import Ranking, each_way, rank
from dvtr_bench.evaluation.top_candidates import Candidates
from dvtr_bench.models.retriever import features_in, scores_each_way
from dvtr_bench.ranking.movement import of_v2t

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.honesty import SampleConfig
    from dvtr_bench.evaluation.scorer import Scorer
    from dvtr_bench.models.retriever import Features, Retriever
    from dvtr_bench.ranking.movement import HonestyCheck
    from dvtr_bench.ranking.relevance import Relevance
    from dvtr_bench.runtime.processes import Processes

    Rows = NDArray[np.int64]

_WAYS: Final = ("t2v", "v2t")


@dataclass(frozen=True, eq=False)
class Pass:
    """A sim_matrix that was ranked.

    Attributes:
        scorer: Scores it.
        sample: Pairs whose scores were kept.
        ranking: Its ranks, of both directions.
        candidates: The best ones for a reranker, by direction; empty without one.
    """

    scorer: "Scorer"
    sample: HonestySample
    ranking: Ranking
    candidates: Mapping[str, "list[Rows]"]


@dataclass(frozen=True, eq=False)
class Passes:
    """The passes of one way to score, by direction: one for both, or one for each.

    Attributes:
        t2v: The pass by which captions are ranked.
        v2t: The pass by which videos are ranked; the same one where one matrix is for both.
    """

    t2v: Pass
    v2t: Pass

    @classmethod
    def run(
        cls,
        scorer: "Scorer",
        split: "RetrievalSplit",
        relevance: "Relevance",
        caption_rows: "Rows",
        *,
        sample: "SampleConfig",
        candidates: int | None,
        label: str,
        **more: Any,
    ) -> "Passes":
        """Rank every query, each direction by its own scores where the model has such.

        Args:
            scorer: Scores the features as they were encoded.
            split: The split, its captions in the order of scoring.
            relevance: Relevance of the captions in that order.
            caption_rows: int64, T: the row in the file of each.
            sample: How many pairs are kept for the checks.
            candidates: Candidates of each query to keep for a reranker; None without one.
            label: Label of the progress bar.
            more: Further arguments of `rank`.
        """
        scorers = {"t2v": scorer}
        if scores_each_way(scorer.retriever):
            scorers = {way: scorer.in_direction(way) for way in _WAYS}
        # All samples are drawn before anything is scored: they copy the features.
        samples = {way: HonestySample(one, sample) for way, one in scorers.items()}
        found = {}
        for way, one in scorers.items():
            kept = None if candidates is None else Candidates(relevance, caption_rows, candidates)
            ranking = rank(
                one,
                split,
                relevance,
                caption_rows=caption_rows,
                watch=(samples[way].add, *([] if kept is None else [kept.add])),
                label=label if len(scorers) == 1 else f"{label}: {way}",
                **more,
            )
            processes: Processes = more["processes"]
            for other in processes.gathered(samples[way].kept):
                samples[way].take(other)
            best = {} if kept is None else kept.found(processes)
            found[way] = Pass(one, samples[way], ranking, best)
        return cls(found["t2v"], found.get("v2t", found["t2v"]))

    @property
    def each_way(self) -> bool:
        """Whether each direction has a matrix of its own."""
        return self.v2t is not self.t2v

    @property
    def by_way(self) -> dict[str, Pass]:
        """The different passes, each under the first direction that is ranked by it."""
        return {"t2v": self.t2v, "v2t": self.v2t} if self.each_way else {"t2v": self.t2v}

    @property
    def ranking(self) -> Ranking:
        """The ranks of captions by the first matrix, those of videos by the second."""
        if not self.each_way:
            return self.t2v.ranking
        return each_way(self.t2v.ranking, self.v2t.ranking)

    @property
    def candidates(self) -> "Mapping[str, list[Rows]]":
        """The best candidates for a reranker, by direction; empty without one."""
        by_way = {"t2v": self.t2v.candidates, "v2t": self.v2t.candidates}
        return {way: found[way] for way, found in by_way.items() if found}


def encoder_in(
    retriever: "Retriever",
    split: "RetrievalSplit",
    encode: "Callable[[Retriever, RetrievalSplit, Sequence[Rows]], Features]",
    way: str,
) -> "Callable[[Sequence[Rows]], Features]":
    """Return what encodes pieces of a split again, for the scores of a direction."""
    return lambda pieces: features_in(retriever, encode(retriever, split, pieces), way)


def named(checks: "Sequence[HonestyCheck]", way: str) -> "list[HonestyCheck]":
    """Return the checks of a pass under the names that they have in a record."""
    if way == "t2v":
        return list(checks)
    return [replace(check, check=of_v2t(check.check)) for check in checks]
