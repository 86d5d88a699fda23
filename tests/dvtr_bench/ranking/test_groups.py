"""Figures by group against plain loops over groups, queries and resamples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvtr_bench.errors import IncomparableError, InputError
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS
from dvtr_bench.ranking.bootstrap import BootstrapConfig, draws, interval, two_sided_p_value
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, compare_groups, group_figures
from dvtr_bench.ranking.rank_table import Groups, QueryRanks, RankTable
from tests.oracles.naive_groups import naive_groups

CONFIG = BootstrapConfig(resamples=100)


def _table(own, num_videos, seed=0):
    """Ranks by seed, many of them equal; the optimistic ones differ and must not be read."""
    own = np.asarray(own)
    generator = np.random.default_rng(seed)
    videos = len(np.unique(own))
    sizes = {"t2v": (len(own), num_videos), "v2t": (videos, videos)}
    sizes["v2t_caption"] = (videos, len(own))
    ranks = {}
    for direction in DIRECTIONS:
        queries, gallery = sizes[direction]
        drawn = np.minimum(1 + generator.exponential(0.2 * gallery, queries).astype(int), gallery)
        ranks[direction] = dict.fromkeys(RELEVANCE_KINDS, QueryRanks(drawn, np.ones_like(drawn)))
    return RankTable(own, num_videos, ranks)


def _groups(unit, codes, count):
    names = tuple(f"group {number}" for number in range(count))
    return Groups("Groups", unit, names, np.asarray(codes, dtype=np.int64))


@st.composite
def grouped_tables(draw):
    num_videos = draw(st.integers(1, 25))
    own = draw(st.lists(st.integers(0, num_videos - 1), min_size=1, max_size=60))
    unit = draw(st.sampled_from(["caption", "video"]))
    count = draw(st.integers(1, 5))
    size = len(own) if unit == "caption" else num_videos
    codes = draw(st.lists(st.integers(0, count - 1), min_size=size, max_size=size))
    return _table(own, num_videos, draw(st.integers(0, 99))), _groups(unit, codes, count)


def _naive(table, groups, direction, times=None):
    videos = table.query_videos(direction).tolist()
    by_unit = groups.codes.tolist()
    codes = by_unit if groups.unit == "caption" else [by_unit[video] for video in videos]
    ranks = table.ranks[direction]["strict"].pessimistic.tolist()
    size = table.gallery_size(direction)
    return naive_groups(ranks, videos, codes, groups.names, size, times)


def _resamples(table):
    """How often each video was drawn in each resample, as lists."""
    clusters = table.query_videos("v2t")
    for run in draws(len(clusters), len(table.caption_video_index), CONFIG):
        for row in run:
            times = np.zeros(table.num_videos, dtype=int)
            times[clusters] = row
            yield times.tolist()


@settings(max_examples=100)
@given(grouped_tables())
def test_values_and_counts_equal_the_naive_ones(made) -> None:
    table, groups = made
    found = group_figures(table, {"axis": groups}, CONFIG)["axis"]
    assert tuple(found) == (("t2v",) if groups.unit == "caption" else ("t2v", "v2t"))
    for direction, by_group in found.items():
        expected = _naive(table, groups, direction)
        assert tuple(by_group) == groups.names
        for name, one in by_group.items():
            queries, videos, figures = expected[name]
            assert (one.queries, one.videos) == (queries, videos)
            assert {key: figure.value for key, figure in one.metrics.items()} == pytest.approx(
                figures
            )


@pytest.mark.parametrize("unit", ["caption", "video"])
def test_intervals_equal_a_loop_over_the_resamples_that_hold_the_group(unit) -> None:
    own = np.sort(np.random.default_rng(1).integers(0, 30, 70))
    table = _table(own, 31)
    # Of 30 videos, the first group has most, the second a dozen, the third few.
    sizes = np.repeat([0, 1, 2], [16, 12, 3])
    groups = _groups(unit, sizes if unit == "video" else sizes[own], 3)
    found = group_figures(table, {"axis": groups}, CONFIG)["axis"]["t2v"]
    resampled = [_naive(table, groups, "t2v", times) for times in _resamples(table)]
    for name, one in found.items():
        for key, figure in one.metrics.items():
            told = [draw[name][2][key] for draw in resampled if draw[name][2]]
            expected = (None, None)
            if one.videos >= FEWEST_VIDEOS:
                expected = interval(np.array(told, dtype=float), CONFIG.level)
            assert (figure.low, figure.high) == pytest.approx(expected)
    assert {one.metrics["R@1"].low is None for one in found.values()} == {True, False}


def test_a_resample_without_the_group_says_nothing_about_it(monkeypatch) -> None:
    monkeypatch.setattr("dvtr_bench.ranking.group_figures.FEWEST_VIDEOS", 2)
    own = np.arange(40)
    table = _table(own, 40)
    codes = np.zeros(40)
    codes[:2] = 1
    groups = _groups("video", codes, 2)
    missing = [sum(times[:2]) == 0 for times in _resamples(table)]
    assert any(missing)
    figure = group_figures(table, {"axis": groups}, CONFIG)["axis"]["t2v"]["group 1"].metrics["MdR"]
    ranks = table.ranks["t2v"]["strict"].pessimistic[:2]
    assert min(ranks) <= figure.low <= figure.high <= max(ranks)


def test_a_group_of_one_video_has_a_value_and_no_interval() -> None:
    table = _table([0] * 12 + list(range(1, 20)), 20)
    groups = _groups("video", [0] + [1] * 19, 2)
    one = group_figures(table, {"axis": groups}, CONFIG)["axis"]["t2v"]["group 0"]
    assert (one.queries, one.videos) == (12, 1)
    assert one.metrics["R@5"].value > 0
    assert one.metrics["R@5"].low is one.metrics["R@5"].high is None


def test_a_group_without_queries_has_counts_alone() -> None:
    groups = _groups("video", [0, 0, 1], 3)
    found = group_figures(_table([0, 1, 1], 3), {"axis": groups}, CONFIG)["axis"]
    for direction in ("t2v", "v2t"):
        for name in ("group 1", "group 2"):
            one = found[direction][name]
            assert (one.queries, one.videos, one.metrics) == (0, 0, {})


def test_recall_above_the_gallery_is_left_out() -> None:
    groups = _groups("caption", [0, 1, 0], 2)
    found = group_figures(_table([0, 1, 2], 3), {"axis": groups}, CONFIG)["axis"]["t2v"]
    assert set(found["group 0"].metrics) == {"R@1", "MdR"}


def test_memory_bounds_do_not_change_a_figure(monkeypatch) -> None:
    table = _table(np.sort(np.random.default_rng(2).integers(0, 40, 90)), 40)
    axes = {"a": _groups("caption", np.arange(90) % 4, 4), "b": _groups("video", [0, 1] * 20, 2)}
    whole = group_figures(table, axes, CONFIG)
    monkeypatch.setattr("dvtr_bench.ranking.bootstrap._ENTRIES_AT_ONCE", 300)
    assert group_figures(table, axes, CONFIG) == whole


def test_paired_differences_equal_a_loop() -> None:
    own = np.repeat(np.arange(24), 3)
    first, second = _table(own, 24, seed=1), _table(own, 24, seed=2)
    groups = _groups("video", [0] * 12 + [1] * 9 + [2] * 3, 4)
    pairs = [
        (_naive(first, groups, "t2v", times), _naive(second, groups, "t2v", times))
        for times in _resamples(first)
    ]
    found = compare_groups([first], [second], groups, CONFIG)
    assert [one.group for one in found] == list(groups.names)
    assert [(one.queries, one.videos) for one in found] == [(36, 12), (27, 9), (9, 3), (0, 0)]
    assert found[3].metrics == {}
    values = _naive(first, groups, "t2v"), _naive(second, groups, "t2v")
    for one in found[:3]:
        for key, change in one.metrics.items():
            before, after = (each[one.group][2][key] for each in values)
            assert (change.first, change.second) == pytest.approx((before, after))
            assert change.difference == pytest.approx(after - before)
            moved = np.array([b[one.group][2][key] - a[one.group][2][key] for a, b in pairs if
                              a[one.group][2]])  # fmt: skip
            if one.videos < FEWEST_VIDEOS:
                assert change.low is change.high is change.p_value is None
            else:
                low, high = interval(moved, CONFIG.level)
                assert (change.low, change.high) == pytest.approx((low, high))
                assert change.p_value == pytest.approx(two_sided_p_value(moved))


def test_means_over_seeds_are_compared_on_the_same_resamples() -> None:
    own = np.repeat(np.arange(24), 3)
    first = [_table(own, 24, seed=seed) for seed in (1, 2)]
    second = [_table(own, 24, seed=seed) for seed in (3, 4, 5)]
    groups = _groups("video", [0] * 12 + [1] * 12, 2)
    draws = list(_resamples(first[0]))

    def mean(tables: list[RankTable], times: object, name: str) -> float:
        return float(np.mean([_naive(t, groups, "t2v", times)[name][2]["R@1"] for t in tables]))

    for one in compare_groups(first, second, groups, CONFIG):
        change = one.metrics["R@1"]
        moved = np.array([mean(second, d, one.group) - mean(first, d, one.group) for d in draws])
        assert change.first == pytest.approx(mean(first, None, one.group))
        assert change.second == pytest.approx(mean(second, None, one.group))
        assert (change.low, change.high) == pytest.approx(interval(moved, CONFIG.level))


def test_equal_runs_differ_by_nothing() -> None:
    table = _table(np.arange(20), 20)
    for one in compare_groups([table], [table], _groups("video", [0, 1] * 10, 2), CONFIG):
        for change in one.metrics.values():
            assert (change.difference, change.low, change.high, change.p_value) == (0, 0, 0, 1)


def test_runs_on_other_queries_are_not_compared() -> None:
    groups = _groups("caption", [0, 0, 0], 1)
    with pytest.raises(IncomparableError, match="the same queries"):
        compare_groups([_table([0, 1, 2], 3)], [_table([0, 2, 1], 3)], groups, CONFIG)


@pytest.mark.parametrize(
    ("names", "codes", "message"),
    [
        (("a", "a"), [0], "one name each"),
        ((), [0], "one name each"),
        (("a",), [0, 1, 0], "video 1 is in group 1 of 'Boats': expected 0..0"),
        (("a",), [-1], "video 0 is in group -1"),
        (("a",), [], "need int64 codes"),
        (("a",), [[0]], "need int64 codes"),
    ],
)
def test_groups_that_make_no_sense_are_refused(names, codes, message) -> None:
    with pytest.raises(InputError, match=message):
        Groups("Boats", "video", names, np.array(codes, dtype=np.int64))


@pytest.mark.parametrize("unit", ["caption", "video"])
def test_groups_of_another_split_are_refused(unit) -> None:
    groups = _groups(unit, [0] * 5, 1)
    with pytest.raises(InputError, match=f"sorts 5 {unit}s, but the split has"):
        group_figures(_table([0, 1, 1], 2), {"axis": groups}, CONFIG)


@given(st.lists(st.floats(-5, 50), min_size=1))
def test_numbers_fall_into_the_first_group_that_reaches_them(values) -> None:
    bins = [(0.0, "a"), (2.5, "b"), (10.0, "c"), (math.inf, "d")]
    codes = Groups.by_number("X", "video", np.array(values), bins).codes
    for value, code in zip(values, codes, strict=True):
        assert code == next(place for place, (border, _) in enumerate(bins) if value <= border)
