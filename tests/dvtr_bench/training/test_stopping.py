"""When a training ends, and which run is found: early stops, finished and older runs."""

import json
from dataclasses import replace

import pytest

from dvtr_bench.runtime.checkpoint import checkpoint_folder
from dvtr_bench.training import train as training
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import choose_run_folder, describe_setup
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import small_model
from tests.fixtures.toy_training import ToySplit

RECIPE = Recipe(epochs=6, batch_size=16, freeze="backbone", frozen_layers=None)
NAME = "clip4clip_meanp"


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


class Killed(BaseException):
    """Stands in for Ctrl-C."""


def run(folder, recipe, monkeypatch, recalls):
    """Train with these recalls on validation; one that is no number stops the process."""
    left = iter(recalls)

    def recall(*_):
        value = next(left)
        if value is None:
            raise Killed
        return value

    monkeypatch.setattr(training, "t2v_recall_at_1", recall)
    splits = ToySplit(), ToySplit("validation")
    training.train(small_model(NAME, max_frames=3), *splits, recipe, folder, show_progress=False)
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize(
    ("patience", "recalls", "epochs", "best"),
    [
        (None, [9, 1, 1, 1, 1, 1], 6, 1),
        (1, [1, 2, 2], 3, 3),
        # A tie makes a better checkpoint, but no gain.
        (2, [1, 5, 5, 2], 4, 3),
        (2, [5, 1, 6, 1, 7, 1], 6, 5),
        (3, [0, 0, 0, 0], 4, 4),
    ],
)
def test_training_stops_after_epochs_without_a_gain(
    tmp_path, monkeypatch, patience, recalls, epochs, best
) -> None:
    recipe = replace(RECIPE, patience=patience)
    state = run(tmp_path, recipe, monkeypatch, recalls)
    assert (state["epochs_done"], state["best"]) == (epochs, f"epoch-{best:03d}")
    assert state["finished"]
    assert run(tmp_path, recipe, monkeypatch, []) == state


def test_patience_counts_on_over_a_stop_of_the_process(tmp_path, monkeypatch) -> None:
    recipe = replace(RECIPE, patience=2)
    with pytest.raises(Killed):
        run(tmp_path, recipe, monkeypatch, [1, 5, 4, None])
    state = run(tmp_path, recipe, monkeypatch, [3])
    assert (state["epochs_done"], state["best"], state["finished"]) == (4, "epoch-002", True)


def test_a_run_of_a_version_without_the_newer_settings_goes_on(tmp_path, monkeypatch) -> None:
    with pytest.raises(Killed):
        run(tmp_path, RECIPE, monkeypatch, [1, 5, None])
    path = tmp_path / "run.json"
    content = json.loads(path.read_text())
    for name in ("micro_batch_size", "checkpointing", "patience"):
        del content["setup"]["recipe"][name]
    del content["last_gain"]
    path.write_text(json.dumps(content))
    assert run(tmp_path, RECIPE, monkeypatch, [1, 1, 1, 1])["epochs_done"] == 6


def test_the_newest_run_of_the_very_setup_is_found(tmp_path, monkeypatch) -> None:
    model = small_model(NAME, max_frames=3)
    setup = describe_setup(model, ToySplit(), RECIPE)
    folder, progress = choose_run_folder(setup, tmp_path)
    assert progress == "new"
    assert not folder.exists()
    with pytest.raises(Killed):
        run(folder, RECIPE, monkeypatch, [1, None])
    assert choose_run_folder(setup, tmp_path) == (folder, "stopped")
    run(folder, RECIPE, monkeypatch, [1] * 5)
    assert choose_run_folder(setup, tmp_path) == (folder, "finished")
    assert checkpoint_folder(folder).name == "epoch-006"
    other = describe_setup(model, ToySplit(), replace(RECIPE, seed=43))
    assert choose_run_folder(other, tmp_path)[1] == "new"
