"""Means over seeds against a naive loop over resamples, and against the figures of one run."""

import statistics

import numpy as np
import pytest

from dvtr_bench.errors import IncomparableError, InputError
from dvtr_bench.ranking.bootstrap import BootstrapConfig, draws
from dvtr_bench.ranking.figures import compare, compute_figures
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.ranking.seed_means import SeedMeans
from tests.fixtures.records import toy_record

CONFIG = BootstrapConfig(resamples=200)


def table(seed: int, best_rank: int = 4) -> RankTable:
    return toy_record(rank_seed=seed, best_rank=best_rank).rank_table


def naive_r1(one: RankTable, drawn) -> float:
    """R@1 in percent of a resample, by repeating the queries of each video as it was drawn."""
    ranks = one.ranks["t2v"]["strict"].pessimistic
    hits = [
        rank == 1
        for video, rank in zip(one.caption_video_index, ranks, strict=True)
        for _ in range(drawn[video])
    ]
    return 100 * sum(hits) / len(hits)


def test_interval_and_deviation_are_those_of_a_naive_loop() -> None:
    tables = [table(seed) for seed in range(3)]
    means = SeedMeans.of(tables, CONFIG)
    (drawn,) = draws(20, 60, CONFIG)
    by_resample = sorted(statistics.mean(naive_r1(one, row) for one in tables) for row in drawn)
    figure = means.figure("t2v", "strict", "R@1")
    values = [naive_r1(one, np.ones(20, dtype=int)) for one in tables]
    assert figure.mean == pytest.approx(statistics.mean(values))
    assert figure.deviation == pytest.approx(statistics.stdev(values))
    assert (figure.low, figure.high) == pytest.approx((by_resample[5], by_resample[-6]))


def test_one_seed_is_the_run_itself() -> None:
    one = table(0)
    figures = compute_figures(one, CONFIG)
    means = SeedMeans.of([one], CONFIG)
    for direction, kind, name in means.values:
        figure, expected = means.figure(direction, kind, name), figures[direction][kind][name]
        assert (figure.mean, figure.low, figure.high) == (
            expected.value,
            expected.low,
            expected.high,
        )
        assert figure.deviation is None


def test_the_mean_moves_less_than_its_runs_but_seeds_are_resampled_together() -> None:
    width = {}
    for name, tables in {
        "one": [table(0)],
        "twice": [table(0), table(0)],
        "several": [table(seed) for seed in range(8)],
    }.items():
        figure = SeedMeans.of(tables, CONFIG).figure("t2v", "strict", "R@1")
        width[name] = figure.high - figure.low
    assert width["twice"] == width["one"]
    assert width["several"] < width["one"]


def test_a_difference_of_single_runs_is_the_paired_comparison() -> None:
    first, second = table(0), table(1, best_rank=3)
    expected = compare(first, second, CONFIG)
    means = [SeedMeans.of([one], CONFIG) for one in (first, second)]
    for place in expected:
        assert means[0].difference(means[1], *place) == expected[place]


def test_a_difference_of_means_is_paired_by_resample() -> None:
    first, second = ([table(seed, best) for seed in range(2)] for best in (4, 3))
    found = SeedMeans.of(first, CONFIG).difference(
        SeedMeans.of(second, CONFIG), "t2v", "strict", "R@1"
    )
    (drawn,) = draws(20, 60, CONFIG)
    moved = sorted(
        statistics.mean(naive_r1(one, row) for one in second)
        - statistics.mean(naive_r1(one, row) for one in first)
        for row in drawn
    )
    assert (found.low, found.high) == pytest.approx((moved[5], moved[-6]))
    assert found.difference == pytest.approx(found.second - found.first)


def test_other_queries_and_no_runs_are_refused() -> None:
    one = table(0)
    other = RankTable(one.caption_video_index[::-1].copy(), one.num_videos, one.ranks)
    with pytest.raises(IncomparableError, match="same queries"):
        SeedMeans.of([one, other], CONFIG)
    with pytest.raises(IncomparableError, match="same queries and the same resamples"):
        SeedMeans.of([one], CONFIG).difference(
            SeedMeans.of([other], CONFIG), "t2v", "strict", "R@1"
        )
    with pytest.raises(InputError, match="at least one run"):
        SeedMeans.of([], CONFIG)
