"""The order in which the captions of a split are scored, and the way back to file order.

A model sees the videos in the order of the file, since frames are stored so. It must not see the
captions likewise: then the number of a call, or the place in a block, would tell which caption
belongs to which video, and a model that remembers them would need neither. So captions are encoded
in one random order (`dvtr_bench.features.caption_order`) and scored in another. Every block of the
sim_matrix keeps its captions, and every text block of a ``query_block`` model its texts.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.evaluation.top_candidates import Best
from dvtr_bench.features.caption_order import order_generator
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.ranking.rank_table import QueryRanks

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.ranking import Ranking
    from dvtr_bench.ranking.relevance import Relevance

Rows = NDArray[np.int64]

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
            seed: As for `dvtr_bench.features.caption_order.order_generator`.
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
