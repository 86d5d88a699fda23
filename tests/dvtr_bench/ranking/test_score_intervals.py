"""Intervals where the bootstrap has no width, against SciPy's and a plain formula."""

import math

import numpy as np
import pytest

from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS
from dvtr_bench.ranking.bootstrap import BootstrapConfig, bound_interval, difference_interval
from dvtr_bench.ranking.figures import compare, compute_figures, full_share
from dvtr_bench.ranking.group_figures import compare_groups, group_figures
from dvtr_bench.ranking.rank_table import Groups, QueryRanks, RankTable
from dvtr_bench.ranking.seed_means import SeedMeans

VIDEOS, EACH = 30, 4
CONFIG = BootstrapConfig(resamples=100)


def table(rank: int, last: int | None = None) -> RankTable:
    """Every query at one rank; the last one at another, if given."""
    own = np.repeat(np.arange(VIDEOS), EACH)

    def ranks(queries: int) -> QueryRanks:
        values = np.full(queries, rank)
        values[-1] = rank if last is None else last
        return QueryRanks(values, values)

    return RankTable(
        own,
        VIDEOS,
        {
            direction: dict.fromkeys(
                RELEVANCE_KINDS, ranks(len(own) if direction == "t2v" else VIDEOS)
            )
            for direction in DIRECTIONS
        },
    )


@pytest.mark.parametrize("videos", [1, 10, 96, 5000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("full", [100.0, 600.0])
def test_the_ends_are_wilsons(videos: int, level: float, full: float) -> None:
    binomtest = pytest.importorskip("scipy.stats").binomtest
    for hits in (0, videos):
        wanted = binomtest(hits, videos).proportion_ci(level, method="wilson")
        value = full * hits / videos
        ends = bound_interval(value, full, videos, level)
        assert ends == pytest.approx((full * wanted.low, full * wanted.high), abs=1e-9)
        assert value in ends


def test_videos_are_the_trials_not_captions() -> None:
    figures = compute_figures(table(20), CONFIG)
    for direction in DIRECTIONS:
        figure = figures[direction]["strict"]["R@5"]
        assert (figure.value, figure.low) == (0.0, 0.0)
        assert figure.high == bound_interval(0.0, 100.0, VIDEOS, 0.95)[1]
        assert 10 < figure.high < 12
    joined = figures["both"]["strict"]
    assert joined["mR"].high == figures["t2v"]["strict"]["R@5"].high
    assert joined["RSum"].high == pytest.approx(6 * joined["mR"].high)
    # Ranks are no shares of queries: their interval stays as it was.
    assert figures["t2v"]["strict"]["MnR"].low == figures["t2v"]["strict"]["MnR"].high == 20


def test_all_hits_have_the_mirrored_interval() -> None:
    figure = compute_figures(table(1), CONFIG)["v2t"]["strict"]["R@1"]
    assert (figure.value, figure.high) == (100.0, 100.0)
    assert figure.low == pytest.approx(100 - bound_interval(0.0, 100.0, VIDEOS, 0.95)[1])


def test_a_single_hit_leaves_the_bootstrap() -> None:
    figure = compute_figures(table(20, last=1), CONFIG)["t2v"]["strict"]["R@1"]
    assert figure.value == pytest.approx(100 / (VIDEOS * EACH))
    assert figure.high < 5


def test_groups_count_their_own_videos() -> None:
    codes = np.array([0] * 12 + [1] * 18)
    groups = {"half": Groups("Half", "video", ("a", "b"), codes)}
    found = group_figures(table(20), groups, CONFIG)["half"]["t2v"]
    for name, videos in (("a", 12), ("b", 18)):
        figure = found[name].metrics["R@1"]
        assert (figure.low, figure.high) == bound_interval(0.0, 100.0, videos, 0.95)


def test_means_over_seeds_have_it_too() -> None:
    means = SeedMeans.of([table(20), table(15)], CONFIG)
    figure = means.figure("t2v", "strict", "R@10")
    assert (figure.mean, figure.low) == (0.0, 0.0)
    assert figure.high == bound_interval(0.0, 100.0, VIDEOS, 0.95)[1]
    difference = means.difference(SeedMeans.of([table(1)], CONFIG), "t2v", "strict", "R@10")
    assert difference.low < difference.high == 100.0


def test_two_runs_without_a_hit_are_not_said_to_be_equal() -> None:
    width = bound_interval(0.0, 100.0, VIDEOS, 0.95)[1]
    found = compare(table(20), table(15), CONFIG)
    for place in (("t2v", "strict", "R@1"), ("both", "strict", "mR")):
        assert (found[place].low, found[place].high) == pytest.approx((-width, width))
        assert found[place].p_value == 1.0
    found = compare(table(20), table(1), CONFIG)["t2v", "strict", "R@1"]
    assert found.high == found.difference == 100.0
    assert found.low == pytest.approx(100 - math.sqrt(2) * width)
    groups = Groups("Half", "video", ("a",), np.zeros(VIDEOS, np.int64))
    (group,) = compare_groups([table(20)], [table(15)], groups, CONFIG)
    change = group.metrics["R@1"]
    assert (change.low, change.high) == pytest.approx((-width, width))


def test_a_run_against_itself_still_differs_nowhere() -> None:
    for found in compare(table(20), table(20), CONFIG).values():
        assert (found.low, found.high, found.p_value) == (0.0, 0.0, 1.0)


def test_a_difference_of_anything_else_is_the_bootstraps() -> None:
    moved = np.arange(200.0)
    assert difference_interval((0.0, 50.0), moved, 100.0, VIDEOS, 0.95) == (5.0, 194.0)
    assert difference_interval((0.0, 0.0), moved, None, VIDEOS, 0.95) == (5.0, 194.0)


def test_shares_are_what_metrics_say() -> None:
    assert [full_share(name) for name in ("R@1", "mR", "RSum", "MdR", "MnR")] == [
        100.0, 100.0, 600.0, None, None,
    ]  # fmt: skip
