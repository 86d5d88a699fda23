"""Different clips are compared as often as there are pairs of them, and no pair twice."""

from itertools import combinations

import numpy as np
import pytest

from builders.checks.audit.findings import frame_similarity
from builders.checks.audit.subject import SIDE_PX, grey_square, structural_similarity
from tests.builders.checks.audit.made_up import MadeUpSplit, flight, subject


def found(classes: tuple[str | None, ...]) -> frame_similarity.SplitSimilarity:
    clips = [flight(number, frames=1) for number in range(len(classes))]
    split = MadeUpSplit([["x"]] * len(clips), categories=classes, pictures=clips)
    record = frame_similarity.find(subject({"test": split}), None, False)
    assert isinstance(record, frame_similarity.Record)
    return record.splits[0]


def between(clips: range, of_class: dict[int, str] | None = None) -> list[float]:
    grey = {clip: grey_square(flight(clip, frames=1)[0], SIDE_PX) for clip in clips}
    return [
        structural_similarity(grey[a], grey[b])
        for a, b in combinations(clips, 2)
        if of_class is None or of_class[a] == of_class[b]
    ]


@pytest.mark.parametrize("clips", [1, 2, 3, 8])
def test_few_clips_are_all_compared_once(clips: int) -> None:
    different = found((None,) * clips).different_clips
    expected = between(range(clips))
    assert different.count == len(expected) == clips * (clips - 1) // 2
    if expected:
        assert different.mean == pytest.approx(np.mean(expected), abs=1e-6)
        assert different.median == pytest.approx(np.median(expected), abs=1e-6)


def test_clips_of_a_class_are_all_compared_once() -> None:
    classes = ("sea", "sea", "sea", "land", "land", "town", None)
    same = found(classes).different_same_class
    expected = between(range(6), dict(enumerate(classes)))
    assert same.count == len(expected) == 3 + 1
    assert same.mean == pytest.approx(np.mean(expected), abs=1e-6)


def test_of_many_pairs_no_more_are_drawn_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def note(first: np.ndarray, second: np.ndarray) -> float:
        compared.append(frozenset([first.tobytes(), second.tobytes()]))
        return 0.5

    monkeypatch.setattr(frame_similarity, "structural_similarity", note)
    assert found((None,) * 9).different_clips.count == frame_similarity.PAIRS == 30
    assert len(set(compared)) == 30
    assert all(len(pair) == 2 for pair in compared)
