"""Figures from a matrix at hand, against the naive oracle and against what users hand in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dvtr_bench as dvtr
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS
from tests.oracles.naive_recall import naive_ranks

CAPTIONS = ["a lake", "a road", "a lake", "two boats", "a roof", "a road", "trees", "a field"]
OWN = [0, 0, 1, 1, 3, 3, 4, 0]
VIDEOS = 6


@pytest.fixture
def scores() -> np.ndarray:
    # One digit after the point: many ties.
    return np.random.default_rng(3).random((len(OWN), VIDEOS)).round(1).astype(np.float32)


def test_ranks_and_recalls_are_those_of_the_oracle(scores: np.ndarray) -> None:
    found = dvtr.evaluate_scores(scores, OWN, captions=CAPTIONS)
    for kind in RELEVANCE_KINDS:
        naive = naive_ranks(scores, CAPTIONS, np.array(OWN), VIDEOS, kind, False)
        for direction in DIRECTIONS:
            ranks = np.asarray(naive[direction])
            assert found.ranks(direction, kind).tolist() == ranks.tolist()
            assert found.figures[direction][kind]["R@1"].value == 100 * (ranks <= 1).mean()
            if kind == "strict":
                for k in (1, 2, 4):
                    recall = dvtr.recall_at_k(scores, OWN, k, direction=direction)
                    assert recall == pytest.approx(100 * (ranks <= k).mean(), abs=1e-12)


def test_without_texts_both_kinds_of_relevance_are_equal(scores: np.ndarray) -> None:
    found = dvtr.evaluate_scores(scores, OWN)
    for direction in DIRECTIONS:
        same = found.ranks(direction, "text_identical") == found.ranks(direction, "strict")
        assert same.all()


@pytest.mark.parametrize(
    "form",
    [
        np.ndarray.tolist,
        torch.from_numpy,
        lambda scores: torch.from_numpy(scores).double(),
        np.asfortranarray,
        lambda scores: scores.astype(">f4"),
        lambda scores: np.flip(np.flip(scores).copy()),
        lambda scores: np.lib.stride_tricks.as_strided(scores, writeable=False),
        lambda scores: (10 * scores).round().astype(np.int16),
        lambda scores: torch.from_numpy((10 * scores).round()).to(torch.int32),
        lambda scores: (10 * scores).round().astype(np.float16),
        lambda scores: scores.astype(np.longdouble),
    ],
)
def test_any_form_of_a_matrix_gives_the_same_ranks(
    scores: np.ndarray, form: Callable[[np.ndarray], Any]
) -> None:
    expected = dvtr.evaluate_scores(scores, OWN)
    found = dvtr.evaluate_scores(form(scores), torch.tensor(OWN))
    for direction in DIRECTIONS:
        assert found.ranks(direction).tolist() == expected.ranks(direction).tolist()


def test_a_mapped_file_is_read_in_blocks(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((4200, 300)).astype(np.float32)
    own = np.arange(4200) % 300
    np.save(tmp_path / "scores.npy", scores)
    mapped = np.load(tmp_path / "scores.npy", mmap_mode="r")
    best = scores[np.arange(4200), own]
    expected = 100 * ((scores >= best[:, None]).sum(axis=1) <= 5).mean()
    assert dvtr.recall_at_k(mapped, own, 5) == pytest.approx(expected, abs=1e-12)


def test_the_figures_are_those_of_a_result_file(scores: np.ndarray) -> None:
    found = dvtr.evaluate_scores(scores, OWN)
    frame = found.to_frame()
    assert set(frame["direction"]) == {*DIRECTIONS}  # six videos: no R@10, so no mR
    row = frame.query("direction == 'v2t' and relevance == 'strict' and metric == 'MdR'")
    assert row["value"].item() == found.v2t["MdR"].value
    assert (frame["low"] <= frame["value"]).all()
    assert any("R@10 of t2v is not defined" in line for line in found.left_out)


def test_a_large_one_fits_on_a_screen() -> None:
    own = np.arange(3000)
    found = dvtr.evaluate_scores(np.eye(3000, dtype=np.float32), own)
    assert repr(found) == (
        "ScoreFigures(3,000 captions x 3,000 videos: T2V R@1 100.0, V2T R@1 100.0)"
    )
    shown = found._repr_html_()
    assert shown.count("<tr>") == 4
    assert "99.9–100.0" in shown, "Wilson's interval: all 3,000 were found"


@pytest.mark.parametrize(
    ("matrix", "own", "message"),
    [
        (np.zeros((3, 4)), [0, 1, 2, 3], "It looks transposed"),
        (np.zeros((3, 4)), [0, 1], "expected one for each of 3 captions"),
        (np.zeros((3, 4)), [0, 1, 4], r"caption 2 names video 4: expected 0\.\.3"),
        (np.zeros((3, 4)), [0, 1, -1], "caption 2 names video -1"),
        (np.zeros((3, 4)), [0.0, 1.0, 2.0], "expected a list of whole numbers"),
        (np.zeros((3, 4)), [[0, 1, 2]], "expected a list of whole numbers"),
        (np.zeros(3), [0, 1, 2], "expected two axes"),
        (np.zeros((0, 4)), [], "none of them empty"),
        (np.zeros((3, 4), dtype=complex), [0, 1, 2], "expected real numbers"),
        (torch.zeros((3, 4), dtype=torch.complex64), [0, 1, 2], "expected real numbers"),
        ([["a", "b"]], [0], "expected real numbers"),
    ],
)
def test_what_does_not_fit_is_refused(matrix: Any, own: Any, message: str) -> None:
    with pytest.raises(dvtr.InputError, match=message):
        dvtr.evaluate_scores(matrix, own)


def test_captions_must_be_as_many_as_rows(scores: np.ndarray) -> None:
    with pytest.raises(dvtr.InputError, match="2 captions for 8 rows"):
        dvtr.evaluate_scores(scores, OWN, captions=["a", "b"])


def test_nan_is_an_error_and_named(scores: np.ndarray) -> None:
    scores[5, 2] = np.nan
    with pytest.raises(dvtr.NotANumberError, match="1 scores are NaN, the first for caption 5"):
        dvtr.evaluate_scores(scores, OWN)
    with pytest.raises(dvtr.NotANumberError):
        dvtr.recall_at_k(scores, OWN)


@pytest.mark.parametrize(
    ("k", "direction", "message"),
    [
        (0, "t2v", "expected k from 1 to 6"),
        (7, "t2v", "expected k from 1 to 6"),
        (5, "v2t", "expected k from 1 to 4"),
        (1, "both", "expected one of t2v"),
    ],
)
def test_depths_beyond_the_gallery_are_refused(
    scores: np.ndarray, k: int, direction: Any, message: str
) -> None:
    with pytest.raises(dvtr.InputError, match=message):
        dvtr.recall_at_k(scores, OWN, k, direction=direction)
