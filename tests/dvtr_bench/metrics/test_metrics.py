"""Each metric by hand and against plain loops."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvtr_bench.metrics import mean_rank, median_rank, recall
from tests.oracles.naive_recall import naive_figures


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 40))
def test_metrics_equal_the_naive_ones(ranks, gallery_size) -> None:
    distinct, counts = np.unique(ranks, return_counts=True)
    row = counts[None].astype(np.float64)
    found = {}
    for metric in (recall, median_rank, mean_rank):
        found |= {name: v[0] for name, v in metric.compute(distinct, row, gallery_size).items()}
    assert found == pytest.approx(naive_figures(ranks, gallery_size))


def test_a_median_of_an_even_number_lies_between_the_middle_two() -> None:
    ranks = np.array([1, 4, 9])
    assert median_rank.compute(ranks, np.array([[1.0, 1.0, 0.0]]), 10)["MdR"].tolist() == [2.5]
    assert median_rank.compute(ranks, np.array([[1.0, 0.0, 1.0]]), 10)["MdR"].tolist() == [5.0]
    assert median_rank.compute(ranks, np.array([[0.0, 0.0, 2.0]]), 10)["MdR"].tolist() == [9.0]


@pytest.mark.parametrize(
    ("counts", "mean", "lower"),
    [
        ([1, 1, 0], 2.5, 1),
        ([1, 0, 1], 5, 1),
        ([0, 0, 2], 9, 9),
        ([2, 1, 1], 2.5, 1),
        ([1, 1, 1], 4, 4),
    ],
)
def test_both_medians_stand_side_by_side(counts, mean, lower) -> None:
    row = np.array([counts], dtype=np.float64)
    found = median_rank.compute(np.array([1, 4, 9]), row, 10)
    assert {name: values.tolist() for name, values in found.items()} == {
        "MdR": [mean],
        "MdR-lower": [lower],
    }


def test_the_lower_median_is_that_of_clip4clip() -> None:
    vectors = np.load(Path(__file__).parents[2] / "fixtures" / "recall_protocol.npz")
    scores, own = vectors["sim_matrix"], vectors["caption_video_index"]
    assert len(own) % 2 == 0
    best = scores[np.arange(len(own)), own][:, None]
    distinct, counts = np.unique((scores >= best).sum(axis=1), return_counts=True)
    found = median_rank.compute(distinct, counts[None].astype(np.float64), scores.shape[1])
    assert found["MdR-lower"][0] == vectors["t2v_MedianR"]


def test_recall_above_the_gallery_is_not_given() -> None:
    assert list(recall.compute(np.array([1]), np.array([[1.0]]), 5)) == ["R@1", "R@5"]
