"""The ranks of one run, in all directions and for both kinds of relevance; groups of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import IncomparableError, InputError
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
        """Show count, range and ties, not the ranks themselves."""
        ranks = self.pessimistic
        if not len(ranks):
            return "QueryRanks(0 queries)"
        return (
            f"QueryRanks({len(ranks):,} queries, ranks {ranks.min():,} to {ranks.max():,}, median "
            f"{np.median(ranks):g}, {self.tied_queries:,} tied)"
        )

    @property
    def expected(self) -> NDArray[np.float64]:
        """float64, Q: the mean of both ranks.

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
    """All ranks of one run, with everything needed to compute figures.

    Attributes:
        caption_video_index: int64, T: row of each caption's video.
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
        """Return the video of each query: its cluster in the bootstrap.

        Args:
            direction: Direction of the queries.

        Returns:
            int64, Q: rows of the gallery.
        """
        return self.caption_video_index if direction == "t2v" else self._clusters[0]

    def query_clusters(self, direction: Direction) -> Indices:
        """Return the index of each query's video among the videos that have captions.

        Args:
            direction: Direction of the queries.

        Returns:
            int64, Q: indices into ``query_videos("v2t")``, which is in ascending order.
        """
        videos, of_captions = self._clusters
        return of_captions if direction == "t2v" else np.arange(len(videos))

    @cached_property
    def _clusters(self) -> tuple[Indices, Indices]:
        """Videos with captions, ascending, and the index of each caption's video in them."""
        videos, indices = np.unique(self.caption_video_index, return_inverse=True)
        return videos, indices

    def gallery_size(self, direction: Direction) -> int:
        """Return the number of candidates of a query.

        Args:
            direction: t2v has V candidates, v2t one per video with captions, v2t_caption T.

        Returns:
            Number of candidates, including the relevant ones.
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


Unit: TypeAlias = Literal["caption", "video"]
"""What an axis groups. If it groups videos, a caption is in the group of its video."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of one axis.

    Attributes:
        title: Title of the axis, for reports.
        unit: What is grouped.
        names: Names of the groups, in the order of reports.
        codes: int64, one per caption or video of the split: an index into ``names``.
    """

    title: str
    unit: Unit
    names: tuple[str, ...]
    codes: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that every code belongs to a group, and that group names differ."""
        if len(set(self.names)) != len(self.names) or not self.names:
            raise InputError(
                f"the groups of {self.title!r} need one name each, found {', '.join(self.names)}"
            )
        if self.codes.ndim != 1 or self.codes.dtype != np.int64 or not len(self.codes):
            raise InputError(
                f"the groups of {self.title!r} need int64 codes, one a {self.unit}, found "
                f"{self.codes.dtype} of shape {self.codes.shape}"
            )
        if self.codes.min() < 0 or self.codes.max() >= len(self.names):
            row = int(np.argmax((self.codes < 0) | (self.codes >= len(self.names))))
            raise InputError(
                f"{self.unit} {row} is in group {self.codes[row]} of {self.title!r}: expected "
                f"0..{len(self.names) - 1}"
            )

    @classmethod
    def by_number(
        cls,
        title: str,
        unit: Unit,
        values: NDArray[np.number],
        bins: Sequence[tuple[float, str]],
    ) -> "Groups":
        """Group by a number.

        Args:
            title: Title of the axis.
            unit: What is grouped.
            values: One number per caption or video.
            bins: The largest value of each group, ascending, and its name; the last group takes
                all larger values.

        Returns:
            All groups, including empty ones.

        Example:
            >>> bins = [(0, "none"), (4, "1 to 4"), (float("inf"), "5 or more")]
            >>> Groups.by_number("Boats", "video", np.array([0, 5, 4]), bins).codes.tolist()
            [0, 2, 1]
        """
        borders = [border for border, _ in bins[:-1]]
        codes = np.searchsorted(borders, values, side="left").astype(np.int64)
        return cls(title, unit, tuple(name for _, name in bins), codes)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Directions whose queries the axis can group; for captions only t2v."""
        return ("t2v",) if self.unit == "caption" else ("t2v", "v2t")

    def query_codes(self, table: RankTable, direction: Direction) -> NDArray[np.int64]:
        """Return the group of each query.

        Args:
            table: The ranks of a run.
            direction: One of `directions`.

        Returns:
            int64, Q: indices into ``names``.

        Raises:
            InputError: There are more or fewer codes than captions or videos.
        """
        video_index = table.caption_video_index
        expected = len(video_index) if self.unit == "caption" else table.num_videos
        if len(self.codes) != expected:
            raise InputError(
                f"{self.title!r} sorts {len(self.codes)} {self.unit}s, but the split has {expected}"
            )
        return self.codes if self.unit == "caption" else self.codes[table.query_videos(direction)]
