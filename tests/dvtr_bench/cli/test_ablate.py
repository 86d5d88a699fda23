"""An ablation by one command, which can be stopped and goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, NotFoundError
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, copy_tiny

Run = Callable[..., str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    return build_tiny(tmp_path_factory.mktemp("ablate"))


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
    assert (
        "16 models on 1 dataset, seeds 42, 43: 26 trainings, 0 done; 32 evaluations, 0 done" in told
    )
    assert "text_block=all        weights of msam, 0 of 2 evaluated" in told
    assert "no estimate of the time until something was timed" in told
    assert not (tmp_path / "ablation").exists()


def test_wrong_wishes_are_refused(run: Run) -> None:
    with pytest.raises(NotFoundError, match=r"no model 'K=4' in the study .*: there are .*K=3"):
        run(*ABLATE, "--only", "K=4")
    with pytest.raises(ConfigError, match="leave out --set pooling="):
        run(*ABLATE, "--set", "pooling=mean")
    with pytest.raises(ConfigError, match="msam: there is no setting 'poolin'"):
        run(*ABLATE, "--set", "poolin=mean")
    with pytest.raises(ConfigError, match="leave out --recipe seed="):
        run(*ABLATE, "--recipe", "seed=1")
    with pytest.raises(NotFoundError, match="no dataset 'none'"):
        run("ablate", "--dataset", "none", "--backbone", "tiny-scratch")


@pytest.mark.slow
def test_an_ablation_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    told = run(*ABLATE, *ROWS, "--epochs", "1")
    assert "1 of 4 · msam, text_block=1 · seed 42 · tiny · cpu\n" in told
    assert "are done already" not in told
    page = (tmp_path / "ablation" / "ABLATION.md").read_text(encoding="utf-8")
    assert "The text block: the same fusion weights" in page
    run("leaderboard", "ablation/results", "--study", "msam-ablation")
    again, _, missing = (tmp_path / "ABLATION.md").read_text().partition("Without results yet: ")
    assert again.strip() == page.strip()
    assert "K=3" in missing
    files = sorted((tmp_path / "ablation" / "results").glob("*.json"))
    # MSAM at its block and at block 1, and with mean pooling, with two seeds each.
    assert len(files) == 6
    states = sorted(tmp_path.glob("ablation/runs/tiny/msam/*/run.json"))
    assert [state.parent.name.rpartition("-")[0] for state in states] == [
        "msam-seed42",
        "msam-seed43",
        "pooling_mean-seed42",
        "pooling_mean-seed43",
    ]
    written = {path: path.stat().st_mtime_ns for path in [*files, *states]}
    (lost,) = [path for path in files if "block1-" in path.name and "seed43" in path.name]
    lost.unlink()
    listed = run(*ABLATE, *ROWS, "--epochs", "1", "--list")
    assert "text_block=1  weights of msam, 1 of 2 evaluated" in listed
    assert "left, estimated from the times so far" in listed
    told = run(*ABLATE, *ROWS, "--epochs", "1")
    assert "3 of 4 runs are done already" in told
    assert "4 of 4 · msam, text_block=1 · seed 43 · tiny · cpu" in told
    again = {path: path.stat().st_mtime_ns for path in [*files, *states]}
    assert {path for path in again if again[path] == written[path]} == {*files, *states} - {lost}
    assert (tmp_path / "ablation" / "ABLATION.md").read_text(encoding="utf-8") == page
    listed = run(*ABLATE, *ROWS, "--epochs", "1", "--list")
    assert "nothing is left to do" in listed
    assert "2 of 2 trained, 2 of 2 evaluated" in listed
    # Another recipe is another training, beside the first.
    other = run(*ABLATE, *ROWS, "--epochs", "2", "--list")
    assert "4 trainings, 0 done; 6 evaluations, 0 done" in other
