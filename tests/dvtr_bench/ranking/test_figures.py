"""Figures, intervals and paired comparison against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvtr_bench.errors import ConfigError, IncomparableError
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS
from dvtr_bench.ranking.bootstrap import BootstrapConfig, draws, interval, two_sided_p_value
from dvtr_bench.ranking.figures import (
    compare,
    compute_figures,
    figure_names,
    higher_is_better,
    left_out,
    point_values,
)
from dvtr_bench.ranking.rank_table import QueryRanks, RankTable
from tests.oracles.naive_recall import naive_figures


def _ranks(values):
    values = np.asarray(values, dtype=np.int64)
    return QueryRanks(values, values)


def _table(own, num_videos, seed=0, scale=0.3):
    own = np.asarray(own)
    generator = np.random.default_rng(seed)
    videos = len(np.unique(own))
    sizes = {"t2v": (len(own), num_videos), "v2t": (videos, videos)}
    sizes["v2t_caption"] = (videos, len(own))
    ranks = {}
    for direction, (queries, gallery) in sizes.items():
        drawn = 1 + (generator.exponential(scale * gallery, queries)).astype(int)
        ranks[direction] = dict.fromkeys(RELEVANCE_KINDS, _ranks(np.minimum(drawn, gallery)))
    return RankTable(own, num_videos, ranks)


@st.composite
def tables(draw):
    num_videos = draw(st.integers(1, 15))
    own = draw(st.lists(st.integers(0, num_videos - 1), min_size=1, max_size=40))
    return _table(own, num_videos, seed=draw(st.integers(0, 1000)))


@settings(max_examples=100)
@given(tables())
def test_figures_equal_the_naive_ones(table) -> None:
    values = point_values(table)
    for direction in DIRECTIONS:
        ranks = table.ranks[direction]["strict"].pessimistic.tolist()
        expected = naive_figures(ranks, table.gallery_size(direction))
        found = {n: v[0] for (d, k, n), v in values.items() if (d, k) == (direction, "strict")}
        assert found == pytest.approx(expected)


def test_mean_recall_and_sum_join_both_directions() -> None:
    values = point_values(_table(np.repeat(np.arange(20), 3), 20))
    recalls = [values[d, "strict", f"R@{k}"][0] for d in ("t2v", "v2t") for k in (1, 5, 10)]
    assert values["both", "strict", "RSum"][0] == pytest.approx(sum(recalls))
    assert values["both", "strict", "mR"][0] == pytest.approx(sum(recalls) / 6)


def test_recall_above_the_gallery_is_left_out_and_said() -> None:
    table = _table([0, 0, 1, 2, 2, 2], num_videos=6)
    names = {(direction, name) for direction, _, name in point_values(table)}
    assert ("t2v", "R@5") in names
    assert ("t2v", "R@10") not in names
    assert ("v2t", "R@5") not in names
    assert not any(direction == "both" for direction, _ in names)
    said = left_out(table)
    assert "R@10 of t2v is not defined: the gallery has 6 candidates" in said
    assert "R@5 of v2t is not defined: the gallery has 3 candidates" in said
    assert any(sentence.startswith("mR and RSum") for sentence in said)
    assert left_out(_table(np.arange(10), 10)) == ()


def test_intervals_equal_a_loop_over_resamples() -> None:
    own = [0, 0, 0, 2, 4, 4, 5, 7, 7, 7, 7, 9]
    table = _table(own, num_videos=12, scale=0.5)
    config = BootstrapConfig(resamples=200, seed=3)
    clusters = sorted(set(own))
    t2v = table.ranks["t2v"]["strict"].pessimistic
    v2t = table.ranks["v2t"]["strict"].pessimistic
    resampled = []
    for row in np.concatenate(list(draws(len(clusters), len(own), config))):
        texts = [
            t2v[t]
            for v, times in zip(clusters, row, strict=True)
            for t in range(len(own))
            if own[t] == v
            for _ in range(times)
        ]
        videos = [v2t[n] for n, times in enumerate(row) for _ in range(times)]
        resampled.append((naive_figures(texts, 12), naive_figures(videos, len(clusters))))
    figures = compute_figures(table, config)
    for part, direction in enumerate(("t2v", "v2t")):
        for name in ("R@1", "R@5", "MdR", "MdR-lower", "MnR"):
            ordered = sorted(each[part][name] for each in resampled)
            figure = figures[direction]["strict"][name]
            assert (figure.low, figure.high) == pytest.approx((ordered[5], ordered[194]))


def test_the_draw_is_of_whole_videos_with_replacement_and_fixed_for_good() -> None:
    rows = np.concatenate(list(draws(5, 5, BootstrapConfig(resamples=1000, seed=0))))
    assert rows.shape == (1000, 5)
    assert (rows.sum(axis=1) == 5).all()
    assert rows.mean(axis=0) == pytest.approx([1] * 5, abs=0.1)
    # Result files are checked against these draws: another stream would refuse every one of them.
    assert rows[:3].tolist() == [[2, 1, 0, 1, 1], [0, 0, 1, 2, 2], [2, 0, 0, 1, 2]]


def test_the_draw_does_not_depend_on_how_it_is_cut() -> None:
    config = BootstrapConfig(resamples=100)
    whole = np.concatenate(list(draws(50, 50, config)))
    cut = np.concatenate(list(draws(50, 1 << 20, config)))
    assert (whole == cut).all()


def test_videos_without_captions_take_neither_time_nor_memory() -> None:
    few = _table([0, 2, 2, 5], 6)
    many = RankTable(few.caption_video_index, 10**12, few.ranks)
    config = BootstrapConfig(resamples=100)
    found, expected = (compute_figures(table, config)["t2v"]["strict"] for table in (many, few))
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) == {"R@10"}


def test_captions_of_one_video_widen_the_interval() -> None:
    own = np.repeat(np.arange(40), 10)
    hits = np.where(own % 2 == 0, 1, 30)
    ranks = {
        d: dict.fromkeys(RELEVANCE_KINDS, _ranks(hits[:: 1 if d == "t2v" else 10]))
        for d in DIRECTIONS
    }
    figure = compute_figures(RankTable(own, 40, ranks), BootstrapConfig())["t2v"]["strict"]["R@1"]
    assert figure.value == 50
    # 400 independent captions would give about 45 to 55; 40 videos give about 35 to 65.
    assert figure.high - figure.low > 25


def test_a_run_compared_with_itself_does_not_differ() -> None:
    table = _table(np.repeat(np.arange(30), 2), 30)
    differences = compare(table, table, BootstrapConfig(resamples=100))
    assert all(d.difference == d.low == d.high == 0 for d in differences.values())
    assert all(d.p_value == 1 for d in differences.values())


def test_a_run_that_wins_on_every_video_differs_beyond_doubt() -> None:
    own = np.repeat(np.arange(60), 2)
    bad, good = _table(own, 60, scale=1.0), _table(own, 60, scale=0.02)
    won = compare(bad, good, BootstrapConfig())["t2v", "strict", "R@1"]
    assert won.difference == pytest.approx(won.second - won.first)
    assert 0 < won.low <= won.difference <= won.high
    assert won.p_value < 0.01
    lost = compare(good, bad, BootstrapConfig())["t2v", "strict", "R@1"]
    assert (lost.difference, lost.low, lost.high) == (-won.difference, -won.high, -won.low)
    assert lost.p_value == won.p_value


def test_pairing_is_sharper_than_two_intervals() -> None:
    own = np.arange(200)
    one = _table(own, 200, seed=1)
    better = np.maximum(1, one.ranks["t2v"]["strict"].pessimistic - 3)
    other = RankTable(
        own, 200, {**one.ranks, "t2v": dict.fromkeys(RELEVANCE_KINDS, _ranks(better))}
    )
    place = ("t2v", "strict", "MnR")
    paired = compare(one, other, BootstrapConfig())[place]
    alone = compute_figures(one, BootstrapConfig())["t2v"]["strict"]["MnR"]
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)


@pytest.mark.parametrize("other", [_table([0, 1, 1], 2), _table([0, 0, 1], 3)])
def test_runs_on_other_queries_are_not_compared(other) -> None:
    with pytest.raises(IncomparableError, match="same queries"):
        compare(_table([0, 0, 1], 2), other, BootstrapConfig())


def test_p_values_and_intervals_by_hand() -> None:
    assert interval(np.arange(200.0), level=0.95) == (5.0, 194.0)
    assert two_sided_p_value(np.array([-1.0] + [1.0] * 98)) == 2 * 2 / 100
    assert two_sided_p_value(np.zeros(99)) == 1.0


@pytest.mark.parametrize("field", [{"resamples": 10}, {"seed": -1}, {"level": 1.0}])
def test_an_impossible_bootstrap_is_refused(field) -> None:
    with pytest.raises(ConfigError, match="bootstrap"):
        BootstrapConfig(**field)


def test_figures_stand_in_the_order_of_reports() -> None:
    assert figure_names() == ("R@1", "R@5", "R@10", "MdR", "MdR-lower", "MnR")
    assert [higher_is_better(name) for name in ("R@5", "MdR", "MnR", "mR", "RSum")] == [
        True,
        False,
        False,
        True,
        True,
    ]
