"""Best relevant scores and counts of competitors under one kind of relevance."""

from collections.abc import Callable
from typing import Final, TypeAlias

import torch

from dvtr_bench.protocol import RelevanceKind
from dvtr_bench.protocol.blocks import Block
from dvtr_bench.protocol.rank_table import Indices, QueryRanks
from dvtr_bench.protocol.relevance import ColumnRelevance, Relevance

SetHits: TypeAlias = dict[str, torch.Tensor]
"""By assumption about ties: float32, V x columns, captions of each set that compete."""

_COMPARISONS: Final[dict[str, Callable[..., torch.Tensor]]] = {
    "pessimistic": torch.ge,
    "optimistic": torch.gt,
}


class Tally:
    """What `dvtr_bench.protocol.ranks.RankCounter` keeps for one kind of relevance."""

    def __init__(
        self,
        kind: RelevanceKind,
        relevance: Relevance,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Start at no score and no competitor.

        Args:
            kind: Which relevance.
            relevance: Of the split.
            dtype: Of the scores.
            device: Where the scores are.
        """
        self.kind = kind
        queries = {
            "t2v": relevance.num_captions,
            "v2t": relevance.num_videos,
            "v2t_caption": relevance.num_videos,
        }
        self.best = {
            name: torch.full((count,), -torch.inf, dtype=dtype, device=device)
            for name, count in queries.items()
        }
        self.counts = {
            assumption: {
                name: torch.zeros(count, dtype=torch.int64, device=device)
                for name, count in queries.items()
            }
            for assumption in _COMPARISONS
        }
        self._room = torch.empty(0, device=device)
        self._spare: SetHits = {}

    def note(self, scores: torch.Tensor, block: Block, columns: ColumnRelevance) -> None:
        """Raise the best relevant scores by those of a block."""
        rows, within = on_device(columns.captions(block.captions), scores.device)
        values = scores[rows, within]
        self.best["t2v"][block.captions].scatter_reduce_(0, rows, values, "amax")
        self.best["v2t_caption"][block.videos].scatter_reduce_(0, within, values, "amax")
        rows, within = on_device(columns.captions_of_sets(block.captions), scores.device)
        values = scores[rows, within]
        self.best["v2t"][block.videos].scatter_reduce_(0, within, values, "amax")

    def count(
        self,
        scores: torch.Tensor,
        block: Block,
        relevant: tuple[torch.Tensor, ...],
        own: torch.Tensor,
        set_hits: SetHits,
    ) -> None:
        """Add the competitors that a block holds to the counts.

        Args:
            scores: float, captions x videos of the block.
            block: Where it stands.
            relevant: Rows and columns of the relevant pairs, counted from the first of the block.
            own: int64: each row's own video.
            set_hits: Of the block's columns; added to.
        """
        by_caption = self.best["t2v"][block.captions, None]
        by_video = self.best["v2t_caption"][block.videos]
        by_set = self.best["v2t"][block.videos]
        hits = self._hits(block)
        for assumption, compare in _COMPARISONS.items():
            counts = self.counts[assumption]
            compare(scores, by_caption, out=hits)
            hits[relevant] = 0.0
            counts["t2v"][block.captions] += hits.sum(1).long()
            compare(scores, by_video, out=hits)
            hits[relevant] = 0.0
            if self.kind != "strict":
                counts["v2t_caption"][block.videos] += hits.sum(0).long()
                compare(scores, by_set, out=hits)
            set_hits[assumption].index_add_(0, own, hits)

    def close(self, set_hits: SetHits, block: Block, columns: ColumnRelevance) -> None:
        """Count the sets that compete in columns of which every row was seen."""
        for assumption, hits in set_hits.items():
            counts = self.counts[assumption]
            if self.kind == "strict":
                # A video's best relevant caption is its set's best score, so the hits are the same.
                counts["v2t_caption"][block.videos] = hits.sum(0).long()
            hits[on_device(columns.sets, hits.device)] = 0.0
            counts["v2t"][block.videos] = hits.gt_(0).sum(0).long()
        self._spare = set_hits

    def ranks(self, direction: str, queries: Indices | None = None) -> QueryRanks:
        """Return the ranks of one direction."""
        rows = slice(None) if queries is None else queries
        found = {
            assumption: 1 + counts[direction].cpu().numpy()[rows]
            for assumption, counts in self.counts.items()
        }
        return QueryRanks(**found)

    def no_set_hits(self, block: Block) -> SetHits:
        """Return the hits of the caption sets in columns of which no row was seen."""
        best = self.best["v2t"]
        shape = (len(best), block.shape[1])
        # The memory of the columns before serves again: new pages cost as much as counting.
        spare, self._spare = self._spare, {}
        if spare and spare["pessimistic"].shape == shape:
            return {assumption: hits.zero_() for assumption, hits in spare.items()}
        return {assumption: torch.zeros(shape, device=best.device) for assumption in _COMPARISONS}

    def _hits(self, block: Block) -> torch.Tensor:
        """Return room for 0 and 1 as float32, the same for every block.

        The comparison writes float32 and the sum reads it with vector instructions, which bool does
        not get; exact up to 2**24 rows or columns.
        """
        size = block.shape[0] * block.shape[1]
        if size > len(self._room):
            self._room = torch.empty(size, device=self._room.device)
        return self._room[:size].view(block.shape)


def on_device(indices: tuple[Indices, ...], device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return index arrays as tensors.

    Args:
        indices: int64 arrays.
        device: Where they are needed.

    Returns:
        int64 tensors, one for each.
    """
    return tuple(torch.from_numpy(index).to(device) for index in indices)
