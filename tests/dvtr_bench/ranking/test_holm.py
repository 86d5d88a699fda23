"""Holm's correction against its definition, step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvtr_bench.ranking.bootstrap import MOST_RESAMPLES, BootstrapConfig
from dvtr_bench.ranking.holm import holm, resampling_for_family


def rejected(p_values: list[float], level: float) -> set[int]:
    """Step down: reject the smallest while it is at most level / (number of those left)."""
    left = sorted(range(len(p_values)), key=lambda n: p_values[n])
    found: set[int] = set()
    while left and p_values[left[0]] * len(left) <= level:
        found.add(left.pop(0))
    return found


@given(st.lists(st.integers(1, 1000).map(lambda n: n / 1000), max_size=12))
def test_it_rejects_what_the_steps_reject(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        assert set(np.flatnonzero(corrected <= level)) == rejected(p_values, level)


def test_one_p_value_stays_and_none_is_above_one() -> None:
    assert holm([0.04]).tolist() == [0.04]
    assert holm([]).tolist() == []
    assert holm([0.9, 0.8, 0.9]).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("tests", [1, 25, 26, 300])
def test_the_smallest_p_value_of_a_family_can_stay_below_the_level(tests: int) -> None:
    found = resampling_for_family(tests, BootstrapConfig())
    assert 2 / (found.resamples + 1) * tests < 0.05
    assert (found == BootstrapConfig()) == (tests <= 25)
    assert resampling_for_family(10**6, BootstrapConfig()).resamples == MOST_RESAMPLES
