"""The ranks of one run, all directions and both kinds of relevance: what figures are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import IncomparableError
from dvtr_bench.ranking import Direction, RelevanceKind

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class QueryRanks:
    """The rank of the best relevant candidate of each query, counted from 1.

    Attributes:
        pessimistic: int64, Q: 1 + candidates that are not relevant and score at least as high.
            This is the rank of the protocol.
        optimistic: int64, Q: 1 + candidates that are not relevant and score higher.
    """

    pessimistic: Indices
    optimistic: Indices

    def __repr__(self) -> str:
        """Say how many, their range and the ties; not the ranks themselves."""
        ranks = self.pessimistic
        if not len(ranks):
            return "QueryRanks(0 queries)"
        return (
            f"QueryRanks({len(ranks):,} queries, ranks {ranks.min():,} to {ranks.max():,}, median "
            f"{np.median(ranks):g}, {self.tied_queries:,} tied)"
        )

    @property
    def expected(self) -> NDArray[np.float64]:
        """float64, Q: the mean of both.

        Source: Berrendorf et al., "On the Ambiguity of Rank-Based Evaluation of Entity Alignment
        or Link Prediction Methods" (2020), the realistic rank. For one relevant candidate it is
        the expectation over random orders of the tied ones.
        """
        return (self.pessimistic + self.optimistic) / 2.0

    @property
    def tied_queries(self) -> int:
        """Queries whose rank depends on how ties are broken."""
        return int((self.pessimistic != self.optimistic).sum())


@dataclass(frozen=True, eq=False)
class RankTable:
    """All ranks of one run, with what is needed to make figures of them.

    Attributes:
        caption_video_index: int64, T: each caption's own video.
        num_videos: V.
        ranks: By direction, then by kind of relevance.
    """

    caption_video_index: Indices
    num_videos: int
    ranks: Mapping[Direction, Mapping[RelevanceKind, QueryRanks]]

    def __repr__(self) -> str:
        """Sizes and directions; not the ranks themselves."""
        return (
            f"RankTable({len(self.caption_video_index):,} captions x {self.num_videos:,} videos, "
            f"{', '.join(self.ranks)})"
        )

    def query_videos(self, direction: Direction) -> Indices:
        """Return the video that each query belongs to: the cluster of the bootstrap.

        Args:
            direction: Which queries.

        Returns:
            int64, Q: rows of the gallery.
        """
        return self.caption_video_index if direction == "t2v" else self._clusters[0]

    def query_clusters(self, direction: Direction) -> Indices:
        """Return the place of each query's video among the videos that have captions.

        Args:
            direction: Which queries.

        Returns:
            int64, Q: places in ``query_videos("v2t")``, which is in ascending order.
        """
        videos, of_captions = self._clusters
        return of_captions if direction == "t2v" else np.arange(len(videos))

    @cached_property
    def _clusters(self) -> tuple[Indices, Indices]:
        """The videos that have captions, ascending, and the place of each caption's among them."""
        videos, places = np.unique(self.caption_video_index, return_inverse=True)
        return videos, places

    def gallery_size(self, direction: Direction) -> int:
        """Return the number of candidates of a query.

        Args:
            direction: t2v has V videos, v2t the caption sets that hold a caption, v2t_caption T.

        Returns:
            Candidates, the relevant ones included.
        """
        if direction == "t2v":
            return self.num_videos
        if direction == "v2t":
            return len(self._clusters[0])
        return len(self.caption_video_index)

    def require_same_queries(self, other: "RankTable") -> None:
        """Check that two runs can be compared in pairs.

        Args:
            other: Ranks of another run.

        Raises:
            IncomparableError: It has other queries.
        """
        same = np.array_equal(self.caption_video_index, other.caption_video_index)
        if not same or self.num_videos != other.num_videos:
            raise IncomparableError(
                "a paired comparison needs the same queries: found "
                f"{len(self.caption_video_index)} captions of {self.num_videos} videos and "
                f"{len(other.caption_video_index)} of {other.num_videos}, or the same number in "
                "another order"
            )
