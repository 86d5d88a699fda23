"""The search against a loop over all pairs of frames, whatever blocks it works in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.checks.audit import frame_search, multi_index
from builders.checks.audit.frame_search import Gallery, find_pairs
from builders.checks.audit.multi_index import FrameIndex
from builders.checks.audit.subject import FrameLooks
from dvtr_bench.searching.candidates import load_faiss
from dvtr_bench.video.perceptual_hash import MIRROR_BITS, hamming_distance, mirrored_hash

MAX_BITS, MIN_FRAMES = 8, 2


def looks(clips: list[list[int]], flat: set[tuple[int, int]] = frozenset()) -> FrameLooks:
    hashes = [value for clip in clips for value in clip]
    textured = [(c, f) not in flat for c, clip in enumerate(clips) for f in range(len(clip))]
    return FrameLooks(
        hashes=np.array(hashes, dtype=np.int64),
        textured=np.array(textured, dtype=np.bool_),
        starts=np.cumsum([0, *map(len, clips)]),
        change=np.zeros(len(clips)),
        middle_rows=np.arange(0),
        middles=np.zeros((0, 128, 128), np.uint8),
    )


def flipped(value: int, rng: np.random.Generator, count: int) -> int:
    for bit in rng.choice(64, count, replace=False).tolist():
        value ^= (1 << bit) if bit < 63 else -(1 << 63)
    return value


def drawn(seed: int) -> list[list[list[int]]]:
    """Three splits of clips; frames are near those of a few landscapes or of none."""
    rng = np.random.default_rng(seed)
    grounds = [int(value) for value in rng.integers(-(2**63), 2**63 - 1, 5)]

    def frame() -> int:
        kind = rng.integers(4)
        if kind == 0:
            return int(rng.integers(-(2**63), 2**63 - 1))
        value = flipped(grounds[rng.integers(5)], rng, int(rng.integers(0, 7)))
        return mirrored_hash(value) if kind == 1 else value

    return [
        [[frame() for _ in range(rng.integers(1, 5))] for _ in range(count)] for count in (12, 3, 7)
    ]


def naive(parts: list[list[list[int]]], searched: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Frames in common and nearest bits of each pair, by the words of the definition."""
    clips = [(number, clip) for number, part in enumerate(parts) for clip in part]
    found = {}
    for first, (part, one) in enumerate(clips):
        for second in range(first + 1, len(clips)):
            if part >= searched:
                continue
            other = clips[second][1]
            best = (0, 0)
            for turn in (lambda value: value, mirrored_hash):
                bits = [[hamming_distance(turn(a), b) for b in other] for a in one]
                near = [[value <= MAX_BITS for value in row] for row in bits]
                frames = min(sum(map(any, near)), sum(map(any, zip(*near, strict=True))))
                if frames > best[0]:
                    best = (frames, min(min(row) for row in bits))
            if best[0] >= min(MIN_FRAMES, len(one), len(other)):
                found[first, second] = best
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("block", "at_once"), [(2048, 1 << 16), (7, 0), (1, 0)])
@pytest.mark.parametrize("searched", [3, 2])
def test_every_pair_and_no_other(monkeypatch, seed, block, at_once, searched) -> None:
    monkeypatch.setattr(frame_search, "BLOCK_CLIPS", block)
    monkeypatch.setattr(multi_index, "PAIRS_AT_ONCE", at_once)
    parts = drawn(seed)
    gallery = Gallery.of([looks(part) for part in parts])
    found = find_pairs(gallery, np.zeros((3, 3), np.int64), searched, 10_000, False)
    expected = naive(parts, searched)
    assert expected
    assert {(one.first, one.second): (one.frames, one.bits) for one in found.pairs} == expected
    owner = np.repeat(np.arange(3), [len(part) for part in parts])
    for first in range(3):
        for second in range(3):
            pairs = [p for p in expected if (owner[p[0]], owner[p[1]]) == (first, second)]
            assert found.counts[first, second] == len(pairs)
            held = {p[0] for p in pairs} | ({p[1] for p in pairs} if first == second else set())
            if first <= second:
                mine = np.flatnonzero(found.clips[second] & (owner == first))
                assert set(mine.tolist()) == held


def test_the_most_urgent_pairs_are_kept_and_all_are_counted() -> None:
    clips = [[[5, 6]] * 3, [[5, 6]], [[5, 6]] * 2]
    gallery = Gallery.of([looks(part) for part in clips])
    urgency = np.array([[0, 1, 2], [0, 0, 1], [0, 0, 0]])
    found = find_pairs(gallery, urgency, 3, 4, False)
    assert [(one.first, one.second) for one in found.pairs] == [(0, 4), (0, 5), (1, 4), (1, 5)]
    assert found.counts.sum() == 6 * 5 // 2


def test_flat_frames_are_left_out() -> None:
    parts = [looks([[0, 0], [7, 8]], {(0, 0), (0, 1)}), looks([[0, 0], [7, 8]], {(0, 0), (0, 1)})]
    found = find_pairs(Gallery.of(parts), np.zeros((2, 2), np.int64), 2, 9, False)
    assert [(one.first, one.second) for one in found.pairs] == [(1, 3)]


def test_nothing_but_flat_frames() -> None:
    part = looks([[0], [0]], {(0, 0), (1, 0)})
    found = find_pairs(Gallery.of([part]), np.zeros((1, 1), np.int64), 1, 9, False)
    assert found.pairs == ()


@pytest.mark.parametrize(("apart", "alike"), [(8, True), (9, False)])
def test_the_threshold(apart, alike) -> None:
    rng = np.random.default_rng(0)
    clip = [123456789, 987654321987]
    part = looks([clip, [flipped(value, rng, apart) for value in clip]])
    found = find_pairs(Gallery.of([part]), np.zeros((1, 1), np.int64), 1, 9, False)
    assert bool(found.pairs) == alike


def every_pair_by_faiss(hashes: np.ndarray, clips: np.ndarray) -> dict[tuple[int, int], int]:
    """The definition over an exhaustive search by FAISS: frames in common by pair of clips."""
    index = load_faiss().IndexBinaryFlat(64)
    index.add(hashes.view(np.uint8).reshape(-1, 8))
    own = np.bincount(clips)
    best: dict[tuple[int, int], int] = {}
    for turn in (0, MIRROR_BITS):
        turned = (hashes ^ np.int64(turn)).view(np.uint8).reshape(-1, 8)
        limits, _, there = index.range_search(turned, MAX_BITS + 1)
        here = np.repeat(np.arange(len(hashes)), np.diff(limits.astype(np.int64)))
        both = {
            (int(clips[a]), int(clips[b]), int(a), int(b))
            for a, b in zip(here, there, strict=True)
            if clips[a] < clips[b]
        }
        ends: dict[tuple[int, int], tuple[set[int], set[int]]] = {}
        for first, second, a, b in both:
            sets = ends.setdefault((first, second), (set(), set()))
            sets[0].add(a)
            sets[1].add(b)
        for pair, sets in ends.items():
            frames = min(map(len, sets))
            if frames >= min(MIN_FRAMES, own[pair[0]], own[pair[1]]):
                best[pair] = max(best.get(pair, 0), frames)
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("skewed", [False, True])
def test_recall_is_1_among_thousands_of_frames(seed, skewed) -> None:
    """Copies at every distance up to beyond the bound, among clips of no or of much likeness."""
    rng = np.random.default_rng(seed)
    clips = rng.integers(-(2**63), 2**63 - 1, (400, 6))
    if skewed:  # bits that never differ, so that the tables hold long entries
        clips = clips & 0x0FFF0FFF00FF0FF0 | 0x5000500055005005
    copied = clips[rng.choice(400, 200, replace=False)]
    for frame, clip in enumerate(copied.reshape(-1)):
        copied.reshape(-1)[frame] = flipped(int(clip), rng, int(rng.integers(0, 12)))
    copied[::2] ^= MIRROR_BITS
    hashes = np.concatenate([clips, copied]).reshape(-1)
    owner = np.repeat(np.arange(600), 6)
    expected = every_pair_by_faiss(hashes, owner)
    assert len(expected) > 100
    index = FrameIndex(hashes, np.arange(0, 3601, 6))
    found = list(index.later_pairs(0, 600, MAX_BITS, MIN_FRAMES))
    pairs = [
        (int(a), int(b)) for part in found for a, b in zip(part.first, part.second, strict=True)
    ]
    frames = [int(value) for part in found for value in part.frames]
    assert len(set(pairs)) == len(pairs)
    assert dict(zip(pairs, frames, strict=True)) == expected


def test_the_tables_promise_no_more_than_they_hold() -> None:
    index = FrameIndex(np.arange(4), np.array([0, 2, 4]))
    with pytest.raises(ValueError, match="at most 8 bits, found 9"):
        next(index.later_pairs(0, 2, 9, 2))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=8), st.booleans())
def test_any_8_bits_may_differ(value: int, bits: set[int], mirrored: bool) -> None:
    other = value ^ sum(1 << bit for bit in bits)
    hashes = np.array([value, other], dtype=np.uint64).view(np.int64)
    if mirrored:
        hashes[1] ^= MIRROR_BITS
    index = FrameIndex(hashes, np.array([0, 1, 2]))
    (pairs,) = index.later_pairs(0, 2, MAX_BITS, MIN_FRAMES)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0], [1])
    assert pairs.bits.tolist() == [len(bits)]
    assert pairs.mirrored.tolist() == [int(mirrored)]


def test_an_interrupted_search_goes_on(monkeypatch) -> None:
    """Finished blocks are kept, and not compared again; another search shares none of them."""
    monkeypatch.setattr(frame_search, "BLOCK_CLIPS", 5)
    gallery = Gallery.of([looks(part) for part in drawn(0)])
    urgency = np.zeros((3, 3), np.int64)
    kept: dict[str, object] = {}
    computed: list[str] = []

    def keep(name, compute):
        if name not in kept:
            if len(kept) == 2 and len(computed) == 2:
                computed.append("stopped")
                raise KeyboardInterrupt
            kept[name] = compute()
            computed.append(name)
        return kept[name]

    with pytest.raises(KeyboardInterrupt):
        find_pairs(gallery, urgency, 3, 100, False, keep)
    found = find_pairs(gallery, urgency, 3, 100, False, keep)
    whole = find_pairs(gallery, urgency, 3, 100, False)
    assert found.pairs == whole.pairs
    assert (found.counts == whole.counts).all()
    assert (found.clips == whole.clips).all()
    assert len(computed) == len(set(computed)) == 1 + -(-22 // 5)
    fewer = find_pairs(gallery, urgency, 2, 100, False, keep)
    assert fewer.counts.sum() < found.counts.sum()
