"""Rank ranges and ties against a direct loop over pairs of the program's own paired comparison."""

import numpy as np
import pytest

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import higher_is_better
from dvtr_bench.ranking.seed_means import SeedMeans
from leaderboard.board import make_boards
from leaderboard.rank_ranges import ALPHA, RankRange, holm, rank_ranges, resampling_for
from tests.fixtures.records import toy_record

CONFIG = BootstrapConfig(resamples=400)


def rows() -> list[list]:
    """Rows of one to three seeds, from nearly perfect to nearly random."""
    best_ranks = [(2,), (2, 3), (6,), (9, 9, 8), (20,)]
    return [
        [
            toy_record(rank_seed=10 * row + seed, best_rank=best, seeds=(seed,)).rank_table
            for seed, best in enumerate(several)
        ]
        for row, several in enumerate(best_ranks)
    ]


def corrected(p_values: dict[int, float]) -> dict[int, float]:
    """Holm by its definition: the k-th smallest counts m - k + 1 times, none less than before."""
    told, largest = {}, 0.0
    for step, (row, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, (len(p_values) - step) * p_value)
        told[row] = min(1.0, largest)
    return told


def direct_ranges(tables: list[list], direction: str, name: str) -> list[RankRange]:
    means = [SeedMeans.of(runs, CONFIG) for runs in tables]
    values = [float(np.mean(one.values[direction, "strict", name])) for one in means]
    if not higher_is_better(name):
        values = [-value for value in values]
    best = values.index(max(values))
    found = []
    for row, mine in enumerate(means):
        p_values = corrected(
            {
                other: mine.difference(theirs, direction, "strict", name).p_value
                for other, theirs in enumerate(means)
                if other != row
            }
        )
        apart = [other for other, p_value in p_values.items() if p_value <= ALPHA]
        better = sum(values[other] > values[row] for other in apart)
        worse = sum(values[other] < values[row] for other in apart)
        against_best = corrected(
            {
                other: means[best].difference(theirs, direction, "strict", name).p_value
                for other, theirs in enumerate(means)
                if other != best
            }
        )
        found.append(RankRange(1 + better, len(means) - worse, against_best.get(row)))
    return found


@pytest.mark.parametrize(
    "place",
    [
        ("t2v", "R@1"),
        ("t2v", "R@10"),
        ("t2v", "MnR"),
        ("v2t", "R@5"),
        ("v2t_caption", "R@1"),
        ("both", "mR"),
    ],
)
def test_ranges_are_those_of_a_direct_loop(place: tuple[str, str]) -> None:
    tables = rows()
    found = rank_ranges(tables, CONFIG)[place]
    assert list(found) == direct_ranges(tables, *place)


def test_the_best_rows_last_place_is_the_number_of_ties() -> None:
    for ranges in rank_ranges(rows(), CONFIG).values():
        (best,) = [one for one in ranges if one.p_best is None]
        assert best.first == 1
        assert best.last == sum(one.ties_with_best for one in ranges)


def test_equal_rows_share_all_places() -> None:
    table = toy_record(best_rank=3).rank_table
    for ranges in rank_ranges([[table]] * 4, CONFIG).values():
        assert {(one.first, one.last) for one in ranges} == {(1, 4)}
        assert all(one.ties_with_best for one in ranges)


def test_a_single_row_has_the_first_place() -> None:
    ranges = rank_ranges([[toy_record().rank_table]], CONFIG)
    assert set(ranges["t2v", "R@1"]) == {RankRange(1, 1, None)}


@pytest.mark.parametrize("count", [2, 50, 300])
def test_there_are_resamples_enough_to_tell_two_of_many_rows_apart(count: int) -> None:
    smallest = 2 / (resampling_for(count).resamples + 1)
    assert smallest * (count - 1) < ALPHA


def test_holm_keeps_the_order_of_p_values() -> None:
    p_values = np.random.default_rng(0).uniform(size=20)
    expected = corrected(dict(enumerate(p_values.tolist())))
    assert holm(p_values).tolist() == [expected[row] for row in range(20)]


def test_boards_of_seeds_have_ranges_for_every_row() -> None:
    records = [toy_record(rank_seed=seed, seeds=(seed,)) for seed in range(3)] + [toy_record("a")]
    (board,) = make_boards(records)
    tables = [[run.rank_table for run in entry.runs] for entry in board.entries]
    assert {len(ranges) for ranges in rank_ranges(tables, CONFIG).values()} == {2}
