"""One pass over a sim_matrix, two where each direction has its own; the order of captions.

A model sees the videos in the order of the file, since frames are stored so. It must not see the
captions likewise: then the number of a call, or the place in a block, would tell which caption
belongs to which video, and a model that remembers them would need neither. So captions are encoded
in one random order (`dvtr_bench.features.encode`) and scored in another. Every block of the
sim_matrix keeps its captions, and every text block of a ``query_block`` model its texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from dvtr_bench.evaluation.honesty import HonestySample
from dvtr_bench.evaluation.ranking import Ranking, each_way, rank
from dvtr_bench.evaluation.top_candidates import Best, Candidates
from dvtr_bench.features.encode import Rows, order_generator
from dvtr_bench.models.retriever import features_in, scores_each_way
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.ranking.movement import of_v2t
from dvtr_bench.ranking.rank_table import QueryRanks

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.honesty import SampleConfig
    from dvtr_bench.evaluation.ranking import Scorer
    from dvtr_bench.models.retriever import Features, Retriever
    from dvtr_bench.ranking.movement import HonestyCheck
    from dvtr_bench.ranking.relevance import Relevance
    from dvtr_bench.runtime.processes import Processes

_FEW_BLOCKS: Final = 16
"""With fewer text blocks, the order of blocks hides too little: their texts are shuffled too."""


@dataclass(frozen=True, eq=False)
class CallOrder:
    """An order of the captions of a split.

    Attributes:
        rows: int64, T: the row in the file of each caption, in this order.
    """

    rows: Rows

    @classmethod
    def draw(
        cls, split: "RetrievalSplit", seed: int, *, text_block: int, block_captions: int
    ) -> "CallOrder":
        """Draw the order in which captions are scored.

        Args:
            split: The split.
            seed: As for `dvtr_bench.features.encode.order_generator`.
            text_block: Texts that the model scores together: they stay together.
            block_captions: Captions of a block of the sim_matrix, a multiple of ``text_block``:
                they stay in their block, so that few blocks hold relevant pairs.

        Returns:
            The order. A last, shorter text block stays the last one.
        """
        random = order_generator(split, seed, f"score {text_block}")
        parts = [
            run.start + _shuffled(run.stop - run.start, text_block, random)
            for run in cut(len(split.captions), block_captions)
        ]
        return cls(np.concatenate(parts))

    def of_split(self, split: "RetrievalSplit") -> "RetrievalSplit":
        """Return a split with its captions in this order; its videos stay as they are."""
        reordered: RetrievalSplit = _Reordered(split, self.rows)
        return reordered

    def of_relevance(self, relevance: "Relevance") -> "Relevance":
        """Return the relevance of the captions in this order."""
        return replace(
            relevance,
            caption_video_index=relevance.caption_video_index[self.rows],
            text_ids=relevance.text_ids[self.rows],
        )

    def in_file_order(self, ranking: "Ranking") -> "Ranking":
        """Return a ranking of the captions in this order as one in file order.

        Args:
            ranking: Made by `dvtr_bench.evaluation.ranking.rank` with ``caption_rows=rows``, so
                that captions are named as candidates by their rows in the file already.
        """
        back = np.argsort(self.rows)
        table, best = ranking.table, ranking.best["t2v"]
        places = torch.from_numpy(back)
        t2v = {
            kind: QueryRanks(ranks.pessimistic[back], ranks.optimistic[back])
            for kind, ranks in table.ranks["t2v"].items()
        }
        return replace(
            ranking,
            table=replace(
                table,
                caption_video_index=table.caption_video_index[back],
                ranks={**table.ranks, "t2v": t2v},
            ),
            best={**ranking.best, "t2v": Best(best.rows[places], best.scores[places])},
        )


class _Reordered:
    """A split with its captions in another order; everything else is the split's own."""

    def __init__(self, split: "RetrievalSplit", rows: Rows) -> None:
        self._split = split
        self.captions = tuple(split.captions[row] for row in rows)
        self.caption_ids = tuple(split.caption_ids[row] for row in rows)
        self.caption_video_index = split.caption_video_index[rows]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._split, name)


def _shuffled(count: int, text_block: int, random: np.random.Generator) -> Rows:
    """Shuffle the text blocks of a block, and the texts of each where there are few blocks."""
    whole = count // text_block
    blocks = np.arange(whole * text_block).reshape(whole, text_block)
    rest = np.arange(whole * text_block, count)
    if whole < _FEW_BLOCKS:
        blocks = random.permuted(blocks, axis=1)
        rest = random.permutation(rest)
    return np.concatenate([random.permutation(blocks).ravel(), rest])


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
