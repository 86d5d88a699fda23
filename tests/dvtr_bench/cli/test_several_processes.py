"""The commands under `torchrun`: what they call joins the processes that they have joined."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dvtr_bench as dvtr
from tests.fixtures.ready_processes import run_commands_together
from tests.fixtures.tiny_dataset import build_tiny


@pytest.mark.slow
def test_two_processes_train_and_evaluate_as_one(tmp_path: Path) -> None:
    build_tiny(tmp_path)

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", "2", "-m", "dvtr_bench", *words, "--device", "cpu"]
        root = str(Path(dvtr.__file__).parents[1])
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    words = ["--dataset", "tiny", "--backbone", "tiny-scratch"]
    # Forked processes; the evaluation below is started by torchrun itself.
    training = ["train", "--model", "clip4clip_meanp", *words, "--epochs", "1", "--seeds", "2"]
    done = run_commands_together(2, tmp_path, [*training, "--device", "cpu"])
    assert done.exit_codes == (0, 0), done.err
    told = done.out + done.err
    assert told.count("training clip4clip_meanp on tiny") == 2
    assert told.count("next: dvtr-bench evaluate") == 1
    told = run("evaluate", "--model", "clip_zeroshot", *words)
    assert told.count("next: dvtr-bench leaderboard") == 1
    (shared,) = dvtr.load_results(tmp_path / "results")
    alone = dvtr.evaluate(
        "clip_zeroshot", tmp_path / "dvtr" / "tiny", backbone="tiny-scratch", device="cpu",
        show_progress=False,
    )  # fmt: skip
    assert shared.ranks == alone.record.ranks
