"""Two runs in pairs: which may be compared, what is counted, which captions changed most."""

from dataclasses import replace

import numpy as np
import pytest

from dvtr_bench.errors import IncomparableError
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS
from dvtr_bench.ranking.rank_table import Groups
from leaderboard.comparison.differences import make_comparison
from tests.fixtures.records import toy_record
from tests.fixtures.scored_runs import random_split, scored_record

QUICK = BootstrapConfig(resamples=200)


def runs(groups=None, videos=24, captions=60):
    own, _, caption_ids = random_split(videos, captions)
    rng = np.random.default_rng(5)
    first = rng.normal(size=(captions, videos))
    second = first + 0.3 * rng.normal(size=first.shape)
    second[np.arange(captions), own] += 1.0
    return own, [
        scored_record(scores, own, caption_ids, model, groups=groups)
        for scores, model in ((first, "a"), (second, "b"))
    ]


def test_figures_are_those_of_the_records_and_differences_run_from_a_to_b() -> None:
    _, (first, second) = runs()
    comparison = make_comparison(first, second, resampling=QUICK)
    for (direction, name), found in comparison.figures.items():
        assert found.first == first.metrics[direction]["strict"][name].value
        assert found.second == second.metrics[direction]["strict"][name].value
        assert found.difference == found.second - found.first
        assert found.low <= found.difference <= found.high
    assert {direction for direction, _ in comparison.figures} == {
        "t2v", "v2t", "v2t_caption", "both",
    }  # fmt: skip


def test_the_other_way_round_gives_the_same_with_the_sign_turned() -> None:
    _, (first, second) = runs()
    forth = make_comparison(first, second, resampling=QUICK)
    back = make_comparison(second, first, resampling=QUICK)
    assert {c.query for c in forth.gained} == {c.query for c in back.lost}
    for place, found in forth.figures.items():
        assert found.difference == -back.figures[place].difference
        assert found.p_value == back.figures[place].p_value


def test_a_run_against_itself_differs_nowhere() -> None:
    _, (first, _) = runs()
    comparison = make_comparison(first, first, resampling=QUICK)
    assert comparison.gained == comparison.lost == ()
    for found in comparison.figures.values():
        assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "change",
    [{"dataset": "umcrd"}, {"fingerprint": "e" * 64}, {"post_processing": "dual_softmax"}],
    ids=lambda change: next(iter(change)),
)
def test_runs_that_may_not_share_a_table_are_refused(change) -> None:
    name = next(iter(change))
    with pytest.raises(IncomparableError, match=f"must not share a table: their {name} differs"):
        make_comparison(toy_record("a"), toy_record("b", **change))


def with_ranks(ranks):
    own = np.arange(len(ranks))
    record = toy_record()
    t2v = replace(
        record.ranks["t2v"], strict=replace(record.ranks["t2v"].strict, pessimistic=ranks)
    )
    return replace(
        record,
        dataset=replace(record.dataset, num_videos=len(ranks), num_captions=len(ranks)),
        caption_video_index=tuple(own.tolist()),
        breakdowns={},
        ranks={
            direction: replace(t2v, text_identical=None)
            for direction in ("t2v", "v2t", "v2t_caption")
        },
    )


def test_the_ratio_of_ranks_decides_and_of_equal_ratios_the_top() -> None:
    first = (500, 1, 20, 2, 50, 7, 1000, 3)
    second = (700, 20, 1, 1, 100, 7, 500, 1)
    size = len(first)
    filler = tuple([1] * (1000 - size))
    comparison = make_comparison(
        with_ranks(first + filler), with_ranks(second + filler), resampling=QUICK
    )
    assert [change.query for change in comparison.gained] == [2, 7, 3, 6]
    assert [change.query for change in comparison.lost] == [1, 4, 0]
    assert (comparison.lost[0].first_rank, comparison.lost[0].second_rank) == (1, 20)
    few = make_comparison(
        with_ranks(first + filler), with_ranks(second + filler), queries=1, resampling=QUICK
    )
    assert [change.query for change in few.gained + few.lost] == [2, 1]


def test_groups_agree_with_a_plain_count_and_small_ones_have_no_interval() -> None:
    videos = 24
    codes = np.array([0] * 14 + [1] * (FEWEST_VIDEOS - 1) + [2], dtype=np.int64)
    groups = {
        "category": Groups("Category", "video", ("field", "lake", "road", "none here"), codes)
    }
    own, (first, second) = runs(groups, videos)
    comparison = make_comparison(first, second, resampling=QUICK)
    rows = comparison.groups["Category"]
    assert [row.name for row in rows] == ["field", "lake", "road"]
    assert [row.has_interval for row in rows] == [True, False, False]
    for code, row in enumerate(rows):
        inside = codes[own] == code
        assert row.captions == inside.sum()
        assert row.videos == len(np.unique(own[inside]))
        for record, value in ((first, row.change.first), (second, row.change.second)):
            ranks = record.rank_table.ranks["t2v"]["strict"].pessimistic[inside]
            assert value == pytest.approx(100 * sum(rank == 1 for rank in ranks) / len(ranks))


def test_an_axis_that_sorts_the_two_runs_differently_is_left_out_and_that_is_said() -> None:
    _, (first, second) = runs({"category": Groups("Category", "video", ("x",), np.zeros(24, int))})
    comparison = make_comparison(first, replace(second, breakdowns={}), resampling=QUICK)
    assert comparison.groups == {}
    assert comparison.notes == ("Category: left out, the two runs were sorted differently.",)
