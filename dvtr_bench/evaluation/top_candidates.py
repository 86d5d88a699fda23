"""The best candidates of every query, kept while blocks of the sim_matrix pass by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from dvtr_bench.ranking import Direction
from dvtr_bench.results.top_lists import TopList, TopLists

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.blocks import Block
    from dvtr_bench.runtime.processes import Processes

_NOBODY: Final = torch.iinfo(torch.int64).max
"""Row of an empty place: after every candidate."""

_FIELDS: Final = ("rows", "scores")


@dataclass(frozen=True, eq=False)
class Best:
    """The best candidates of the queries of one direction.

    Attributes:
        rows: int64, Q x k: row of each candidate, best first; of equal scores the first row. k is
            the gallery's size where that is smaller.
        scores: Q x k, in the dtype of the scores.
    """

    rows: torch.Tensor
    scores: torch.Tensor


class TopCandidates:
    """Keeps the k best candidates of each query, all directions.

    ``t2v``: videos of each caption. ``v2t_caption``: captions of each video. ``v2t``: caption sets
    of each video, named by their video, a set scoring what its best caption scores.
    """

    def __init__(self, k: int, caption_video_index: torch.Tensor, num_videos: int) -> None:
        """Start with nothing seen.

        Args:
            k: Candidates to keep.
            caption_video_index: int64, T: each caption's own video.
            num_videos: V.
        """
        captions, sets = len(caption_video_index), len(torch.unique(caption_video_index))
        self._own = caption_video_index
        self._kept: dict[Direction, KeptBest] = {
            "t2v": KeptBest(captions, min(k, num_videos)),
            "v2t": KeptBest(num_videos, min(k, sets)),
            "v2t_caption": KeptBest(num_videos, min(k, captions)),
        }

    def add(self, scores: torch.Tensor, block: "Block") -> None:
        """Merge a block; each block of a grid must come once.

        Args:
            scores: float, captions x videos of the block.
            block: Where it stands.
        """
        self._own = self._own.to(scores.device)
        captions = torch.arange(block.captions.start, block.captions.stop, device=scores.device)
        videos = torch.arange(block.videos.start, block.videos.stop, device=scores.device)
        self._kept["t2v"].merge(scores, captions, videos, scores.amax(1))
        by_video, best = scores.T, scores.amax(0)
        self._kept["v2t_caption"].merge(by_video, videos, captions, best)
        if len(rising := self._kept["v2t"].rising(videos, best)):
            sets, place = torch.unique(self._own[block.captions], return_inverse=True)
            by_set = scores.new_full((len(rising), len(sets)), -torch.inf)
            by_set.scatter_reduce_(1, place.expand(len(rising), -1), by_video[rising], "amax")
            self._kept["v2t"].merge(by_set, videos[rising], sets, best[rising])

    def merged(self, processes: "Processes") -> dict[Direction, Best]:
        """Join what every process kept.

        Args:
            processes: Those that shared the blocks.

        Returns:
            By direction, on the CPU; the same in every process.
        """
        return {direction: kept.merged(processes) for direction, kept in self._kept.items()}


def top_lists(best: dict[Direction, Best], split: "RetrievalSplit") -> TopLists:
    """Name the best candidates.

    Args:
        best: By direction, rows.
        split: Names the rows.

    Returns:
        By direction, ids; videos without captions are no queries.
    """
    queries = np.unique(split.caption_video_index)
    videos = [split.video_ids[row] for row in queries]
    lists: dict[Direction, TopList] = {}
    for direction, found in best.items():
        rows, scores = found.rows.numpy(), found.scores.double().numpy()
        if direction == "t2v":
            lists[direction] = TopList.of(split.caption_ids, split.video_ids, rows, scores)
        else:
            gallery = split.video_ids if direction == "v2t" else split.caption_ids
            lists[direction] = TopList.of(videos, gallery, rows[queries], scores[queries])
    return lists


class KeptBest:
    """The best so far of some queries: row numbers and scores, made when the first block comes."""

    def __init__(self, queries: int, k: int) -> None:
        """Start with nothing seen.

        Args:
            queries: Q.
            k: Candidates to keep of each, at most as many as there are.
        """
        self._queries = queries
        self._k = k
        self._rows = torch.empty(0, 0, dtype=torch.int64)
        self._scores = torch.empty(0, 0)

    def rising(self, queries: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
        """Return the places of the queries whose best new score reaches the worst one kept."""
        self._prepare(best)
        return (best >= self._scores[queries, -1]).nonzero()[:, 0]

    def merge(
        self,
        scores: torch.Tensor,
        queries: torch.Tensor,
        candidates: torch.Tensor,
        best: torch.Tensor,
    ) -> None:
        """Merge a block; most blocks hold nothing for most queries.

        Args:
            scores: float, queries x candidates of the block.
            queries: int64: rows of its queries.
            candidates: int64: rows of its candidates, each pair once in all blocks.
            best: As the scores: the best of each line.
        """
        places = self.rising(queries, best)
        if not len(places):
            return
        there = queries[places]
        rows, kept = _best_of(
            torch.cat([self._rows[there], candidates.expand(len(places), -1)], dim=1),
            torch.cat([self._scores[there], scores[places]], dim=1),
            self._k,
        )
        self._rows[there], self._scores[there] = rows, kept

    def merged(self, processes: "Processes") -> Best:
        """Join what every process kept.

        Args:
            processes: Those that shared the blocks.

        Returns:
            On the CPU; the same in every process. Of equal scores the first row.
        """
        mine = Best(self._rows.cpu(), self._scores.cpu()) if len(self._rows) else None
        return _joined([part for part in processes.gathered(mine) if part])

    def _prepare(self, scores: torch.Tensor) -> None:
        if not len(self._rows):
            shape = (self._queries, self._k)
            self._rows = torch.full(shape, _NOBODY, device=scores.device)
            self._scores = torch.full(shape, -torch.inf, dtype=scores.dtype, device=scores.device)


def _joined(parts: Sequence[Best]) -> Best:
    k = parts[0].rows.shape[1]
    rows, scores = (torch.cat([getattr(part, name) for part in parts], dim=1) for name in _FIELDS)
    return Best(*_best_of(rows, scores, k))


def _best_of(rows: torch.Tensor, scores: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the k best of each line, each candidate once, by its best score."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    order = rows.argsort(dim=1, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    again = torch.zeros_like(rows, dtype=torch.bool)
    again[:, 1:] = rows[:, 1:] == rows[:, :-1]
    rows, scores = rows.masked_fill(again, _NOBODY), scores.masked_fill(again, -torch.inf)
    # Candidates come before the empty places even when both score -inf.
    order = rows.argsort(dim=1, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    return rows.gather(1, order), scores.gather(1, order)
