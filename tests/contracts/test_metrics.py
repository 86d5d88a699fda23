"""What every file of dvtr_bench/metrics must keep to."""

import numpy as np
import pytest

from dvtr_bench.catalog import METRICS

RANKS = np.array([1, 2, 7, 30])
COUNTS = np.array([[4.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])


@pytest.fixture(params=METRICS.names())
def metric(request):
    return METRICS.load(request.param)


def test_it_says_what_it_gives_and_which_way_is_better(metric) -> None:
    assert metric.FIGURES
    assert all(isinstance(name, str) for name in metric.FIGURES)
    assert isinstance(metric.HIGHER_IS_BETTER, bool)


def test_it_gives_its_figures_for_every_row_of_counts(metric) -> None:
    figures = metric.compute(RANKS, COUNTS, 40)
    assert tuple(figures) == metric.FIGURES
    for values in figures.values():
        assert values.shape == (2,)
        assert np.isfinite(values).all()


def test_rows_do_not_touch_each_other(metric) -> None:
    together = metric.compute(RANKS, COUNTS, 40)
    for row in range(2):
        alone = metric.compute(RANKS, COUNTS[row : row + 1], 40)
        assert all(alone[name][0] == together[name][row] for name in metric.FIGURES)


def test_it_is_pure(metric) -> None:
    ranks, counts = RANKS.copy(), COUNTS.copy()
    metric.compute(ranks, counts, 40)
    assert (ranks == RANKS).all()
    assert (counts == COUNTS).all()


def test_a_gallery_of_one_leaves_out_what_is_not_defined(metric) -> None:
    figures = metric.compute(np.array([1]), np.array([[3.0]]), 1)
    assert set(figures) <= set(metric.FIGURES)
    assert all(np.isfinite(values).all() for values in figures.values())


def test_better_ranks_are_never_worse(metric) -> None:
    worse, better = (metric.compute(np.array([r]), np.ones((1, 1)), 40) for r in (9, 1))
    sign = 1 if metric.HIGHER_IS_BETTER else -1
    assert all(sign * (better[n][0] - worse[n][0]) >= 0 for n in metric.FIGURES)


def test_no_two_metrics_give_the_same_figure() -> None:
    names = [name for key in METRICS.names() for name in METRICS.load(key).FIGURES]
    assert len(names) == len(set(names))
