"""Two processes train as one does; one that dies leaves a run that goes on."""

import json

import pytest
import torch
from safetensors.torch import load_file

from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.checkpoint import load_checkpoint
from dvtr_bench.runtime.processes import ALONE, Processes
from tests.fixtures import shared_training
from tests.fixtures.ready_processes import run_together
from tests.fixtures.small_clip import SMALL_CONFIG

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def by_two_processes(folder, *jobs):
    return run_together(2, folder, shared_training.main, folder, list(jobs))


def records(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_same(found, expected) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes made of all jobs."""
    folder = tmp_path_factory.mktemp("two")
    done = by_two_processes(folder, *shared_training.JOBS)
    assert done.exit_codes == (0, 0), done.err
    return folder


@pytest.mark.parametrize("job", shared_training.JOBS)
def test_two_processes_give_the_losses_and_the_recall_of_one(job, two, tmp_path) -> None:
    shared_training.run(job, tmp_path, ALONE)
    assert_same(records(two / job), records(tmp_path / job))


def test_gradients_of_two_processes_are_those_of_one(two) -> None:
    # Losses alone would not tell: Adam's steps look the same whatever a gradient is multiplied by.
    expected = shared_training.gradients(shared_training.toy_batch())
    for rank in (0, 1):
        found = load_file(two / f"gradients-{rank}.safetensors")
        for name, value in expected.items():
            # The contrastive loss itself is computed in float32.
            torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-4, msg=name)


def test_a_run_whose_process_died_goes_on_with_any_number_of_processes(tmp_path) -> None:
    done = by_two_processes(tmp_path / "dead", "die")
    assert done.exit_codes[1] == 9
    assert done.exit_codes[0] != 0
    run = tmp_path / "dead" / "msam"
    assert json.loads((run / "run.json").read_text())["epochs_done"] == 1
    load_checkpoint(run)
    shared_training.run("msam", tmp_path / "dead", ALONE)
    shared_training.run("msam", tmp_path / "whole", ALONE)
    assert_same(records(run), records(tmp_path / "whole" / "msam"))


def test_processes_that_begin_with_different_weights_are_refused(tmp_path, monkeypatch) -> None:
    # As the first of two would see it.
    answers = {"str": lambda value: [value, "another hash"]}
    monkeypatch.setattr(
        Processes,
        "gathered",
        lambda self, value: answers.get(type(value).__name__, lambda value: [value] * 2)(value),
    )
    with pytest.raises(ConfigError, match="different weights"):
        shared_training.run("msam", tmp_path, Processes(0, 2))
