"""Exact ranks in both directions, from one pass over the blocks of the sim_matrix.

A rank is a count: 1 + the candidates that are not relevant and score at least as high as the best
relevant one. Counts add up over blocks once that best relevant score is known, so there are two
passes over one grid of blocks:

1. `note_relevant` reads the blocks that hold relevant pairs and keeps the best score of each query.
   If the captions of a video are adjacent, these are the blocks on the diagonal: a few percent.
2. `count` reads every block once and compares.

The best relevant score thus comes from the same block as its competitors: the same call on the same
items. A score computed elsewhere could differ in its last bit and break a true tie. `count` reads
each caption's own pair again and raises if the model scored it differently.

For v2t, "the set's best caption scores at least x" means "one of its captions does", so no maximum
is needed, only one bit per set. A set whose captions are in one block is counted there; sets that
span several blocks wait, one byte per column, until their run of columns is complete. Memory is at
most T x (columns of a block), never captions x videos.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import InputError, NotANumberError, ProtocolError
from dvtr_bench.ranking import RelevanceKind
from dvtr_bench.ranking.blocks import Block, OpenSets, Scores, Tally
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.ranking.relevance import BlockSets, ColumnRelevance, Relevance


class RankCounter:
    """Counts the ranks of every query from blocks fed in any order, cut at the same columns.

    Example:
        >>> import torch
        >>> from dvtr_bench.ranking.blocks import Grid
        >>> sim_matrix = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
        >>> counter = RankCounter(Relevance.of(["a", "b", "c"], [0, 1, 1], num_videos=2), "doc")
        >>> for read in (counter.note_relevant, counter.count):
        ...     for block in Grid(3, 2, block_captions=2, block_videos=2):
        ...         read(sim_matrix[block.captions, block.videos], block)
        >>> counter.table().ranks["t2v"]["strict"].pessimistic.tolist()
        [1, 1, 2]

    Several counters, in several processes, can share the runs of columns: between the passes they
    take the maximum of `best_relevant` over all counters, and before `table` the sum of `counted`.

    Attributes:
        nans: The NaN scores so far.
    """

    def __init__(
        self,
        relevance: Relevance,
        model_name: str,
        *,
        caption_ids: Sequence[str] | None = None,
        video_ids: Sequence[str] | None = None,
    ) -> None:
        """Prepare the counts of a split.

        Args:
            relevance: What is relevant to what.
            model_name: The model, for messages.
            caption_ids: T ids for messages; row numbers when left out.
            video_ids: V ids for messages; column numbers when left out.
        """
        self._relevance = relevance
        self._model_name = model_name
        self._caption_ids = caption_ids
        self._video_ids = video_ids
        self._tallies = {kind: Tally(relevance) for kind in relevance.kinds}
        self.nans = NanCount()
        self._row_sets: dict[tuple[int, int], BlockSets] = {}
        self._open: dict[tuple[int, int], _OpenColumns] = {}
        self._columns_done = np.zeros(relevance.num_videos, dtype=np.int64)
        self._prepared: tuple[tuple[int, int], dict[RelevanceKind, ColumnRelevance]] | None = None

    def wanted(self, blocks: Sequence[Block]) -> set[int]:
        """Return which blocks `note_relevant` needs.

        Args:
            blocks: Positions of the blocks.

        Returns:
            Indices into ``blocks`` of those with a caption whose set is relevant to one of their
            videos.
        """
        kind = self._relevance.kinds[-1]  # includes the pairs of the other kinds
        return {
            number
            for number, block in enumerate(blocks)
            if len(self._columns(block)[kind].captions_of_sets(block.captions)[0])
        }

    def note_relevant(self, scores: torch.Tensor, block: Block) -> None:
        """Keep the best relevant scores of a block; blocks without relevant pairs may be left out.

        Args:
            scores: float, captions x videos of the block.
            block: The block's position.

        Raises:
            InputError: The scores have another shape than the block.
        """
        values = self._checked(scores, block)
        for kind, columns in self._columns(block).items():
            self._tallies[kind].note(values, block, columns)

    def count(self, scores: torch.Tensor, block: Block) -> None:
        """Count the competitors in a block, after every relevant score is known.

        Args:
            scores: float, captions x videos of the block, the same as `note_relevant` got.
            block: The block's position.

        Raises:
            InputError: The scores have another shape than the block.
            ProtocolError: A pair was counted twice, or its score changed.
        """
        values = self._checked(scores, block)
        state, sets = self._opened(block), self._sets(block)
        nans = 0
        for kind, columns in self._columns(block).items():
            open_sets = state.open_sets[kind]
            nans = self._tallies[kind].count(values, block, columns, sets, open_sets)
        if nans:
            self.nans.add(values, block)
        else:
            self._require_same(values, block)
        if state.rows_seen.all():
            for kind, tally in self._tallies.items():
                tally.close(state.open_sets[kind], block)
            del self._open[_key(block)]
            self._columns_done[block.videos] += 1

    @property
    def best_relevant(self) -> list[torch.Tensor]:
        """The best relevant scores of every query, as writable tensors."""
        tallies = self._tallies.values()
        return [torch.from_numpy(best) for tally in tallies for best in tally.best.values()]

    @property
    def counted(self) -> list[torch.Tensor]:
        """All counts, as writable tensors."""
        counts = [count for tally in self._tallies.values() for count in tally.counts.values()]
        return [*map(torch.from_numpy, counts), torch.from_numpy(self._columns_done)]

    def table(self) -> RankTable:
        """Return the ranks, after every pair was counted.

        Returns:
            Ranks of every query, both kinds of relevance.

        Raises:
            NotANumberError: Scores were NaN; the message names the model, the count and the first
                pair.
            ProtocolError: Some pairs were never counted.
        """
        relevance = self._relevance
        if len(wrong := np.flatnonzero(self._columns_done != 1)):
            column = int(wrong[0])
            raise ProtocolError(
                f"{self._model_name}: not every pair was counted once: video "
                f"{self._name(self._video_ids, column)} was compared with every caption "
                f"{int(self._columns_done[column])} times, and {len(wrong)} videos were not "
                "compared once: feed every block once"
            )
        self.nans.require_none(self._model_name, self._caption_ids, self._video_ids)
        strict = self._tallies["strict"]
        identical = self._tallies.get("text_identical", strict)
        tallies: dict[RelevanceKind, Tally] = {"strict": strict, "text_identical": identical}
        queries = relevance.query_videos
        return RankTable(
            relevance.caption_video_index,
            relevance.num_videos,
            {
                "t2v": {kind: tally.ranks("t2v") for kind, tally in tallies.items()},
                "v2t": {kind: tally.ranks("v2t", queries) for kind, tally in tallies.items()},
                "v2t_caption": {
                    kind: tally.ranks("v2t_caption", queries) for kind, tally in tallies.items()
                },
            },
        )

    def _checked(self, scores: torch.Tensor, block: Block) -> Scores:
        if tuple(scores.shape) != block.shape:
            raise InputError(
                f"{self._model_name}: scores of {block} have shape {tuple(scores.shape)}: expected "
                f"{block.shape} (captions x videos)"
            )
        # Half precision becomes float32, which holds each of its numbers.
        wide = scores if scores.dtype == torch.float64 else scores.float()
        return np.ascontiguousarray(wide.detach().cpu().numpy())

    def _columns(self, block: Block) -> dict[RelevanceKind, ColumnRelevance]:
        if self._prepared is None or self._prepared[0] != _key(block):
            kinds = self._relevance.kinds
            columns = {kind: self._relevance.of_videos(kind, block.videos) for kind in kinds}
            self._prepared = (_key(block), columns)
        return self._prepared[1]

    def _opened(self, block: Block) -> "_OpenColumns":
        key = _key(block)
        if key not in self._open:
            others = [other for other in self._open if other[0] < key[1] and key[0] < other[1]]
            if others or self._columns_done[block.videos].any():
                raise ProtocolError(
                    f"{self._model_name}: {block} overlaps videos counted before "
                    f"({others or 'complete'}): feed every pair once, cut at the same videos"
                )
            self._open[key] = _OpenColumns(
                rows_seen=np.zeros(self._relevance.num_captions, dtype=bool),
                open_sets={kind: [] for kind in self._tallies},
            )
        state = self._open[key]
        if state.rows_seen[block.captions].any():
            raise ProtocolError(f"{self._model_name}: {block} was counted twice")
        state.rows_seen[block.captions] = True
        return state

    def _sets(self, block: Block) -> BlockSets:
        key = block.captions.start, block.captions.stop
        if key not in self._row_sets:
            self._row_sets[key] = self._relevance.sets_of(block.captions)
        return self._row_sets[key]

    def _require_same(self, scores: Scores, block: Block) -> None:
        rows, within = self._columns(block)["strict"].captions(block.captions)
        now, then = scores[rows, within], self._tallies["strict"].best["t2v"][block.captions][rows]
        if (moved := now != then).any():
            at = int(moved.argmax())
            raise ProtocolError(
                f"{self._model_name}: the same call gave two scores: caption "
                f"{self._name(self._caption_ids, block.captions.start + int(rows[at]))} and its "
                f"own video scored {float(then[at])!r}, then {float(now[at])!r}. Switch dropout "
                "off (eval mode) and use deterministic kernels"
            )

    def _name(self, ids: Sequence[str] | None, index: int) -> str:
        return str(index) if ids is None else repr(ids[index])


@dataclass
class _OpenColumns:
    """A run of columns of which some rows were not read yet."""

    rows_seen: NDArray[np.bool_]
    open_sets: dict[RelevanceKind, OpenSets]


@dataclass
class NanCount:
    """Counts NaN scores and keeps the first position, in caption order, then video order.

    Attributes:
        count: Number of NaN scores.
        first: Row and column of the first one; None when there is none.
    """

    count: int = 0
    first: tuple[int, int] | None = None

    @classmethod
    def joined(cls, parts: Sequence["NanCount"]) -> "NanCount":
        """Join the counts of several counters."""
        firsts = [part.first for part in parts if part.first is not None]
        return cls(sum(part.count for part in parts), min(firsts, default=None))

    def add(self, scores: Scores, block: Block) -> None:
        """Add the NaN scores of a block."""
        positions = np.argwhere(np.isnan(scores))
        self.count += len(positions)
        row, column = (int(index) for index in positions[0])
        first = (block.captions.start + row, block.videos.start + column)
        self.first = first if self.first is None else min(self.first, first)

    def require_none(
        self, model_name: str, captions: Sequence[str] | None, videos: Sequence[str] | None
    ) -> None:
        """Raise if there are any."""
        if self.first is None:
            return
        row, column = self.first
        raise NotANumberError(
            f"{model_name}: {self.count} scores are NaN, the first for caption "
            f"{row if captions is None else repr(captions[row])} and video "
            f"{column if videos is None else repr(videos[column])}: no query is ranked. Look for a "
            "zero vector that is normalised, or an overflow in half precision"
        )


def _key(block: Block) -> tuple[int, int]:
    return block.videos.start, block.videos.stop
