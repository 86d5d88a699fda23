"""The best candidates of every query, collected block by block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.ranking import Direction
from dvtr_bench.results.top_lists import TopList, TopLists

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.blocks import Block
    from dvtr_bench.ranking.relevance import Relevance
    from dvtr_bench.runtime.processes import Processes

_NOBODY: Final = torch.iinfo(torch.int64).max
"""Row of an empty entry, sorted after every candidate."""

_FIELDS: Final = ("rows", "scores")


@dataclass(frozen=True, eq=False)
class Best:
    """The best candidates of the queries of one direction.

    Attributes:
        rows: int64, Q x k: rows of the candidates, best first, equal scores in row order. k is at
            most the gallery's size.
        scores: Q x k, in the dtype of the scores.
    """

    rows: torch.Tensor
    scores: torch.Tensor


class TopCandidates:
    """Keeps the k best candidates of each query in all directions.

    ``t2v``: videos for each caption. ``v2t_caption``: captions for each video. ``v2t``: caption
    sets for each video, named by their video; the score of a set is that of its best caption.
    """

    def __init__(
        self,
        k: int,
        caption_video_index: torch.Tensor,
        num_videos: int,
        caption_rows: torch.Tensor | None = None,
    ) -> None:
        """Start without candidates.

        Args:
            k: Number of candidates to keep.
            caption_video_index: int64, T: the video of each caption.
            num_videos: V.
            caption_rows: int64, T: by which row a caption is named as a candidate; None for its
                own.
        """
        captions, sets = len(caption_video_index), len(torch.unique(caption_video_index))
        self._own = caption_video_index
        self._caption_rows = torch.arange(captions) if caption_rows is None else caption_rows
        self._kept: dict[Direction, KeptBest] = {
            "t2v": KeptBest(captions, min(k, num_videos)),
            "v2t": KeptBest(num_videos, min(k, sets)),
            "v2t_caption": KeptBest(num_videos, min(k, captions)),
        }

    def add(self, scores: torch.Tensor, block: "Block") -> None:
        """Merge a block; each block of the grid must be added exactly once.

        Args:
            scores: float, captions x videos of the block.
            block: The block.
        """
        self._own = self._own.to(scores.device)
        self._caption_rows = self._caption_rows.to(scores.device)
        captions = torch.arange(block.captions.start, block.captions.stop, device=scores.device)
        videos = torch.arange(block.videos.start, block.videos.stop, device=scores.device)
        self._kept["t2v"].merge(scores, captions, videos, scores.amax(1))
        by_video, best = scores.T, scores.amax(0)
        named = self._caption_rows[block.captions]
        self._kept["v2t_caption"].merge(by_video, videos, named, best)
        if len(rising := self._kept["v2t"].rising(videos, best)):
            sets, place = torch.unique(self._own[block.captions], return_inverse=True)
            by_set = scores.new_full((len(rising), len(sets)), -torch.inf)
            by_set.scatter_reduce_(1, place.expand(len(rising), -1), by_video[rising], "amax")
            self._kept["v2t"].merge(by_set, videos[rising], sets, best[rising])

    def merged(self, processes: "Processes") -> dict[Direction, Best]:
        """Join the candidates of all processes.

        Args:
            processes: The processes that shared the blocks.

        Returns:
            Candidates by direction, on the CPU; the same in every process.
        """
        return {direction: kept.merged(processes) for direction, kept in self._kept.items()}


def top_lists(best: dict[Direction, Best], split: "RetrievalSplit") -> TopLists:
    """Return the ids of the best candidates.

    Args:
        best: Rows of the best candidates by direction.
        split: The split.

    Returns:
        Ids by direction; videos without captions are not queries.
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


class Candidates:
    """The best candidates of each query, collected while the first model's scores are ranked."""

    def __init__(self, relevance: "Relevance", caption_rows: NDArray[np.int64], top: int) -> None:
        """Start without candidates.

        Args:
            relevance: Relevance of the captions in the order in which they are scored.
            caption_rows: int64, T: the row in the file of each.
            top: Candidates of each query.
        """
        self._top = top
        # One more than is wanted tells whether the last one ties with the next.
        self._kept = TopCandidates(
            top + 1,
            torch.tensor(relevance.caption_video_index),
            relevance.num_videos,
            torch.from_numpy(caption_rows),
        )

    def add(self, scores: torch.Tensor, block: "Block") -> None:
        """Merge a block of scores; each block of the grid must be added exactly once."""
        self._kept.add(scores, block)

    def found(self, processes: "Processes") -> dict[str, list[NDArray[np.int64]]]:
        """Return the rows of the candidates of each query, by direction, in row order.

        Args:
            processes: The processes that shared the blocks.

        Returns:
            ``t2v``: rows of videos, of each caption in the order of scoring; ``v2t``: rows of
            captions in the file, of each video.
        """
        best = self._kept.merged(processes)
        return {
            "t2v": above_the_border(best["t2v"], self._top),
            "v2t": above_the_border(best["v2t_caption"], self._top),
        }


def above_the_border(best: Best, top: int) -> list[NDArray[np.int64]]:
    """Return the best candidates of each query, without those that tie with the next one.

    Args:
        best: At least ``top + 1`` candidates of each query, or the whole gallery.
        top: Most candidates to return.

    Returns:
        Ascending rows of the candidates of each query.

    Example:
        >>> rows, scores = torch.tensor([[4, 0, 2]]), torch.tensor([[0.9, 0.5, 0.5]])
        >>> [found.tolist() for found in above_the_border(Best(rows, scores), 2)]
        [[4]]
    """
    rows, scores = best.rows.numpy(), best.scores.double().numpy()
    if rows.shape[1] <= top:
        return [np.sort(of) for of in rows]
    inside = scores[:, :top] > scores[:, top : top + 1]
    return [np.sort(of[:top][keep]) for of, keep in zip(rows, inside, strict=True)]


class KeptBest:
    """The best candidates so far of some queries; memory is allocated for the first block."""

    def __init__(self, queries: int, k: int) -> None:
        """Start without candidates.

        Args:
            queries: Q.
            k: Number of candidates to keep of each query, at most the size of the gallery.
        """
        self._queries = queries
        self._k = k
        self._rows = torch.empty(0, 0, dtype=torch.int64)
        self._scores = torch.empty(0, 0)

    def rising(self, queries: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
        """Return indices of the queries whose best new score is at least the worst one kept."""
        self._prepare(best)
        return (best >= self._scores[queries, -1]).nonzero()[:, 0]

    def merge(
        self,
        scores: torch.Tensor,
        queries: torch.Tensor,
        candidates: torch.Tensor,
        best: torch.Tensor,
    ) -> None:
        """Merge a block; most blocks have no better candidate for most queries.

        Args:
            scores: float, queries x candidates of the block.
            queries: int64: rows of its queries.
            candidates: int64: rows of its candidates; each pair must be merged exactly once.
            best: The best score of each query in the block.
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
        """Join the candidates of all processes.

        Args:
            processes: The processes that shared the blocks.

        Returns:
            The candidates, on the CPU; the same in every process. Equal scores are in row order.
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
    """Return the k best candidates of each query, each candidate once with its best score."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    order = rows.argsort(dim=1, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    again = torch.zeros_like(rows, dtype=torch.bool)
    again[:, 1:] = rows[:, 1:] == rows[:, :-1]
    rows, scores = rows.masked_fill(again, _NOBODY), scores.masked_fill(again, -torch.inf)
    # Candidates come before empty entries even if both scores are -inf.
    order = rows.argsort(dim=1, stable=True)
    rows, scores = rows.gather(1, order), scores.gather(1, order)
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    return rows.gather(1, order), scores.gather(1, order)
