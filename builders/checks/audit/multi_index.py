"""An exact search for near hashes: multi-index hashing, compiled.

The 64 bits of a hash are cut into four parts of 16 bits, and every part has a table of all hashes
by its value. Each part gets a radius, from -1 (its table is not read) to 2, so that the four radii
add up to 5. If two hashes differ in 8 bits at most, then in some part they differ in no more bits
than its radius: otherwise they would differ in (5 + 4) = 9 bits or more. So the places of the
tables within the radii, mostly 188, hold every hash that is near enough, and only those found there
are compared.

Any such radii give the same pairs; those are taken that cost least for the hashes at hand. For the
same reason the bits are dealt out to the parts by how evenly they are set: bits that hardly ever
differ, as where all footage looks alike, would make long entries if they stood together.

Source:
    Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index hashing (CVPR 2012);
    radii of their own for the parts as in Qin et al., GPH (ICDE 2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.runtime.cpu import compiled
from dvtr_bench.video.perceptual_hash import MIRROR_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def differing_bits(first: np.uint64, second: np.uint64) -> np.int64:
    """Count the bits in which two words differ, in parallel: the compiler makes one instruction."""
    x = first ^ second
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def note(
    row: "NDArray[np.int64]", first: int, second: int, frames: int, bits: int, turn: int
) -> None:
    """Write one pair."""
    row[0] = first
    row[1] = second
    row[2] = frames
    row[3] = bits
    row[4] = turn


@compiled
def compare(
    begin: int,
    end: int,
    max_bits: int,
    min_frames: int,
    hashes: "NDArray[np.uint64]",
    starts: "NDArray[np.int64]",
    clips: "NDArray[np.int64]",
    offsets: "NDArray[np.int32]",
    rows: "NDArray[np.int32]",
    by_part: "NDArray[np.uint64]",
    masks: "NDArray[np.int64]",
    mask_starts: "NDArray[np.int64]",
    turns: "NDArray[np.uint64]",
    shifts: "NDArray[np.uint64]",
    of_clip: "NDArray[np.int64]",
    seen: "NDArray[np.int64]",
    found: "NDArray[np.int64]",
) -> tuple[int, int]:
    """Compare clips with later ones until ``found`` may be full.

    Args:
        begin: The first clip.
        end: The clip after the last one.
        max_bits: Two frames match within so many differing bits.
        min_frames: Frames of each clip that must match, or all where it has fewer.
        hashes: uint64, F.
        starts: int64, N + 1: where each clip's frames begin.
        clips: int64, F: the clip of each frame.
        offsets: int32, P x 65537: where the frames of each value of a part begin in ``rows``.
        rows: int32, P x F: frames by value of the part, ascending within a value.
        by_part: uint64, P x F: their hashes.
        masks: int64: what to change in a part to come to the values within its radius.
        mask_starts: int64, P + 1: where each part's masks begin.
        turns: uint64, 2: what to change in a hash as it is, and to mirror it.
        shifts: uint64, P: where each part begins in a hash.
        of_clip: int64, 8 x N, zeros: scratch, marks and counts of other clips. Marks grow, so that
            nothing has to be cleared: a count is of the clip under work if the mark beside it is.
        seen: int64, F, zeros: scratch, marks of frames.
        found: int64, 5 x K: takes the pairs; K is at least N.

    Returns:
        The next clip to compare, and the number of pairs.
    """
    num_clips = len(starts) - 1
    frame_mark, side_mark, here, there = of_clip[0], of_clip[1], of_clip[2], of_clip[3]
    bits, best_mark, best, touched = of_clip[4], of_clip[5], of_clip[6], of_clip[7]
    low = np.uint64(0xFFFF)
    count = 0
    clip = begin
    while clip < end and count + num_clips - clip <= found.shape[1]:
        after = starts[clip + 1]
        own = after - starts[clip]
        for turn in range(2):
            mark = 2 * clip + turn + 1
            num_touched = 0
            for frame in range(starts[clip], after):
                query = hashes[frame] ^ turns[turn]
                this_frame = 2 * frame + turn + 1
                for part in range(len(shifts)):
                    value = np.int64((query >> shifts[part]) & low)
                    for position in range(mask_starts[part], mask_starts[part + 1]):
                        entry = value ^ masks[position]
                        place = offsets[part, entry + 1] - 1
                        first_place = offsets[part, entry]
                        # The entry's frames ascend: those of later clips are at its end.
                        while place >= first_place:
                            row = rows[part, place]
                            if row < after:
                                break
                            distance = differing_bits(query, by_part[part, place])
                            place -= 1
                            if distance > max_bits:
                                continue
                            other = clips[row]
                            if side_mark[other] != mark:
                                side_mark[other] = mark
                                here[other] = 0
                                there[other] = 0
                                bits[other] = distance
                                touched[num_touched] = other
                                num_touched += 1
                            if frame_mark[other] != this_frame:
                                frame_mark[other] = this_frame
                                here[other] += 1
                            if seen[row] != mark:
                                seen[row] = mark
                                there[other] += 1
                            bits[other] = min(bits[other], distance)
            for number in range(num_touched):
                other = touched[number]
                frames = min(here[other], there[other])
                if frames < min(min_frames, own, starts[other + 1] - starts[other]):
                    continue
                if best_mark[other] != clip + 1:
                    best_mark[other] = clip + 1
                    best[other] = count
                    count += 1
                elif found[2, best[other]] >= frames:
                    continue
                note(found[:, best[other]], clip, other, frames, bits[other], turn)
        clip += 1
    return clip, count


PARTS: Final = 4
PART_BITS: Final = 16
LARGEST_DISTANCE: Final = 8
"""The tables find every hash that differs in at most this many bits."""

RADII: Final = (-1, 0, 1, 2)
PLACE_COST: Final = 8
"""What it takes to go to a place of a table, in comparisons of hashes."""

PAIRS_AT_ONCE: Final = 1 << 16
"""Pairs that one call of the compiled loop may return, unless there are more clips."""

_SHIFTS: Final = np.arange(0, PARTS * PART_BITS, PART_BITS, dtype=np.uint64)


@dataclass(frozen=True)
class Pairs:
    """Pairs of clips with frames in common, as arrays of one length.

    Attributes:
        first: int64: the earlier clip.
        second: int64: the later clip.
        frames: int64: frames of one clip that are found in the other; the smaller of both
            directions.
        bits: int64: differing bits of the two nearest frames.
        mirrored: int64: 1 if one clip is the mirror image of the other, else 0.
    """

    first: "NDArray[np.int64]"
    second: "NDArray[np.int64]"
    frames: "NDArray[np.int64]"
    bits: "NDArray[np.int64]"
    mirrored: "NDArray[np.int64]"


class FrameIndex:
    """The frames of clips, by the value of each part of their hashes.

    It takes about 70 bytes a frame.
    """

    def __init__(self, hashes: "NDArray[np.int64]", starts: "NDArray[np.int64]") -> None:
        """Sort the frames into the tables.

        Args:
            hashes: int64, F: the hashes of all frames, in the order of their clips.
            starts: int64, N + 1: where each clip's frames begin in ``hashes``.
        """
        order = _dealt(hashes)
        self._hashes = _permuted(hashes, order)
        self._turns = _permuted(np.array([0, MIRROR_BITS]), order)
        self._starts = np.ascontiguousarray(starts, dtype=np.int64)
        self._clips = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        values = self._hashes[None] >> _SHIFTS[:, None] & np.uint64((1 << PART_BITS) - 1)
        counts = [np.bincount(part.astype(np.int64), minlength=1 << PART_BITS) for part in values]
        self._offsets = np.zeros((PARTS, (1 << PART_BITS) + 1), dtype=np.int32)
        self._offsets[:, 1:] = np.cumsum(counts, axis=1)
        # A stable sort keeps the frames of an entry in the order of their clips.
        orders = [np.argsort(part.astype(np.uint16), kind="stable") for part in values]
        self._rows = np.array(orders, dtype=np.int32).reshape(PARTS, -1)
        self._sorted = self._hashes[self._rows]
        masks = [_masks(radius) for radius in _cheapest_radii(counts)]
        self._masks = np.concatenate(masks)
        self._mask_starts = np.cumsum([0, *map(len, masks)])

    def later_pairs(self, begin: int, end: int, max_bits: int, min_frames: int) -> Iterator[Pairs]:
        """Compare clips with every later clip, as they are and mirrored.

        Two clips are a pair if at least ``min_frames`` frames of each, or all where it has fewer,
        are within ``max_bits`` bits of one of the other's. Threads may call it at the same time.

        Args:
            begin: The first clip to compare.
            end: The clip after the last one.
            max_bits: At most `LARGEST_DISTANCE`.
            min_frames: At least 1.

        Yields:
            The pairs, some thousands at a time, ordered by their first clip.

        Raises:
            ValueError: ``max_bits`` is larger than the tables allow.
        """
        # Numba, which the loop needs, takes a second to load.

        if max_bits > LARGEST_DISTANCE:
            raise ValueError(f"expected at most {LARGEST_DISTANCE} bits, found {max_bits}")
        num_clips = len(self._starts) - 1
        of_clip = np.zeros((8, num_clips), dtype=np.int64)
        seen = np.zeros(len(self._hashes), dtype=np.int64)
        found = np.empty((5, max(PAIRS_AT_ONCE, num_clips)), dtype=np.int64)
        while begin < end:
            begin, count = compare(
                *(begin, end, max_bits, min_frames, self._hashes, self._starts, self._clips),
                *(self._offsets, self._rows, self._sorted, self._masks, self._mask_starts),
                *(self._turns, _SHIFTS, of_clip, seen, found),
            )
            yield Pairs(*found[:, :count].copy())


def _dealt(hashes: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return the new place of each bit: the most even bits go to different parts, and so on."""
    words = hashes.view(np.uint64)
    counts = [int((words >> np.uint64(bit) & np.uint64(1)).sum()) for bit in range(64)]
    evenest_first = np.argsort(np.abs(2 * np.array(counts) - len(words)), kind="stable")
    places = np.empty(64, dtype=np.int64)
    ranks = np.arange(64)
    places[evenest_first] = ranks % PARTS * PART_BITS + ranks // PARTS
    return places


def _permuted(hashes: "NDArray[np.int64]", places: "NDArray[np.int64]") -> "NDArray[np.uint64]":
    """Move each bit to its place; distances between hashes stay as they are."""
    words = np.ascontiguousarray(hashes, dtype=np.int64).view(np.uint64)
    moved = np.zeros_like(words)
    for bit, place in enumerate(places.tolist()):
        moved |= (words >> np.uint64(bit) & np.uint64(1)) << np.uint64(place)
    return moved


def _masks(radius: int) -> "NDArray[np.int64]":
    """Return every value of a part with at most this many bits set."""
    masks = [
        sum(1 << bit for bit in bits)
        for count in range(radius + 1)
        for bits in combinations(range(PART_BITS), count)
    ]
    return np.array(masks, dtype=np.int64)


def _cheapest_radii(counts: "list[NDArray[np.int64]]") -> tuple[int, ...]:
    """Return the radii of the parts for which the fewest hashes are compared.

    Args:
        counts: For each part, the number of hashes by value.
    """
    costs = [{radius: _cost(part, radius) for radius in RADII} for part in counts]
    enough = [
        radii
        for radii in product(RADII, repeat=PARTS)
        if sum(radii) + PARTS == LARGEST_DISTANCE + 1
    ]
    return min(
        enough,
        key=lambda radii: sum(costs[part][radius] for part, radius in enumerate(radii)),
    )


def _cost(counts: "NDArray[np.int64]", radius: int) -> int:
    """Return the work if every hash looks this far around its own value."""
    values = np.flatnonzero(counts)
    present = counts[values]
    masks = _masks(radius)
    compared = sum(int(present @ counts[values ^ mask]) for mask in masks)
    return compared + PLACE_COST * len(masks) * int(present.sum())
