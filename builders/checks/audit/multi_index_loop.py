"""The compiled inner loop of `builders.checks.audit.multi_index`."""

from typing import TYPE_CHECKING

import numpy as np

from dvtr_bench.runtime.compiled import compiled

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
