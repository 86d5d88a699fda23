"""Several seeds by commands alone: evaluated together, and an ablation that can be stopped."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.errors import ConfigError
from dvtr_bench.main import make_app
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
    monkeypatch.setattr("baselines.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

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


ABLATE = (
    "ablate",
    "--dataset",
    "tiny",
    "--backbone",
    "tiny-scratch",
    "--device",
    "cpu",
    "--seeds",
    "2",
)
ROWS = ("--only", "pooling=mean", "--only", "text_block=1", "--recipe", "batch_size=2")


def test_a_list_runs_nothing(run: Run, tmp_path: Path) -> None:
    told = run(*ABLATE, "--list")
    assert "16 rows from 13 trainings and 15 evaluations a seed; 2 seeds (42, 43)" in told
    assert "26 trainings of 6 epochs" in told
    assert not (tmp_path / "ablation").exists()


@pytest.mark.slow
def test_an_ablation_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    told = run(*ABLATE, *ROWS, "--epochs", "1")
    assert "1 of 4 · full, text_block=1 · seed 42\n" in told
    assert "kept" not in told
    page = (tmp_path / "ablation" / "ABLATION.md").read_text(encoding="utf-8")
    assert "The text block: the same fusion weights" in page
    run("leaderboard", "ablation/results", "--ablation", "AGAIN.md")
    assert (tmp_path / "AGAIN.md").read_text(encoding="utf-8") == page
    files = sorted((tmp_path / "ablation" / "results").iterdir())
    # Full at its block and at block 1, and mean, with two seeds each.
    assert len(files) == 6
    states = sorted(tmp_path.glob("ablation/runs/tiny/msam/*/run.json"))
    assert [state.parent.name for state in states] == [
        "full-seed42",
        "full-seed43",
        "pooling_mean-seed42",
        "pooling_mean-seed43",
    ]
    written = {path: path.stat().st_mtime_ns for path in [*files, *states]}
    (lost,) = [path for path in files if "block1" in path.name and "seed43" in path.name]
    lost.unlink()
    told = run(*ABLATE, *ROWS, "--epochs", "1")
    assert told.count("· kept") == 3
    assert "3 of 4 · full, text_block=1 · seed 43\n" in told
    again = {path: path.stat().st_mtime_ns for path in [*files, *states]}
    assert {path for path in again if again[path] == written[path]} >= set(states)
    assert (tmp_path / "ablation" / "ABLATION.md").read_text(encoding="utf-8") == page
    assert "2 of 2 trained" in run(*ABLATE, *ROWS, "--epochs", "1", "--list")
    with pytest.raises(ConfigError, match="another setup"):
        run(*ABLATE, *ROWS, "--epochs", "2")
