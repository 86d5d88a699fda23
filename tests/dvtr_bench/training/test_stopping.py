"""When a training ends, and which run is found: early stops, finished and older runs."""

import json
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from dvtr_bench.runtime.checkpoint import (
    checkpoint_folder,
    load_checkpoint,
    read_checkpoint_config,
)
from dvtr_bench.training import train as training
from dvtr_bench.training.loop import validated_steps
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


@pytest.mark.parametrize(("steps", "validations"), [(500, 10), (9, 4), (7, 3), (3, 10), (1, 5)])
def test_an_epoch_is_validated_where_x_pool_validates(steps, validations) -> None:
    expected = {int(part * (steps - 1) / validations) for part in range(1, validations + 1)}
    assert validated_steps(steps, validations) | {steps - 1} == expected | {steps - 1}
    assert validated_steps(steps, 1) == set()


def shrunk(**changes):
    return replace(RECIPE, epochs=2, batch_size=4, validations_per_epoch=3, **changes)


def weights(folder):
    return read_checkpoint_config(folder)["weights_sha256"]


def test_validating_within_an_epoch_changes_nothing_of_the_training(tmp_path) -> None:
    splits = ToySplit(), ToySplit("validation")
    folders = []
    for number in (1, 3):
        folders.append(tmp_path / str(number))
        recipe = shrunk()
        recipe = replace(recipe, validations_per_epoch=number)
        model = small_model(NAME, max_frames=3)
        training.train(model, *splits, recipe, folders[-1], show_progress=False)
    once, often = (json.loads((folder / "run.json").read_text()) for folder in folders)
    assert once["last"] == often["last"] == "epoch-002"
    assert weights(folders[0] / "epoch-002") == weights(folders[1] / "epoch-002")
    lines = [json.loads(line) for line in (folders[1] / "log.jsonl").read_text().splitlines()]
    validated = [line["epoch"] for line in lines if "validation_t2v_r1" in line]
    assert validated == [0.5, 0.75, 1, 1.5, 1.75, 2], "4 steps an epoch"


@pytest.mark.parametrize(
    ("recalls", "best", "recall"),
    [
        ([1, 2, 1, 1, 1, 1], "epoch-001-step-000003", 2),
        ([1, 1, 1, 5, 4, 3], "epoch-002-step-000006", 5),
        ([1, 1, 1, 5, 5, 3], "epoch-002-step-000007", 5),
        ([1, 1, 1, 5, 5, 5], "epoch-002", 5),
        ([3, 3, 3, 3, 1, 2], "epoch-002-step-000006", 3),
        ([9, 9, 9, 1, 1, 1], "epoch-001", 9),
    ],
)
def test_the_best_of_all_validations_is_kept(tmp_path, monkeypatch, recalls, best, recall) -> None:
    state = run(tmp_path, shrunk(), monkeypatch, recalls)
    assert (state["best"], state["best_recall"], state["last"]) == (best, recall, "epoch-002")
    stated = read_checkpoint_config(tmp_path / best)["training"]
    assert stated["validation_t2v_r1"] == recall
    assert stated.get("step", 4 * stated["epoch"]) == int(
        best.partition("step-")[2] or 4 * stated["epoch"]
    )
    kept = {path.name for path in tmp_path.glob("epoch-*")}
    assert kept == {best, "epoch-002"}
    assert load_checkpoint(tmp_path).name == NAME


@pytest.mark.parametrize(
    ("window", "recalls", "best"),
    [
        (2, [1, 9, 2, 6, 6, 1], "epoch-002-step-000007"),  # means 1, 5, 5.5, 4, 6, 3.5
        (3, [1, 9, 2, 6, 6, 1], "epoch-002-step-000006"),  # 1, 5, 4, 17/3, 14/3, 13/3
        (5, [8, 1, 1, 1, 1, 9], "epoch-001-step-000002"),  # 8, 4.5, 10/3, 11/4, 12/5, 13/5
        (9, [2, 2, 2, 2, 2, 2], "epoch-002"),
    ],
)
def test_the_best_mean_of_a_window_is_kept_as_x_pool_keeps_it(
    tmp_path, monkeypatch, window, recalls, best
) -> None:
    """X-Pool: a deque of the last validations, of which the mean is compared."""
    state = run(tmp_path, shrunk(validation_window=window), monkeypatch, recalls)
    last, means = deque(maxlen=window), []
    for recall in recalls:
        last.append(recall)
        means.append(np.mean(last))
    place = max(range(6), key=lambda number: (means[number], number))
    assert (state["best"], state["best_recall"]) == (best, recalls[place])
    assert state["best_mean"] == pytest.approx(means[place])
    assert (
        read_checkpoint_config(tmp_path / best)["training"]["validation_t2v_r1"] == recalls[place]
    )


def test_a_run_from_before_there_was_a_window_goes_on(tmp_path, monkeypatch) -> None:
    with pytest.raises(Killed):
        run(tmp_path, shrunk(), monkeypatch, [1, 7, 2, None])
    path = tmp_path / "run.json"
    content = json.loads(path.read_text())
    for name in ("best_mean", "recent"):
        del content[name]
    del content["setup"]["recipe"]["validation_window"]
    path.write_text(json.dumps(content))
    state = run(tmp_path, shrunk(), monkeypatch, [3, 4, 5])
    assert (state["best_recall"], state["best_mean"], state["recent"]) == (7, 7, [])


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("stop", [1, 2, 4, 5])
def test_a_run_that_is_stopped_within_an_epoch_ends_as_one_that_is_not(
    tmp_path, monkeypatch, stop, window
) -> None:
    recalls, recipe = [1, 4, 2, 4, 9, 3], shrunk(patience=1, validation_window=window)
    whole = run(tmp_path / "whole", recipe, monkeypatch, recalls)
    left = recalls[3:] if stop > 3 else recalls
    with pytest.raises(Killed):
        run(tmp_path / "cut", recipe, monkeypatch, [*recalls[:stop], None])
    cut = run(tmp_path / "cut", recipe, monkeypatch, left)
    names = (
        "best",
        "best_recall",
        "best_mean",
        "recent",
        "last",
        "last_gain",
        "epochs_done",
        "finished",
    )
    assert [cut[name] for name in names] == [whole[name] for name in names]
    files = [
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.glob("epoch-*/*.safetensors"))
        }
        for folder in (tmp_path / "whole", tmp_path / "cut")
    ]
    assert files[0] == files[1]
    logs = [
        [
            {name: value for name, value in json.loads(line).items() if name != "seconds"}
            for line in (tmp_path / name / "log.jsonl").read_text().splitlines()
        ]
        for name in ("whole", "cut")
    ]
    assert logs[0] == logs[1]
