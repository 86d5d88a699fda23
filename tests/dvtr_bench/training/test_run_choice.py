"""The other seeds of a run, found by what run.json states."""

import json
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dvtr_bench.errors import BusyError, ConfigError, NotFoundError
from dvtr_bench.runtime.checkpoint import find_checkpoint
from dvtr_bench.training import run_choice
from dvtr_bench.training.run import locked_run, open_run
from dvtr_bench.training.run_choice import (
    choose_run_folder,
    claimed_run_folder,
    find_other_seeds,
)


@pytest.fixture
def runs(tmp_path: Path):
    """Write a run; returns its checkpoint."""

    def write(name: str, seed: int, *, finished: bool = True, updated: str = "1", **recipe) -> Path:
        checkpoint = tmp_path / name / "epoch-001"
        checkpoint.mkdir(parents=True)
        (checkpoint / "config.json").write_text("{}")
        setup = {"model": {"model": "msam"}, "recipe": {"epochs": 5, **recipe, "seed": seed}}
        state = {"setup": setup, "best": "epoch-001", "finished": finished, "updated_at": updated}
        (tmp_path / name / "run.json").write_text(json.dumps(state))
        return checkpoint

    return write


def test_finished_runs_of_the_same_setup_are_found_by_seed(runs) -> None:
    own = runs("c", 42)
    others = {44: runs("a", 44), 43: runs("d", 43)}
    runs("b", 45, epochs=6)
    runs("e", 42, updated="0")
    found = find_other_seeds(own)
    assert list(found.checkpoints) == [43, 44]
    assert {seed: path.resolve() for seed, path in found.checkpoints.items()} == others
    assert found.unfinished == {}


def test_of_one_seed_the_newest_run_counts_and_a_finished_one_before_one_that_is_not(runs) -> None:
    own = runs("a", 42)
    runs("b", 43, updated="1")
    newest = runs("c", 43, updated="3")
    runs("d", 43, updated="2")
    runs("e", 43, updated="9", finished=False)
    stopped = runs("f", 44, finished=False)
    found = find_other_seeds(own)
    assert {seed: path.resolve() for seed, path in found.checkpoints.items()} == {43: newest}
    assert list(found.unfinished) == [44]
    assert found.unfinished[44].resolve() == stopped.parent


def test_a_checkpoint_outside_a_run_has_no_other_seeds(tmp_path: Path) -> None:
    assert find_other_seeds(tmp_path / "brought").checkpoints == {}


def test_a_run_from_before_a_setting_is_a_seed_of_the_setup_that_it_had(runs) -> None:
    own = runs("a", 42)
    same = runs("b", 43, frozen_layers=None)
    runs("c", 44, frozen_layers=0)
    found = find_other_seeds(own)
    assert {seed: path.resolve() for seed, path in found.checkpoints.items()} == {43: same}


def test_a_training_stopped_in_its_first_epoch_goes_on_in_its_folder(tmp_path: Path) -> None:
    setup = setup_of(5)
    folder, progress = choose_run_folder(setup, tmp_path)
    assert progress == "new"
    assert open_run(folder, setup).epochs_done == 0
    assert choose_run_folder(setup, tmp_path) == (folder, "stopped")
    other = {**setup, "recipe": {"epochs": 6, "seed": 42}}
    assert choose_run_folder(other, tmp_path)[1] == "new"
    # Nothing else takes it for a run: it has no checkpoint.
    with pytest.raises(NotFoundError):
        find_checkpoint("msam", "toy", tmp_path)


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Stopped":
            return cls(2026, 11, 29, 11, 40, 31, tzinfo=tz)

    monkeypatch.setattr(run_choice, "datetime", Stopped)


def setup_of(epochs: int) -> dict[str, Any]:
    return {
        "model": {"model": "msam"},
        "dataset": {"name": "toy"},
        "recipe": {"epochs": epochs, "seed": 42},
    }


@pytest.mark.usefixtures("one_second")
def test_trainings_that_begin_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    with ExitStack() as together:
        folders = [
            together.enter_context(claimed_run_folder(setup_of(epochs), tmp_path))[0]
            for epochs in (5, 6, 7)
        ]
    assert [folder.name for folder in folders] == [
        f"20261129T1140{second}Z-seed42" for second in (31, 32, 33)
    ]


@pytest.mark.usefixtures("one_second")
def test_a_folder_that_another_process_makes_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = run_choice.choose_run_folder, []

    def overtaken(setup: Any, runs: Path) -> Any:
        seen.append(real(setup, runs))
        if len(seen) == 1:
            seen[0][0].mkdir(parents=True)
        return seen[-1]

    monkeypatch.setattr(run_choice, "choose_run_folder", overtaken)
    with claimed_run_folder(setup_of(5), tmp_path) as (folder, progress):
        assert (folder, progress) == seen[1] != seen[0]


def test_a_training_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    def refused() -> None:
        with claimed_run_folder(setup_of(5), tmp_path / "runs") as (folder, _):
            assert folder.is_dir()
            raise ConfigError("refused")

    with pytest.raises(ConfigError):
        refused()
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_fails_later_keeps_what_it_wrote(tmp_path: Path) -> None:
    def failed() -> None:
        with claimed_run_folder(setup_of(5), tmp_path / "runs") as (folder, _):
            open_run(folder, setup_of(5))
            raise ConfigError("refused")

    with pytest.raises(ConfigError):
        failed()
    assert choose_run_folder(setup_of(5), tmp_path / "runs")[1] == "stopped"


def test_two_processes_do_not_train_into_one_folder(tmp_path: Path) -> None:
    with locked_run(tmp_path / "run"):
        with (
            pytest.raises(BusyError, match="another process trains into"),
            locked_run(tmp_path / "run"),
        ):
            pass
    with locked_run(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []
