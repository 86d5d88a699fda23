"""Frozen towers: what they give is kept, and trains heads as if they gave it at every step."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import torch

from dvtr_bench.models.listing import list_models
from dvtr_bench.training.inputs import prepare_inputs
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.train import train
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, copy_tiny, small_model
from tests.fixtures.toy_training import ToySplit

TRAINED = [listed.name for listed in list_models() if listed.trainable]
RECIPE = Recipe(
    epochs=1,
    batch_size=4,
    learning_rate=2e-3,
    backbone_learning_rate=2e-3,
    freeze="backbone",
    frozen_layers=None,
)


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def model_of(name, **settings):
    return small_model(name, max_frames=3, **settings)


def splits():
    return ToySplit(), ToySplit("validation")


def run(model, folder, recipe=RECIPE, **options):
    train(model, *splits(), recipe, folder, show_progress=False, **options)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def states(model):
    return {name: value.clone() for name, value in model.encoder.clip.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "freeze"),
    [*((name, "backbone") for name in TRAINED), ("xpool", "frames"), ("msam", "frames")],
)
def test_every_model_trains_on_what_its_towers_gave_once_as_if_they_gave_it_each_time(
    name, freeze, tmp_path
) -> None:
    recipe = replace(RECIPE, freeze=freeze)
    kept = run(model_of(name), tmp_path / "kept", recipe)
    model = model_of(name)
    each_time = run(
        model,
        tmp_path / "each time",
        recipe,
        prepare=lambda: prepare_inputs(model, splits(), "nothing"),
    )
    assert len(kept) == 4
    assert kept == pytest.approx(each_time, abs=1e-5)


def test_what_is_frozen_shows_in_the_losses(tmp_path) -> None:
    curves = [
        run(model_of("msam"), tmp_path / freeze, replace(RECIPE, freeze=freeze))
        for freeze in ("nothing", "frames", "backbone")
    ]
    # The first step comes before any update, the second after one at a learning rate of 0.
    assert curves[0][:2] == pytest.approx(curves[1][:2], abs=1e-5)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert abs(curves[one][3] - curves[other][3]) > 1e-4


@pytest.mark.parametrize("regions", ["grid", "learned"])
def test_regions_of_frames_are_kept_too(regions, tmp_path) -> None:
    kept = run(model_of("msam", regions=regions), tmp_path / "kept")
    model = model_of("msam", regions=regions)
    each_time = run(
        model, tmp_path / "b", prepare=lambda: prepare_inputs(model, splits(), "nothing")
    )
    assert kept == pytest.approx(each_time, abs=1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_both_towers_stay_and_the_logit_scale_does_not(name, tmp_path) -> None:
    model = model_of(name)
    before = states(model)
    run(model, tmp_path)
    changed = {key for key, value in states(model).items() if not torch.equal(value, before[key])}
    # tightTransf has no logit scale to train.
    assert changed == (set() if name == "clip4clip_tighttransf" else {"logit_scale"})


def test_captions_and_clips_are_encoded_once(tmp_path) -> None:
    model = model_of("xclip")
    calls = counted(model, "encode_tokens", "encode_frames")
    run(model, tmp_path, replace(RECIPE, epochs=3))
    # Two splits, of fewer captions and clips than a batch of the encoder takes.
    assert calls == {"encode_tokens": 2, "encode_frames": 2}


def test_features_of_a_built_dataset_are_found_by_the_next_head_alone_if_they_fit(tmp_path) -> None:
    built = copy_tiny(build_tiny(tmp_path), tmp_path / "copy")
    recipe = replace(RECIPE, batch_size=2)

    def tower_rows(name, folder, seed=0, **settings):
        model = small_model(name, seed, max_frames=3, **settings)
        rows = Counter()
        for method, first in (("encode_tokens", None), ("encode_frames", "frame_mask")):
            call = getattr(model, method)

            def counting(items, call=call, method=method, first=first):
                rows[method] += len(items if first is None else items[first])
                return call(items)

            setattr(model, method, counting)
        train(
            model,
            built.split("train"),
            built.split("validation"),
            recipe,
            tmp_path / folder,
            show_progress=False,
        )
        return dict(rows)

    # One item of each side and split tells what a head takes; the rest is read.
    probes = {"encode_tokens": 2, "encode_frames": 2}
    everything = {"encode_tokens": 2 + 4, "encode_frames": 2 + 2}
    assert tower_rows("xclip", "first") == everything
    assert tower_rows("drl_wti", "same tensors") == probes
    assert tower_rows("xpool", "sentences alone")["encode_frames"] == 2
    assert tower_rows("msam", "words too")["encode_tokens"] == 2 + 4
    assert tower_rows("msam", "other tensors", regions="grid") == {
        "encode_tokens": 2,
        "encode_frames": 2 + 2,
    }
    assert tower_rows("xclip", "other towers", seed=1) == everything


def counted(model, *methods):
    calls = Counter()
    for method in methods:
        call = getattr(model, method)

        def counting(items, call=call, method=method):
            calls[method] += 1
            return call(items)

        setattr(model, method, counting)
    return calls
