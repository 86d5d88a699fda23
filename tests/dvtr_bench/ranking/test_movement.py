"""How far a score may move."""

import numpy as np
import pytest

from dvtr_bench.ranking.movement import measure


def _measure(before, after, **options):
    return measure(
        "x", np.asarray(before, float), np.asarray(after, float), rounding_steps=16, **options
    )


def test_the_protocol_allows_a_move_of_1e_4() -> None:
    assert _measure([[0.0, 9.0]], [[0.0, 9.00009]]).passed
    assert not _measure([[0.0, 9.0]], [[0.0, 9.00011]]).passed


def test_scaling_down_hides_nothing() -> None:
    assert not _measure([[0.0, 1e-3]], [[0.0, 1.001e-3]]).passed
    assert _measure([[0.0, 1e-3]], [[0.0, 1.00001e-3]]).passed


def test_rounding_is_not_held_against_a_model_that_scores_all_alike() -> None:
    assert _measure([[1.0, 1.0]], [[1.0, 1.0 + 2e-7]]).passed


def test_rounding_never_excuses_more_than_the_protocol_allows() -> None:
    assert not _measure([[0.0, 1e6]], [[0.0, 1e6 + 0.01]]).passed
    assert _measure([[0.0, 1e6]], [[0.0, 1e6 + 0.01]], cap=np.inf).passed


def test_a_large_number_added_to_every_score_hides_nothing() -> None:
    scores, moved = np.array([[0.0, 1e-3]]), np.array([[1e-3, 0.0]])
    for offset in (0.0, 1e2, 1e3):
        assert not _measure(offset + scores, offset + moved, cap=np.inf).passed
        single = (np.float32(offset) + part.astype(np.float32) for part in (scores, moved))
        assert not _measure(*single, cap=np.inf).passed


def test_float64_scores_are_held_to_the_rounding_of_float64() -> None:
    assert _measure([[0.0, 1e6 + 1e-7]], [[0.0, 1e6 + 0.01]]).passed is not True
    assert not _measure([[1e6, 1e6 + 1.1]], [[1e6, 1e6 + 1.11]], cap=np.inf).passed
    assert _measure([[1e6, 1e6 + 1.1]], [[1e6, 1e6 + 1.1 + 1e-9]], cap=np.inf).passed


@pytest.mark.parametrize(
    ("after", "passed"), [(np.inf, True), (-np.inf, False), (np.nan, False), (0.0, False)]
)
def test_infinities_must_stay(after, passed) -> None:
    check = _measure([[np.inf, 0.0]], [[after, 0.0]])
    assert check.passed is passed
    assert check.pairs == 2
