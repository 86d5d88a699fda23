"""Find near-duplicate clips by an exact search over the hashes of all stored frames.

Measured on 48 real drone clips and eight copies of each (crf 38, half size, 12 frames a second,
brightened, 6% cropped away, the first 0.4 s or the first 30% cut off, mirrored): every copy had two
or more frames within 8 bits of its clip's, and in 1,128 pairs of different clips no frames were
nearer than 12 bits. The hash of a whole clip separates less: copies without their first 30%
differed by up to 26 bits, different clips by 20 or more.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.runtime.faiss_library import load_faiss
from dvtr_bench.runtime.progress import progress_bar
from dvtr_bench.video.perceptual_hash import MIRROR_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from builders.checks.audit.frame_looks import FrameLooks

MAX_BITS: Final = 8
"""Largest number of differing bits, of 64, between the hashes of matching frames."""

MIN_FRAMES: Final = 2
"""Frames of each clip that must be found in the other; all if a clip has fewer."""

INDEX_FRAMES: Final = 1 << 16
QUERY_FRAMES: Final = 1 << 8
"""Frames per index and per query batch; memory is bounded by their product."""


@dataclass(frozen=True)
class Gallery:
    """The clips to search: only textured frames, in the order of the clips.

    Attributes:
        hashes: int64, F.
        clips: int64, F: the clip of each frame, ascending.
        part: int64, N: the number of each clip's split.
    """

    hashes: "NDArray[np.int64]"
    clips: "NDArray[np.int64]"
    part: "NDArray[np.int64]"

    @classmethod
    def of(cls, parts: "Sequence[FrameLooks]") -> "Gallery":
        """Join splits.

        Args:
            parts: Frame statistics of each split.
        """
        hashes, clips, part, first = [], [], [], 0
        for number, looks in enumerate(parts):
            count = len(looks.starts) - 1
            owner = np.repeat(np.arange(first, first + count), np.diff(looks.starts))
            hashes.append(looks.hashes[looks.textured])
            clips.append(owner[looks.textured])
            part.append(np.full(count, number))
            first += count
        return cls(np.concatenate(hashes), np.concatenate(clips), np.concatenate(part))


@dataclass(frozen=True)
class FoundPair:
    """Two near-duplicate clips.

    Attributes:
        first: The earlier clip.
        second: The later clip.
        frames: Frames of one clip that are found in the other; the smaller of both directions.
        bits: Differing bits of the two nearest frames.
        mirrored: Whether one is the mirror image of the other.
    """

    first: int
    second: int
    frames: int
    bits: int
    mirrored: bool


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        pairs: The pairs kept: the most urgent first, then by frames in common.
        counts: int64, P x P: all pairs of an earlier part and a later one.
        clips: bool, P x N: clips that have a near-duplicate in each part.
    """

    pairs: tuple[FoundPair, ...]
    counts: "NDArray[np.int64]"
    clips: "NDArray[np.bool_]"


def find_pairs(
    gallery: Gallery, urgency: "NDArray[np.int64]", searched: int, kept: int, show_progress: bool
) -> Found:
    """Find the pairs of clips that show the same pictures.

    Every frame is compared with every other one (FAISS's flat binary index), in blocks, so that
    memory does not grow quadratically.

    Args:
        gallery: All clips.
        urgency: int64, P x P: how much a pair of an earlier part and a later one matters.
        searched: Parts below this number are compared with all parts; later parts are not compared
            with each other.
        kept: Number of pairs to list; others are only counted.
        show_progress: Whether to show a progress bar.

    Returns:
        The pairs.
    """
    parts = int(gallery.part.max(initial=-1)) + 1
    counts = np.zeros((parts, parts), dtype=np.int64)
    clips = np.zeros((parts, len(gallery.part)), dtype=np.bool_)
    best: list[tuple[tuple[int, int, int, int, int], FoundPair]] = []
    for pair in _all_pairs(gallery, searched, show_progress):
        of, in_ = int(gallery.part[pair.first]), int(gallery.part[pair.second])
        counts[of, in_] += 1
        clips[in_, pair.first] = clips[of, pair.second] = True
        rank = (int(urgency[of, in_]), pair.frames, -pair.bits, -pair.first, -pair.second)
        if len(best) < kept:
            heapq.heappush(best, (rank, pair))
        else:
            heapq.heappushpop(best, (rank, pair))
    return Found(tuple(pair for _, pair in sorted(best, reverse=True)), counts, clips)


def _all_pairs(gallery: Gallery, searched: int, show_progress: bool) -> Iterator[FoundPair]:
    last_clip = int((gallery.part < searched).sum())
    bounds = np.searchsorted(gallery.clips, np.arange(len(gallery.part) + 1))
    shards = list(_cut(bounds, len(gallery.part), INDEX_FRAMES))
    blocks = list(_cut(bounds, last_clip, QUERY_FRAMES))
    steps = sum(block[0] < shard[1] for shard in shards for block in blocks)
    with progress_bar("compare frames", steps, enabled=show_progress) as advance:
        for shard in shards:
            index = _index(gallery.hashes[bounds[shard[0]] : bounds[shard[1]]])
            for block in blocks:
                if block[0] < shard[1]:
                    yield from _pairs_of_block(gallery, bounds, block, shard, index)
                    advance()


def _cut(bounds: "NDArray[np.int64]", clips: int, frames: int) -> Iterator[tuple[int, int]]:
    """Cut clips into groups of about this many frames, without splitting clips."""
    first = 0
    while first < clips:
        after = int(np.searchsorted(bounds, bounds[first] + frames, side="right")) - 1
        after = min(max(after, first + 1), clips)
        yield first, after
        first = after


def _pairs_of_block(
    gallery: Gallery,
    bounds: "NDArray[np.int64]",
    block: tuple[int, int],
    shard: tuple[int, int],
    index: Any,
) -> Iterator[FoundPair]:
    hashes = gallery.hashes[bounds[block[0]] : bounds[block[1]]]
    if not len(hashes) or not index.ntotal:
        return
    best: dict[tuple[int, int], FoundPair] = {}
    for mirrored in (False, True):
        queries = hashes ^ np.int64(MIRROR_BITS) if mirrored else hashes
        # FAISS's radius is exclusive.
        limits, bits, gallery_rows = index.range_search(_as_bytes(queries), MAX_BITS + 1)
        query_rows = np.repeat(np.arange(len(hashes)), np.diff(limits.astype(np.int64)))
        matches = _Matches(bounds[block[0]] + query_rows, bounds[shard[0]] + gallery_rows, bits)
        for pair in _pairs_of_matches(gallery, bounds, matches, mirrored):
            best_pair = best.get((pair.first, pair.second))
            if best_pair is None or best_pair.frames < pair.frames:
                best[pair.first, pair.second] = pair
    yield from best.values()


@dataclass(frozen=True)
class _Matches:
    """Matching frames: rows of the gallery's frames, and their differing bits."""

    here: "NDArray[np.int64]"
    there: "NDArray[np.int64]"
    bits: "NDArray[np.int32]"


def _pairs_of_matches(
    gallery: Gallery, bounds: "NDArray[np.int64]", matches: _Matches, mirrored: bool
) -> Iterator[FoundPair]:
    """Group matching frames by pair of clips, each pair from its earlier clip."""
    first, second = gallery.clips[matches.here], gallery.clips[matches.there]
    pair = first * len(gallery.part) + second
    order = np.argsort(pair, kind="stable")
    order = order[second[order] > first[order]]
    pair, here, there, bits = (
        values[order] for values in (pair, matches.here, matches.there, matches.bits)
    )
    edges = np.flatnonzero(np.diff(pair, prepend=-1))
    for begin, end in pairwise([*edges.tolist(), len(pair)]):
        one, other = divmod(int(pair[begin]), len(gallery.part))
        frames = min(len(np.unique(here[begin:end])), len(np.unique(there[begin:end])))
        if frames >= min(MIN_FRAMES, *(bounds[[one + 1, other + 1]] - bounds[[one, other]])):
            yield FoundPair(one, other, frames, int(bits[begin:end].min()), mirrored)


def _as_bytes(hashes: "NDArray[np.int64]") -> "NDArray[np.uint8]":
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 8)


def _index(hashes: "NDArray[np.int64]") -> Any:
    index = load_faiss().IndexBinaryFlat(64)
    if len(hashes):
        index.add(_as_bytes(hashes))
    return index
