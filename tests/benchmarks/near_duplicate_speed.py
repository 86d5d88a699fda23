"""What the search for near-duplicate clips costs, beside comparing every frame with every other.

    python tests/benchmarks/near_duplicate_speed.py --clips 1000 3000 10000 --exhaustive
    python tests/benchmarks/near_duplicate_speed.py --clips 100000

Clips are 12 hashes of 64 bits, half of them set, that drift by a few bits from frame to frame, as
those of footage do. One clip in a hundred has a copy: its frames differ in 0 to 8 bits (encoded
again, cropped), begin later (shifted in time), or are mirrored. `--skew` makes that many bits equal
in all clips, as where all footage looks alike, which makes entries of the tables long.
`--exhaustive` also runs FAISS's flat binary index over the same hashes, as the audit did before,
and compares the pairs: recall must be 1.
"""

import argparse
import time
from itertools import pairwise

import numpy as np

from builders.checks.audit.frame_search import MAX_BITS, MIN_FRAMES, Gallery, find_pairs
from dvtr_bench.searching.candidates import load_faiss
from dvtr_bench.video.perceptual_hash import MIRROR_BITS

FRAMES = 12
KEPT = 10_000_000
INDEX_FRAMES, QUERY_FRAMES = 1 << 16, 1 << 8
"""What the search before held at a time."""


def flip(hashes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Flip up to ``count`` random bits of every hash."""
    flipped = hashes.copy()
    for _ in range(count):
        bits = np.uint64(1) << rng.integers(0, 64, hashes.shape, dtype=np.uint64)
        flipped ^= np.where(rng.random(hashes.shape) < 0.5, bits, np.uint64(0))
    return flipped


def make_gallery(clips: int, skew: int, seed: int = 0) -> tuple[Gallery, set[tuple[int, int]]]:
    """Return clips with planted copies, and the pairs that were planted."""
    rng = np.random.default_rng(seed)
    copies = clips // 100
    first = rng.random((clips - copies, 64)).argsort(axis=1) < 32
    first[:, :skew] = first[0, :skew]
    start = np.packbits(first, axis=1).view(np.uint64).reshape(-1)
    frames = [start]
    for _ in range(2 * FRAMES - 1):
        frames.append(flip(frames[-1], 2, rng))
    whole = np.stack(frames, axis=1)
    originals = rng.choice(clips - copies, copies, replace=False)
    shifts = rng.integers(0, 7, copies)
    copied = np.stack(
        [whole[row, shift : shift + FRAMES] for row, shift in zip(originals, shifts, strict=True)]
    )
    copied = flip(copied, 8, rng)
    copied[::3] ^= np.uint64(MIRROR_BITS % (1 << 64))
    hashes = np.concatenate([whole[:, :FRAMES], copied]).reshape(-1).view(np.int64)
    part = (np.arange(clips) >= clips - copies).astype(np.int64)
    planted = {(int(row), clips - copies + n) for n, row in enumerate(originals)}
    return Gallery(hashes, np.repeat(np.arange(clips), FRAMES), part), planted


def exhaustive(gallery: Gallery) -> dict[tuple[int, int], int]:
    """Compare every frame with every other, in the blocks of the search before."""
    best: dict[tuple[int, int], int] = {}
    num_clips = len(gallery.part)
    per_shard = INDEX_FRAMES // FRAMES
    for shard in range(0, num_clips, per_shard):
        stop = min(shard + per_shard, num_clips)
        index = load_faiss().IndexBinaryFlat(64)
        index.add(gallery.hashes[shard * FRAMES : stop * FRAMES].view(np.uint8).reshape(-1, 8))
        for begin in range(0, stop, QUERY_FRAMES // FRAMES):
            end = min(begin + QUERY_FRAMES // FRAMES, stop)
            queries = gallery.hashes[begin * FRAMES : end * FRAMES]
            for turn in (0, MIRROR_BITS):
                turned = (queries ^ np.int64(turn)).view(np.uint8).reshape(-1, 8)
                limits, _, there = index.range_search(turned, MAX_BITS + 1)
                here = begin * FRAMES + np.repeat(
                    np.arange(len(queries)), np.diff(limits.astype(np.int64))
                )
                there = there + shard * FRAMES
                later = there // FRAMES > here // FRAMES
                note_pairs(here[later], there[later], num_clips, best)
    return best


def note_pairs(
    here: np.ndarray, there: np.ndarray, num_clips: int, best: dict[tuple[int, int], int]
) -> None:
    """Add the pairs of clips that matching frames make."""
    pair = here // FRAMES * num_clips + there // FRAMES
    order = np.argsort(pair, kind="stable")
    pair, here, there = pair[order], here[order], there[order]
    edges = np.flatnonzero(np.diff(pair, prepend=-1)).tolist()
    for start, stop in pairwise([*edges, len(pair)]):
        frames = min(len(np.unique(here[start:stop])), len(np.unique(there[start:stop])))
        if frames >= MIN_FRAMES:
            both = divmod(int(pair[start]), num_clips)
            best[both] = max(best.get(both, 0), frames)


def search(gallery: Gallery) -> dict[tuple[int, int], int]:
    """Search as the audit does."""
    found = find_pairs(gallery, np.zeros((2, 2), np.int64), 2, KEPT, False)
    return {(pair.first, pair.second): pair.frames for pair in found.pairs}


def main() -> None:
    """Measure and print seconds, recall and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--skew", type=int, default=0)
    parser.add_argument("--exhaustive", action="store_true")
    arguments = parser.parse_args()
    search(make_gallery(200, 0)[0])  # compiles the loop before the clock starts
    for clips in arguments.clips:
        gallery, planted = make_gallery(clips, arguments.skew)
        started = time.perf_counter()
        ours = search(gallery)
        seconds = time.perf_counter() - started
        found = len(planted & ours.keys())
        print(
            f"{clips:,} clips: {seconds:.2f} s, {len(ours):,} pairs, "
            f"{found:,} of {len(planted):,} planted copies"
        )
        if arguments.exhaustive:
            started = time.perf_counter()
            every = exhaustive(gallery)
            before = time.perf_counter() - started
            print(
                f"  every frame with every other: {before:.2f} s, {before / seconds:.1f} times "
                f"as long; the same pairs and frames: {every == ours}"
            )


if __name__ == "__main__":
    main()
