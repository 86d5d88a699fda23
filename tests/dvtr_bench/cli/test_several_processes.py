"""The commands under `torchrun`: what they call joins the processes that they have joined."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dvtr_bench as dvtr
from tests.fixtures.ready_processes import run_commands_together
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    build_tiny(tmp_path)
    return ["--dataset", "tiny", "--backbone", "tiny-scratch", "--device", "cpu"]


@pytest.mark.slow
def test_two_processes_train_as_one(words: list[str], tmp_path: Path) -> None:
    training = ["train", "--model", "clip4clip_meanp", *words, "--epochs", "1", "--seeds", "2"]
    done = run_commands_together(2, tmp_path, training)
    assert done.exit_codes == (0, 0), done.err
    told = done.out + done.err
    assert told.count("training clip4clip_meanp on tiny") == 2
    assert told.count("next: dvtr-bench evaluate") == 1


def assert_shared_as_alone(folder: Path, told: str) -> None:
    assert told.count("next: dvtr-bench leaderboard") == 1
    (shared,) = dvtr.load_results(folder / "results")
    alone = dvtr.evaluate(
        "clip_zeroshot", folder / "dvtr" / "tiny", backbone="tiny-scratch", device="cpu",
        show_progress=False,
    )  # fmt: skip
    assert shared.ranks == alone.record.ranks


@pytest.mark.slow
def test_two_processes_evaluate_as_one(words: list[str], tmp_path: Path) -> None:
    done = run_commands_together(2, tmp_path, ["evaluate", "--model", "clip_zeroshot", *words])
    assert done.exit_codes == (0, 0), done.err
    assert_shared_as_alone(tmp_path, done.out + done.err)


@pytest.mark.torture
def test_torchrun_starts_them(words: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "dvtr_bench", "evaluate", "--model"]
    root = str(Path(dvtr.__file__).parents[1])
    done = subprocess.run(
        [*command, "clip_zeroshot", *words],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_shared_as_alone(tmp_path, done.stdout + done.stderr)
