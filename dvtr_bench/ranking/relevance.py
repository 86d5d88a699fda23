"""Which candidates are relevant to a query, from an explicit array, not the diagonal."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.ranking import RELEVANCE_KINDS, RelevanceKind
from dvtr_bench.ranking.ceilings import text_ids

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Relevance:
    """Both kinds of relevance of one split, from one array of video indices.

    Under ``strict`` relevance caption t and video v belong together when v is t's own video. Under
    ``text_identical`` they also do when a caption of v has t's text. A caption set (the captions of
    one video) is relevant to a video when they belong together through any of its captions.

    Attributes:
        caption_video_index: int64, T: each caption's own video, in any order.
        num_videos: V; videos without captions are candidates but cannot be queries.
        text_ids: int64, T: the same number for the same text.

    Example:
        >>> relevance = Relevance.of(["a lake", "a lake"], [0, 1], num_videos=3)
        >>> relevance.query_videos.tolist(), relevance.shares_text
        ([0, 1], True)
    """

    caption_video_index: Indices
    num_videos: int
    text_ids: Indices

    def __post_init__(self) -> None:
        """Check that every caption has one video of the gallery."""
        index = self.caption_video_index
        if index.ndim != 1 or len(index) == 0 or index.shape != self.text_ids.shape:
            raise InputError(
                f"relevance needs one video index and one text a caption, found shapes "
                f"{index.shape} and {self.text_ids.shape}"
            )
        if index.min() < 0 or index.max() >= self.num_videos:
            row = int(np.argmax((index < 0) | (index >= self.num_videos)))
            raise InputError(
                f"caption {row} names video {index[row]}: expected 0..{self.num_videos - 1}"
            )

    def __repr__(self) -> str:
        """Sizes, and whether texts are shared."""
        shared = "some texts" if self.shares_text else "no text"
        return (
            f"Relevance({self.num_captions:,} captions of {self.num_videos:,} videos, {shared} "
            "shared)"
        )

    @classmethod
    def of(
        cls, captions: Sequence[str], caption_video_index: Sequence[int] | Indices, num_videos: int
    ) -> "Relevance":
        """Make the relevance of captions.

        Args:
            captions: T captions, verbatim.
            caption_video_index: T video indices, in 0..V-1.
            num_videos: V.

        Returns:
            The relevance.

        Raises:
            InputError: No captions, not one index a caption, or an index outside the gallery.
        """
        index = np.asarray(caption_video_index, dtype=np.int64)
        return cls(index, num_videos, text_ids(captions))

    @property
    def num_captions(self) -> int:
        """T."""
        return len(self.caption_video_index)

    @cached_property
    def query_videos(self) -> Indices:
        """Videos that have captions, ascending: the queries of v2t and v2t_caption."""
        return np.flatnonzero(self._set_sizes)

    @cached_property
    def shares_text(self) -> bool:
        """True when two videos have a caption in common, so that the two kinds differ."""
        texts, _ = self._pairs_by_text
        return bool((texts[1:] == texts[:-1]).any())

    @property
    def kinds(self) -> tuple[RelevanceKind, ...]:
        """The kinds that differ on this split: ``strict`` alone when no text is shared."""
        return RELEVANCE_KINDS if self.shares_text else ("strict",)

    @cached_property
    def _text_videos(self) -> tuple[Indices, Indices]:
        """Each pair (text, video that has it) once, sorted by video."""
        videos, texts = _distinct(self.caption_video_index, self.text_ids)
        return texts, videos

    @cached_property
    def _pairs_by_text(self) -> tuple[Indices, Indices]:
        """The texts of those pairs, sorted, and the index of each pair."""
        return _keyed(self._text_videos[0])

    @cached_property
    def _rows_by_text(self) -> tuple[Indices, Indices]:
        """The texts of all captions, sorted, and the index of each caption."""
        return _keyed(self.text_ids)

    @cached_property
    def _rows_by_video(self) -> tuple[Indices, Indices]:
        """The videos of all captions, sorted, and the index of each caption."""
        return _keyed(self.caption_video_index)

    def sets_of(self, rows: slice) -> "BlockSets":
        """Return the caption sets of some rows.

        Args:
            rows: Rows of the sim_matrix.

        Returns:
            The sets.
        """
        ids, set_indices, counts = np.unique(
            self.caption_video_index[rows], return_inverse=True, return_counts=True
        )
        return BlockSets(ids, set_indices, whole=counts == self._set_sizes[ids])

    @cached_property
    def _set_sizes(self) -> Indices:
        """int64, V: captions of each video."""
        return np.bincount(self.caption_video_index, minlength=self.num_videos)

    def of_videos(self, kind: RelevanceKind, videos: slice) -> "ColumnRelevance":
        """Return what is relevant within a run of videos.

        Args:
            kind: Which relevance.
            videos: Columns of the sim_matrix.

        Returns:
            The relevance of those columns.
        """
        return ColumnRelevance(self, kind, videos)


@dataclass(frozen=True, eq=False)
class BlockSets:
    """The caption sets of some rows.

    Attributes:
        ids: int64, n: the sets, named by their video, ascending.
        set_indices: int64, rows: the index in ``ids`` of each row's set.
        whole: bool, n: whether the rows hold every caption of the set.
    """

    ids: Indices
    set_indices: Indices
    whole: NDArray[np.bool_]


class ColumnRelevance:
    """What is relevant within some columns of the sim_matrix, as sparse pairs in order of rows.

    Attributes:
        sets: Relevant (caption set, column) pairs, by set; columns count from the first of the run.
    """

    def __init__(self, relevance: Relevance, kind: RelevanceKind, videos: slice) -> None:
        """Find the pairs of the columns; see `Relevance.of_videos`."""
        self.sets: tuple[Indices, Indices]
        if kind == "strict":
            keys = np.arange(videos.start, videos.stop)
            columns, rows_by_key = keys - videos.start, relevance._rows_by_video
            self.sets = keys, columns
        else:
            texts, owners = relevance._text_videos
            first, last = np.searchsorted(owners, [videos.start, videos.stop])
            keys, columns = texts[first:last], owners[first:last] - videos.start
            rows_by_key = relevance._rows_by_text
            key_indices, pair = _join(*relevance._pairs_by_text, keys)
            self.sets = _distinct(owners[pair], columns[key_indices])
        self._captions = _by_row(keys, columns, rows_by_key)
        self._captions_of_sets = _by_row(*self.sets, relevance._rows_by_video)

    def captions(self, rows: slice) -> tuple[Indices, Indices]:
        """Return the pairs in which the caption itself is relevant.

        Args:
            rows: Rows of the sim_matrix.

        Returns:
            int64 twice: row and column of each pair, counted from the first of the block.
        """
        return _within(self._captions, rows)

    def captions_of_sets(self, rows: slice) -> tuple[Indices, Indices]:
        """Return the pairs in which the caption's set is relevant, through any of its captions.

        Args:
            rows: Rows of the sim_matrix.

        Returns:
            int64 twice: row and column of each pair, counted from the first of the block.
        """
        return _within(self._captions_of_sets, rows)


def _by_row(
    keys: Indices, columns: Indices, rows_by_key: tuple[Indices, Indices]
) -> tuple[Indices, Indices]:
    """Return each (row that has a key, column of that key), by row."""
    key_indices, rows = _join(*rows_by_key, keys)
    order = np.argsort(rows, kind="stable")
    return rows[order], columns[key_indices][order]


def _within(pairs: tuple[Indices, Indices], rows: slice) -> tuple[Indices, Indices]:
    first, last = np.searchsorted(pairs[0], [rows.start, rows.stop])
    return pairs[0][first:last] - rows.start, pairs[1][first:last]


def _join(keys: Indices, columns: Indices, wanted: Indices) -> tuple[Indices, Indices]:
    """Return each pair (index in wanted, column) whose key is wanted; keys ascend."""
    first = np.searchsorted(keys, wanted, side="left")
    counts = np.searchsorted(keys, wanted, side="right") - first
    rows = np.repeat(np.arange(len(wanted)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, columns[first[rows] + within]


def _keyed(keys: Indices) -> tuple[Indices, Indices]:
    order = np.argsort(keys, kind="stable")
    return keys[order], order


def _distinct(first: Indices, second: Indices) -> tuple[Indices, Indices]:
    """Return each pair once, sorted; one key per pair sorts far faster than rows."""
    width = int(second.max(initial=0)) + 1
    pairs = np.sort(first * width + second, kind="stable")
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return pairs // width, pairs % width
