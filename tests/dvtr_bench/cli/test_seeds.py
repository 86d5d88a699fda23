"""Several seeds by commands alone, evaluated together."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.results import load_results
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, copy_tiny

Run = Callable[..., str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    return build_tiny(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def run(built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    copy_tiny(built, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*words: str) -> str:
        result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def train(run: Run, seed: int) -> str:
    words = ["--backbone", "tiny-scratch", "--epochs", "1", "--batch-size", "2", "--device", "cpu"]
    name = ["--model", "clip4clip_meanp", "--dataset", "tiny"]
    return run("train", *name, *words, "--seed", str(seed))


def evaluate(run: Run, *more: str) -> str:
    return run(
        "evaluate", "--model", "clip4clip_meanp", "--dataset", "tiny", "--device", "cpu", *more
    )


@pytest.mark.slow
def test_all_seeds_of_the_newest_setup_are_one_row(run: Run, tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        train(run, seed)
    (stopped,) = tmp_path.glob("runs/tiny/clip4clip_meanp/*-seed2/run.json")
    stopped.write_text(json.dumps({**json.loads(stopped.read_text()), "finished": False}))
    told = evaluate(run)
    assert "left out: tiny: the same setup trained with seed 1: --all-seeds evaluates it" in told
    told = evaluate(run, "--all-seeds")
    assert "left out: tiny: seed 2 is not finished" in told
    assert "2 seeds" in told
    records = load_results("results")
    assert {record.model.seeds for record in records} == {(1,), (3,)}
    for record in records:
        assert record.model.training.recipe["seed"] == record.model.seeds[0]
        assert record.model.training.fingerprint == record.dataset.fingerprint
        assert record.model.training.epoch == 1
    assert "2 seeds" in run("leaderboard")
    assert "± is" not in run("leaderboard", str(next(Path("results").glob("*.json"))))
