"""Find near-duplicate clips by an exact search over the hashes of all stored frames.

Measured on 48 real drone clips and eight copies of each (crf 38, half size, 12 frames a second,
brightened, 6% cropped away, the first 0.4 s or the first 30% cut off, mirrored): every copy had two
or more frames within 8 bits of its clip's, and in 1,128 pairs of different clips no frames were
nearer than 12 bits. The hash of a whole clip separates less: copies without their first 30%
differed by up to 26 bits, different clips by 20 or more.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from builders.checks.audit.multi_index import FrameIndex, Pairs
from builders.engine.settings import usable_cores
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from builders.checks.audit.subject import FrameLooks

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"

MAX_BITS: Final = 8
"""Largest number of differing bits, of 64, between the hashes of matching frames."""

MIN_FRAMES: Final = 2
"""Frames of each clip that must be found in the other; all if a clip has fewer."""

BLOCK_CLIPS: Final = 2048
"""Clips that are compared with all later ones at a time, and kept: an interrupted search continues
with the next block."""


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


Keep: TypeAlias = "Callable[[str, Callable[[], Arrays]], Arrays]"
"""Takes a name and a function: returns the arrays that are kept under the name, or computes them
by the function and keeps them."""


def find_pairs(
    gallery: Gallery,
    urgency: "NDArray[np.int64]",
    searched: int,
    kept: int,
    show_progress: bool,
    keep: "Keep | None" = None,
) -> Found:
    """Find the pairs of clips that show the same pictures.

    The search is exact: it finds the pairs that a comparison of every frame with every other one
    finds (see `builders.checks.audit.multi_index`). Memory grows with the number of frames, not of
    pairs.

    Args:
        gallery: All clips.
        urgency: int64, P x P: how much a pair of an earlier part and a later one matters.
        searched: Parts below this number are compared with all parts; later parts are not compared
            with each other.
        kept: Number of pairs to list; others are only counted.
        show_progress: Whether to show a progress bar.
        keep: Keeps the results of blocks of clips for the next call, see `Keep`; None to keep
            nothing.

    Returns:
        The pairs.
    """
    num_clips, parts = len(gallery.part), len(urgency)
    last_clip = int((gallery.part < searched).sum())
    starts = np.searchsorted(gallery.clips, np.arange(num_clips + 1))
    name = f"near_duplicates-1-{_digest(gallery, urgency, searched, kept)}"
    index = cache(lambda: FrameIndex(gallery.hashes, starts))
    total = _Reduced.nothing(parts)
    with progress_bar("compare clips", last_clip, enabled=show_progress) as advance:
        for begin in range(0, last_clip, BLOCK_CLIPS):
            end = min(begin + BLOCK_CLIPS, last_clip)

            def compute(begin: int = begin, end: int = end) -> Arrays:
                return vars(_search_block(index(), gallery, urgency, kept, begin, end))

            arrays = keep(f"{name}-{begin}", compute) if keep else compute()
            total = total.joined(_Reduced(**arrays), urgency, gallery, kept)
            advance(end - begin)
    clips = np.zeros((parts, num_clips), dtype=np.bool_)
    clips[total.holders[0], total.holders[1]] = True
    pairs = tuple(
        FoundPair(first, second, frames, bits, bool(mirrored))
        for first, second, frames, bits, mirrored in total.pairs.T.tolist()
    )
    return Found(pairs, total.counts, clips)


def _search_block(
    index: FrameIndex,
    gallery: Gallery,
    urgency: "NDArray[np.int64]",
    kept: int,
    begin: int,
    end: int,
) -> "_Reduced":
    """Compare some clips with all later ones; threads share the clips."""
    parts = len(urgency)

    def search(bounds: tuple[int, int]) -> _Reduced:
        total = _Reduced.nothing(parts)
        for pairs in index.later_pairs(*bounds, MAX_BITS, MIN_FRAMES):
            total = total.joined(_Reduced.of(pairs, gallery, parts), urgency, gallery, kept)
        return total

    threads = min(usable_cores(), end - begin)
    edges = [begin + (end - begin) * thread // threads for thread in range(threads + 1)]
    total = _Reduced.nothing(parts)
    with ThreadPoolExecutor(threads) as pool:
        for part in pool.map(search, pairwise(edges)):
            total = total.joined(part, urgency, gallery, kept)
    return total


@dataclass(frozen=True)
class _Reduced:
    """What is kept of pairs, of which there may be very many.

    Attributes:
        pairs: int64, 5 x K: first, second, frames, bits and mirrored of the pairs to list.
        counts: int64, P x P: all pairs of an earlier part and a later one.
        holders: int64, 2 x H: a part, and a clip that has a near-duplicate in it.
    """

    pairs: "NDArray[np.int64]"
    counts: "NDArray[np.int64]"
    holders: "NDArray[np.int64]"

    @classmethod
    def nothing(cls, parts: int) -> "_Reduced":
        empty = np.zeros((7, 0), dtype=np.int64)
        return cls(empty[:5], np.zeros((parts, parts), dtype=np.int64), empty[5:])

    @classmethod
    def of(cls, pairs: Pairs, gallery: Gallery, parts: int) -> "_Reduced":
        of, in_ = gallery.part[pairs.first], gallery.part[pairs.second]
        counts = np.bincount(of * parts + in_, minlength=parts * parts).reshape(parts, parts)
        holders = np.array([np.concatenate([in_, of]), np.concatenate([pairs.first, pairs.second])])
        return cls(np.array([*vars(pairs).values()]), counts, _unique(holders, gallery))

    def joined(
        self, other: "_Reduced", urgency: "NDArray[np.int64]", gallery: Gallery, kept: int
    ) -> "_Reduced":
        """Return both together, with the most urgent pairs of both."""
        if not other.pairs.shape[1]:
            return self
        pairs = np.concatenate([self.pairs, other.pairs], axis=1)
        first, second, frames, bits, _ = pairs
        matters = urgency[gallery.part[first], gallery.part[second]]
        order = np.lexsort((second, first, bits, -frames, -matters))[:kept]
        holders = np.concatenate([self.holders, other.holders], axis=1)
        return _Reduced(pairs[:, order], self.counts + other.counts, _unique(holders, gallery))


def _unique(holders: "NDArray[np.int64]", gallery: Gallery) -> "NDArray[np.int64]":
    num_clips = max(1, len(gallery.part))
    flat = np.unique(holders[0] * num_clips + holders[1])
    return np.array([flat // num_clips, flat % num_clips])


def _digest(gallery: Gallery, urgency: "NDArray[np.int64]", searched: int, kept: int) -> str:
    """Hash everything that the result of a block depends on."""
    digest = hashlib.sha256(f"{MAX_BITS} {MIN_FRAMES} {BLOCK_CLIPS} {searched} {kept}".encode())
    for values in (gallery.hashes, gallery.clips, gallery.part, urgency):
        digest.update(f"{values.shape}".encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]
