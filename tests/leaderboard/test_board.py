"""Boards: what may share a table does, what may not does not, seeds become one row."""

import statistics
from dataclasses import replace

import pytest

from leaderboard.board import make_boards
from tests.fixtures.records import toy_record

R1 = ("t2v", "strict", "R@1")


def test_rows_stand_best_first_with_the_records_figures() -> None:
    weak, strong = toy_record("weak"), toy_record("strong", best_rank=2)
    (board,) = make_boards([weak, strong])
    assert [entry.label for entry in board.entries] == ["strong", "weak"]
    figure = strong.metrics["t2v"]["strict"]["R@1"]
    cell = board.entries[0].figures[R1]
    assert (cell.value, cell.low, cell.high) == (figure.value, figure.low, figure.high)


@pytest.mark.parametrize(
    "change",
    [{"dataset": "umcrd"}, {"fingerprint": "e" * 64}, {"post_processing": "dual_softmax"}],
    ids=lambda change: next(iter(change)),
)
def test_what_is_not_comparable_never_shares_a_board(change: dict[str, str]) -> None:
    boards = make_boards([toy_record("a"), toy_record("a", **change)])
    assert [len(board.entries) for board in boards] == [1, 1]


def test_block_one_and_as_published_stand_side_by_side() -> None:
    (board,) = make_boards([toy_record(text_block=32), toy_record(text_block=1, rank_seed=1)])
    assert {entry.label for entry in board.entries} == {"msam (block 32)", "msam (block 1)"}


def test_seeds_become_one_row_with_mean_and_deviation() -> None:
    runs = [toy_record(rank_seed=seed, seeds=(seed,), best_rank=4) for seed in range(3)]
    (board,) = make_boards(runs)
    (entry,) = board.entries
    values = [run.metrics["t2v"]["strict"]["R@1"].value for run in runs]
    cell = entry.figures[R1]
    assert entry.num_runs == 3
    assert entry.seeds == (0, 1, 2)
    assert cell.value == pytest.approx(statistics.mean(values))
    assert cell.deviation == pytest.approx(statistics.stdev(values))
    assert cell.low < cell.value < cell.high


def test_a_row_of_the_same_run_twice_over_is_that_run() -> None:
    runs = [toy_record(seeds=(seed,), best_rank=4) for seed in (1, 2)]
    (board,) = make_boards(runs)
    cell, figure = board.entries[0].figures[R1], runs[0].metrics["t2v"]["strict"]["R@1"]
    assert (cell.value, cell.low, cell.high) == (figure.value, figure.low, figure.high)
    assert cell.deviation == 0.0


def test_rows_of_one_model_are_told_apart_by_what_differs() -> None:
    records = [
        toy_record(config={"layers": layers, "pooling": pooling}, rank_seed=number)
        for number, (layers, pooling) in enumerate([(4, "a"), (4, "b"), (1, "a"), (4, "a")])
    ]
    records[3] = replace(records[3], model=replace(records[3].model, backbone_sha256="0" * 64))
    (board,) = make_boards([*records, toy_record("other")])
    assert {entry.name for entry in board.entries} == {
        "msam",
        "msam, pooling=b",
        "msam, layers=1",
        "msam, backbone weights 00000000",
        "other",
    }


def test_of_two_rows_both_say_what_differs() -> None:
    records = [toy_record(recipe={"epochs": epochs}) for epochs in (1, 5)]
    (board,) = make_boards(records)
    assert {entry.name for entry in board.entries} == {"msam, epochs=1", "msam, epochs=5"}


def test_an_older_run_of_the_same_seed_is_left_out_and_that_is_said() -> None:
    old = toy_record(rank_seed=1, date_utc="2025-01-01T00:00:00Z")
    new = toy_record(rank_seed=2, date_utc="2026-01-01T00:00:00Z")
    (board,) = make_boards([new, old])
    (entry,) = board.entries
    assert entry.figures[R1].value == new.metrics["t2v"]["strict"]["R@1"].value
    assert any("1 older run is left out" in note for note in board.notes)


def test_an_external_run_says_so() -> None:
    (board,) = make_boards([toy_record("x", kind="external")])
    assert board.entries[0].label == "x (external)"


def test_ties_are_told_with_what_they_cost() -> None:
    tied = toy_record(tied=True)
    (board,) = make_boards([tied])
    (note,) = board.notes
    cost = 100.0 - tied.metrics["t2v"]["strict"]["R@1"].value
    assert f"t2v R@1 by {cost:.1f} ({tied.ties['t2v'].queries} queries)" in note
    (board,) = make_boards([toy_record()])
    assert board.notes == ()
