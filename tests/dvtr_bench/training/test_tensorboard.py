"""Event files hold what the log holds."""

import json
import sys
import warnings

import pytest

from dvtr_bench.errors import NotFoundError
from dvtr_bench.training import train as training
from dvtr_bench.training.recipe import Recipe
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import small_model
from tests.fixtures.toy_training import ToySplit

RECIPE = Recipe(epochs=2, batch_size=8, freeze="backbone", frozen_layers=None)


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def run(folder) -> None:
    training.train(
        small_model("msam", max_frames=3),
        ToySplit(),
        ToySplit("validation"),
        RECIPE,
        folder,
        tensorboard=True,
        show_progress=False,
    )


def scalars(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reader, which is not ours
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def logged(folder, name, *, epochs_end_at=()):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    found = [line for line in lines if name in line]
    steps = epochs_end_at or [line["step"] for line in found]
    return [(step, pytest.approx(line[name])) for step, line in zip(steps, found, strict=True)]


def test_every_figure_of_the_log_is_in_the_event_file(tmp_path) -> None:
    run(tmp_path)
    found = scalars(tmp_path)
    for name in ("loss", "contrastive", "kl", "diversity", "learning_rate"):
        assert found.pop(f"train/{name}") == logged(tmp_path, name)
    recall = found.pop("validation_t2v_r1")
    assert recall == logged(tmp_path, "validation_t2v_r1", epochs_end_at=[2, 4])
    assert found == {}


def test_steps_that_a_stopped_process_had_taken_too_far_are_forgotten(
    tmp_path, monkeypatch
) -> None:
    class Killed(BaseException):
        pass

    save, calls = training.save_epoch, []

    def killed(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return save(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_epoch", killed)
        with pytest.raises(Killed):
            run(tmp_path)
    run(tmp_path)
    assert scalars(tmp_path)["train/loss"] == logged(tmp_path, "loss")


def test_without_tensorboard_the_message_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(NotFoundError, match=r"dvtr-bench\[tensorboard\].*log.jsonl"):
        run(tmp_path)
