import json
import re
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from baselines.models.clip4clip_meanp import Config as MeanPConfig
from baselines.models.clip4clip_meanp import Model as MeanP
from baselines.models.clip4clip_seqtransf import Config, Model
from dvtr_bench.errors import (
    ConfigError,
    InputError,
    NotANumberError,
    NotFoundError,
    WeightsError,
)
from dvtr_bench.runtime.checkpoint import (
    find_checkpoint,
    load_checkpoint,
    read_checkpoint_config,
    tensors_sha256,
)
from dvtr_bench.training import run as train_run
from dvtr_bench.training.inputs import prepare_inputs
from dvtr_bench.training.loop import Loop
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import new_run_folder
from dvtr_bench.training.train import t2v_recall_at_1, train
from msam.models.msam import Config as MsamConfig
from msam.models.msam import Model as Msam
from tests.fixtures.small_clip import SMALL_CONFIG, small_encoder
from tests.fixtures.toy_training import ToySplit

RECIPE = Recipe(
    epochs=3,
    batch_size=8,
    learning_rate=2e-3,
    backbone_learning_rate=2e-3,
    frozen_layers=None,
)


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def new_model(kind=Model, config=None):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = config or Config(backbone="tiny", max_frames=3, temporal_layers=1)
        return kind(config, small_encoder(quick_gelu=False))


def run(folder, recipe=RECIPE, model=None, **options):
    return train(
        model or new_model(),
        ToySplit(),
        ToySplit("validation"),
        recipe,
        folder,
        show_progress=False,
        **options,
    )


def weights(checkpoint):
    return read_checkpoint_config(checkpoint)["weights_sha256"]


def losses(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def test_training_learns_plain_colours_by_heart(tmp_path) -> None:
    best = run(tmp_path, replace(RECIPE, epochs=15))
    assert read_checkpoint_config(best)["training"]["validation_t2v_r1"] == 100.0
    assert losses(tmp_path)[-1] < 0.5 * losses(tmp_path)[0]


def test_each_epoch_is_told_with_validation_recall_beside_chance(tmp_path, capsys) -> None:
    train(new_model(), ToySplit(), ToySplit("validation"), RECIPE, tmp_path)
    told = [line for line in capsys.readouterr().err.splitlines() if "chance" in line]
    recalls = [
        json.loads(line)["validation_t2v_r1"]
        for line in (tmp_path / "log.jsonl").read_text().splitlines()
        if "validation_t2v_r1" in line
    ]
    chance = 100 / len(ToySplit("validation").video_ids)
    assert len(told) == len(recalls) == RECIPE.epochs
    for number, (line, recall) in enumerate(zip(told, recalls, strict=True), start=1):
        assert line.startswith(f"epoch {number} of {RECIPE.epochs}: loss ")
        assert line.endswith(f"validation T2V R@1 {recall:.1f} (chance {chance:.1f})")
        assert "learning rate up to 0.0e" not in line


@pytest.mark.parametrize(("kind", "is_said"), [(MeanP, True), (Model, False)])
def test_that_nothing_but_the_scale_learns_is_said(tmp_path, capsys, kind, is_said) -> None:
    config = Config(backbone="tiny", max_frames=3, temporal_layers=1)
    if kind is MeanP:
        config = MeanPConfig(backbone="tiny", max_frames=3)
    recipe = replace(RECIPE, freeze="backbone")
    train(new_model(kind, config), ToySplit(), ToySplit("validation"), recipe, tmp_path)
    told = capsys.readouterr().err
    assert ("trains nothing but its logit scale" in told) == is_said
    recalls = re.findall(r"validation T2V R@1 (\S+)", told)[: RECIPE.epochs]
    assert len(recalls) == RECIPE.epochs
    assert not is_said or len(set(recalls)) == 1


def test_memory_is_kept_while_steps_run_and_no_longer(tmp_path, monkeypatch) -> None:
    told = []

    @contextmanager
    def watched():
        told.append("kept")
        yield
        told.append("given back")

    monkeypatch.setattr("dvtr_bench.training.train.freed_memory_kept", watched)
    step = Loop.run_epoch
    monkeypatch.setattr(
        Loop, "run_epoch", lambda *args, **also: (told.append("epoch"), step(*args, **also))[1]
    )
    run(tmp_path)
    assert told == ["kept", *["epoch"] * RECIPE.epochs, "given back"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path) -> None:
    first, again = run(tmp_path / "a"), run(tmp_path / "b")
    assert weights(first) == weights(again)
    other = run(tmp_path / "c", replace(RECIPE, seed=7))
    assert weights(other) != weights(first)


class Killed(BaseException):
    """Stands in for Ctrl-C."""


def msam_model():
    # Dropout in its semantic branch draws random numbers of its own.
    config = MsamConfig(backbone="tiny", max_frames=3, temporal_layers=1)
    return new_model(Msam, config)


@pytest.mark.parametrize(
    ("make_model", "changes"),
    [
        (new_model, {}),
        (msam_model, {}),
        (msam_model, {"micro_batch_size": 3, "checkpointing": True, "frames_a_step": 2}),
        (msam_model, {"freeze": "backbone"}),
        (new_model, {"optimiser": "adamw"}),
        (msam_model, {"validations_per_epoch": 2}),
    ],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    tmp_path, monkeypatch, make_model, changes
) -> None:
    recipe = replace(RECIPE, **changes)
    whole = run(tmp_path / "whole", recipe, model=make_model())
    stopped = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(train_run, "write_json", _kill_on_call(3, train_run.write_json))
        with pytest.raises(Killed):
            run(stopped, recipe, model=make_model())
    assert json.loads((stopped / "run.json").read_text())["epochs_done"] == 2
    resumed = run(stopped, recipe, model=make_model())
    assert losses(stopped) == losses(tmp_path / "whole")
    assert resumed.name == whole.name
    last = json.loads((stopped / "run.json").read_text())["last"]
    assert weights(stopped / last) == weights(tmp_path / "whole" / last)


def _kill_on_call(number, function):
    calls = []

    def wrapper(*arguments) -> None:
        calls.append(arguments)
        if len(calls) == number:
            raise Killed
        function(*arguments)

    return wrapper


def test_a_finished_run_is_not_trained_again(tmp_path) -> None:
    best = run(tmp_path)
    assert run(tmp_path, model=new_model()) == best
    assert len(losses(tmp_path)) == 6


def test_another_setup_in_the_same_folder_is_refused(tmp_path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match="another setup.*recipe"):
        run(tmp_path, replace(RECIPE, seed=7))


def test_only_best_and_last_checkpoints_stay(tmp_path) -> None:
    run(tmp_path, replace(RECIPE, epochs=5))
    state = json.loads((tmp_path / "run.json").read_text())
    kept = {path.name for path in tmp_path.iterdir() if path.name.startswith((".", "epoch"))}
    assert kept == {state["best"], state["last"]}


@pytest.mark.parametrize(
    ("others_of_video_0", "recall"),
    [
        (0.5, 100.0),  # every own video stands above all others
        (1.0, 100 * 14 / 16),  # one other video ties with it: the tie counts against the model
        (1.5, 100 * 14 / 16),
    ],
)
def test_validation_counts_a_tie_against_the_model(
    monkeypatch: pytest.MonkeyPatch, others_of_video_0: float, recall: float
) -> None:
    model, split = new_model(), ToySplit("validation")
    _, inputs = prepare_inputs(model, (ToySplit(), split), "nothing", show_progress=False)
    own = torch.tensor(split.caption_video_index)
    scores = torch.zeros(len(own), split.num_videos)
    scores[torch.arange(len(own)), own] = 1.0
    scores[own == 0, 5] = others_of_video_0
    rows = iter(torch.split(scores, len(own)))
    monkeypatch.setattr(type(model), "score", lambda *_: next(rows))
    assert t2v_recall_at_1(model, split, inputs) == pytest.approx(recall)


def test_frozen_frames_stay_and_are_encoded_once(tmp_path) -> None:
    model = new_model()
    visual = {name: value.clone() for name, value in model.encoder.clip.visual.state_dict().items()}
    text = model.encoder.clip.ln_final.weight.clone()
    split = ToySplit()
    train(
        model,
        split,
        ToySplit("validation"),
        replace(RECIPE, freeze="frames"),
        tmp_path,
        show_progress=False,
    )
    for name, value in model.encoder.clip.visual.state_dict().items():
        assert torch.equal(value, visual[name]), name
    assert not torch.equal(model.encoder.clip.ln_final.weight, text)
    assert sorted(split.decoded) == list(range(8))


@pytest.mark.parametrize("cache_bytes", [0, 10**9])
def test_the_cache_changes_nothing_but_how_often_clips_are_decoded(tmp_path, cache_bytes) -> None:
    split = ToySplit()
    best = train(
        new_model(),
        split,
        ToySplit("validation"),
        RECIPE,
        tmp_path / "run",
        cache_bytes=cache_bytes,
        show_progress=False,
    )
    assert weights(best) == weights(run(tmp_path / "reference"))
    assert (len(split.decoded) > 8) == (cache_bytes == 0)


def test_one_caption_a_video_and_few_frames_a_step_train_too(tmp_path) -> None:
    run(tmp_path, replace(RECIPE, pairs="one_a_video", frames_a_step=2, draw="intervals"))
    assert len(losses(tmp_path)) == 3


def test_a_checkpoint_loads_as_the_model_that_was_saved(tmp_path) -> None:
    folder = new_run_folder("clip4clip_seqtransf", "toy", 42, tmp_path / "runs")
    model = new_model()
    run(folder, replace(RECIPE, epochs=1), model=model)
    found = find_checkpoint("clip4clip_seqtransf", "toy", tmp_path / "runs")
    assert found == folder / "epoch-001"
    loaded = load_checkpoint(found)
    assert loaded.config == model.config
    assert tensors_sha256(loaded.state_dict()) == tensors_sha256(model.state_dict())
    captions = ["a red field", "a blue field"]
    expected = model.encode_texts(captions)["text_embeds"]
    assert torch.equal(loaded.encode_texts(captions)["text_embeds"], expected)


def test_no_checkpoint_says_what_to_run(tmp_path) -> None:
    with pytest.raises(NotFoundError, match="dvtr-bench train --model msam --dataset toy"):
        find_checkpoint("msam", "toy", tmp_path)
    with pytest.raises(InputError, match="cannot name a folder"):
        find_checkpoint("../msam", "toy", tmp_path)


def test_a_changed_checkpoint_is_refused(tmp_path) -> None:
    best = run(tmp_path, replace(RECIPE, epochs=1))
    path = best / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="changed or damaged"):
        load_checkpoint(best)


def test_splits_that_cannot_be_trained_on_are_named(tmp_path) -> None:
    for split, message in (
        (ToySplit(has_frames=False), "--annotations-only"),
        (ToySplit(num_videos=0), "no captions"),
    ):
        with pytest.raises(InputError, match=message):
            train(new_model(), split, ToySplit("validation"), RECIPE, tmp_path, show_progress=False)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path) -> None:
    model = new_model()
    with torch.no_grad():
        model.encoder.clip.ln_final.weight[0] = torch.nan
    with pytest.raises(NotANumberError, match="epoch 1, step 1"):
        run(tmp_path, model=model)


def test_fp16_on_the_cpu_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="needs a GPU"):
        run(tmp_path, replace(RECIPE, autocast="fp16"))


def test_no_workers_are_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(ConfigError, match="--workers: expected 1 or more, found 0"):
        run(tmp_path / "run", workers=0)
    assert not (tmp_path / "run").exists()


def test_bf16_trains_on_the_cpu(tmp_path) -> None:
    run(tmp_path, replace(RECIPE, epochs=1, autocast="bf16"))
    assert all(loss < 10 for loss in losses(tmp_path))
