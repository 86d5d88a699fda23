"""`dvtr-bench show`: a result and a training run in the terminal, texts of others escaped."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.results import write_result
from leaderboard.shown_run import bar, recall_at, sparkline
from tests.fixtures.records import toy_record
from tests.fixtures.scored_site import HOSTILE

RECIPE = {"epochs": 3, "seed": 42}


@pytest.fixture(autouse=True)
def _wide(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def write_run(runs: Path, dataset: str, model: str, fingerprint: str) -> Path:
    folder = runs / dataset / model / "run1"
    folder.mkdir(parents=True)
    setup = {
        "model": {"model": model, "config": {"layers": 4}},
        "dataset": {"name": dataset, "fingerprint": fingerprint},
        "recipe": RECIPE,
    }
    state = {"setup": setup, "epochs_done": 3, "best": "epoch-001", "best_recall": 12.5}
    (folder / "run.json").write_text(
        json.dumps({**state, "finished": True, "updated_at": "2026-01-01"})
    )
    lines = [{"epoch": 1, "step": step, "loss": 4.0 - step} for step in (1, 2, 3)]
    lines += [{"epoch": epoch, "validation_t2v_r1": 12.5 * epoch} for epoch in (1, 2)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def show(*words: str) -> str:
    ended = CliRunner().invoke(make_app(), ["show", *words], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return write_result(toy_record(recipe=RECIPE), tmp_path / "results")


def test_a_result_with_its_curves_checks_config_and_command(tmp_path: Path, result: Path) -> None:
    record = toy_record(recipe=RECIPE)
    told = show(str(result), "--runs", str(tmp_path / "runs"))
    figure = record.metrics["t2v"]["strict"]["R@1"]
    assert f"{figure.value:.1f}" in told
    assert f"{figure.low:.1f}–{figure.high:.1f}" in told
    assert "T2V R@1 by category" in told
    assert all(check.check in told for check in record.honesty)
    assert told.count(" passed") == len(record.honesty) > 0
    assert "training.recipe.epochs" in told
    assert "dvtr-bench train --model msam --dataset usrd" in told
    assert f"no log of it stands in {tmp_path / 'runs'}" in told
    folder = write_run(tmp_path / "runs", "usrd", "msam", "f" * 64)
    told = show(str(result), "--runs", str(tmp_path / "runs"))
    assert str(folder) in told
    assert "loss by step, 1 to 3: from 3 to 1" in told
    assert "     2   25.0 " in told


def test_recall_at_k_is_counted_from_the_ranks(result: Path) -> None:
    table = toy_record().rank_table
    ranks = table.ranks["t2v"]["strict"].pessimistic
    for k, percent in recall_at(table):
        assert percent == pytest.approx(100 * np.mean([rank <= k for rank in ranks]))
    assert recall_at(table)[-1] == (20, 100.0)
    assert [k for k, _ in recall_at(table)] == [1, 2, 3, 5, 10, 20]


def test_json_is_one_document(tmp_path: Path, result: Path) -> None:
    folder = write_run(tmp_path / "runs", "usrd", "msam", "f" * 64)
    document = json.loads(show(str(result), "--runs", str(tmp_path / "runs"), "--json"))
    value = toy_record(recipe=RECIPE).metrics["t2v"]["strict"]["R@1"].value
    assert document["record"]["metrics"]["t2v"]["strict"]["R@1"]["value"] == value
    assert document["training_log"]["validation"] == [[1, 12.5], [2, 25]]
    assert document["recall_at"][-1] == [20, 100]
    run = json.loads(show(str(folder), "--json"))
    assert run["state"]["best_recall"] == 12.5
    assert run["training_log"]["loss"] == [[1, 3], [2, 2], [3, 1]]


def test_a_training_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "runs", "usrd", "msam", "f" * 64)
    told = show(str(folder))
    assert told.startswith(f"msam on usrd, seed 42\n{folder}\n3 of 3 epochs, finished\n")
    assert "epoch-001 (T2V R@1 12.5)" in told
    (folder / "log.jsonl").unlink()
    assert "there is no log.jsonl" in show(str(folder))


def test_names_of_others_do_not_reach_the_terminal(tmp_path: Path) -> None:
    record = toy_record(HOSTILE, config={"x": "\x1b]0;owned\x07\u202e"})
    told = show(str(write_result(record, tmp_path)))
    assert "<img src=x" in told
    assert not set(told) & set("\x1b\x07\u202e\u2028")


def test_neither_a_result_nor_a_run(tmp_path: Path) -> None:
    ended = CliRunner().invoke(make_app(), ["show", str(tmp_path)])
    assert "is no training run (it has no run.json): name a result file" in str(ended.exception)


def test_bars_and_sparklines_are_as_long_and_high_as_the_values() -> None:
    assert [len(bar(value, 100)) for value in (0, 50, 100, 200)] == [0, 20, 40, 40]
    assert bar(1, 0) == ""
    assert sparkline([]) == ""
    assert sparkline([2.0, float("nan"), 2.0]) == "▁▁"
    line = sparkline(list(range(1000)))
    assert len(line) == 60
    assert list(line) == sorted(line)
    assert {line[0], line[-1]} == {"▁", "█"}
