from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvtr_bench.errors import ConfigError
from dvtr_bench.video.sampling import Sampling, Timeline, make_timeline


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", Sampling(12)),
        ("uniform:8", Sampling(8)),
        ("1fps", Sampling(12, Fraction(1))),
        ("0.5fps:20", Sampling(20, Fraction(1, 2))),
    ],
)
def test_parse_reads_what_str_writes(text: str, expected: Sampling) -> None:
    assert Sampling.parse(text) == expected
    assert Sampling.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "12.5", "fps", "0fps", "1fps:0", "uniform", "1 fps"]
)
def test_parse_refuses_the_rest(text: str) -> None:
    with pytest.raises(ConfigError, match="sampling: expected"):
        Sampling.parse(text)


def test_uniform_takes_the_middle_of_equal_segments() -> None:
    times = Sampling(4).times(Fraction(8))
    assert times == [1, 3, 5, 7]


def test_rate_starts_at_zero_and_stays_inside_the_clip() -> None:
    assert Sampling.parse("1fps").times(Fraction(5)) == [0, 1, 2, 3, 4]
    assert Sampling.parse("1fps").times(Fraction("5.1")) == [0, 1, 2, 3, 4, 5]
    assert Sampling.parse("1fps").times(Fraction("0.2")) == [0]


@given(seconds=st.integers(1, 400), count=st.integers(1, 40))
def test_a_capped_rate_picks_as_the_authors_loader_does(seconds: int, count: int) -> None:
    times = Sampling(count, Fraction(1)).times(Fraction(seconds))
    if seconds <= count:
        expected = list(range(seconds))
    else:
        expected = np.linspace(0, seconds - 1, num=count, dtype=int).tolist()
        # linspace falls just short of some whole numbers; we do not.
        exact = [i * (seconds - 1) / max(1, count - 1) for i in range(count)]
        expected = [round(x) if abs(x - round(x)) < 1e-9 else int(x) for x in exact]
    assert times == expected


@given(
    gaps=st.lists(st.integers(1, 90), min_size=0, max_size=80),
    count=st.integers(1, 15),
)
def test_picked_frames_are_those_on_screen(gaps: list[int], count: int) -> None:
    ticks = np.cumsum([0, *gaps]).tolist()
    timeline = make_timeline(ticks, 40, Fraction(1, 1000), None)
    sampling = Sampling(count)
    for time, index in zip(
        sampling.times(timeline.duration_seconds), sampling.pick(timeline), strict=True
    ):
        on_screen = [i for i, tick in enumerate(ticks) if Fraction(tick, 1000) <= time]
        assert index == on_screen[-1]


def test_few_frames_repeat() -> None:
    timeline = Timeline(starts=(0, 1), end=2, time_base=Fraction(1, 25))
    assert Sampling(4).pick(timeline) == [0, 0, 1, 1]


def test_a_clip_starts_at_its_first_frame() -> None:
    timeline = make_timeline([900, 1000, 1100], 100, Fraction(1, 1000), None)
    assert timeline.starts == (0, 100, 200)
    assert timeline.duration_seconds == Fraction(3, 10)


def test_an_unknown_last_duration_is_the_median_gap_or_the_rate() -> None:
    assert make_timeline([0, 40, 80, 500], 0, Fraction(1, 1000), None).end == 540
    assert make_timeline([0], 0, Fraction(1, 1000), Fraction(50)).end == 20
    assert make_timeline([0], 0, Fraction(1, 1000), None).end == 40
