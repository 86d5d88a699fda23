"""The search against a loop over all pairs of frames, whatever blocks it works in."""

import numpy as np
import pytest

from builders.checks.audit import frame_search
from builders.checks.audit.frame_looks import FrameLooks
from builders.checks.audit.frame_search import Gallery, find_pairs
from dvtr_bench.video.perceptual_hash import hamming_distance, mirrored_hash

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
@pytest.mark.parametrize(("index", "query"), [(1 << 16, 256), (7, 3), (1, 1)])
@pytest.mark.parametrize("searched", [3, 2])
def test_every_pair_and_no_other(monkeypatch, seed, index, query, searched) -> None:
    monkeypatch.setattr(frame_search, "INDEX_FRAMES", index)
    monkeypatch.setattr(frame_search, "QUERY_FRAMES", query)
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
