"""Cut batches, recomputed activations: the same loss and the same gradient as the whole batch."""

import contextlib
import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from dvtr_bench.errors import ConfigError
from dvtr_bench.models.listing import list_models
from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.training.grad_cache import TowerOutputs
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.train import train
from tests.fixtures.shared_training import gradients, toy_batch
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import small_model
from tests.fixtures.toy_training import ToySplit

TRAINED = [listed.name for listed in list_models() if listed.trainable]
RECIPE = Recipe(
    epochs=1,
    batch_size=5,
    learning_rate=2e-3,
    backbone_learning_rate=2e-3,
    frozen_layers=None,
)


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def curve(name, folder, recipe, **settings):
    model = small_model(name, max_frames=3, **settings)
    train(model, ToySplit(), ToySplit("validation"), recipe, folder, show_progress=False)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.parametrize("name", TRAINED)
def test_cut_batches_and_checkpointing_give_the_losses_of_whole_batches(name, tmp_path) -> None:
    whole = curve(name, tmp_path / "whole", RECIPE)
    cut = replace(RECIPE, micro_batch_size=2, checkpointing=True)
    assert curve(name, tmp_path / "cut", cut) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize(
    "changes",
    [{"autocast": "bf16"}, {"freeze": "frames"}, {"frames_a_step": 2}, {"micro_batch_size": 99}],
)
def test_cut_batches_go_with_every_other_setting(changes, tmp_path) -> None:
    recipe = replace(RECIPE, **changes)
    whole = curve("msam", tmp_path / "whole", replace(recipe, micro_batch_size=None))
    piece = changes.get("micro_batch_size", 3)
    cut = curve("msam", tmp_path / "cut", replace(recipe, micro_batch_size=piece))
    tolerance = 0.02 if recipe.autocast == "bf16" else 1e-5
    assert cut == pytest.approx(whole, abs=tolerance)


@pytest.fixture
def batch():
    return toy_batch()


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("piece", [None, 1, 3, 8])
def test_gradients_are_those_of_plain_back_propagation(batch, piece, checkpointing) -> None:
    model, tokens, frames = batch
    model.train().training_loss(tokens, model.encode_frames(frames))["loss"].backward()
    expected = {name: value.grad.clone() for name, value in model.named_parameters()}
    found = gradients(batch, piece, checkpointing=checkpointing)
    for name, value in expected.items():
        # The contrastive loss itself is computed in float32.
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-4, msg=name)


def test_plain_accumulation_would_be_another_objective(batch) -> None:
    model, tokens, frames = batch
    expected = gradients(batch)
    model.zero_grad()
    for first in range(0, 8, 2):
        rows = slice(first, first + 2)
        part = model.encode_frames({name: value[rows] for name, value in frames.items()})
        (model.training_loss(tokens[rows], part)["loss"] / 4).backward()
    name = "temporal.frame_position_embeddings"
    plain = dict(model.named_parameters())[name].grad
    assert (plain - expected[name]).norm() > 0.1 * expected[name].norm()


def test_a_tower_draws_the_same_at_random_when_it_is_run_again() -> None:
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    inputs = torch.randn(6, 4)
    seen = []

    def encode(features):
        seen.append(tower(features["x"]))
        return {"y": seen[-1]}

    outputs = TowerOutputs(
        encode,
        {"x": inputs},
        piece=2,
        device=torch.device("cpu"),
        seed=5,
        autocast=contextlib.nullcontext,
        processes=ALONE,
    )
    state = torch.get_rng_state()
    outputs.features["y"].square().sum().backward()
    outputs.backward()
    assert torch.equal(state, torch.get_rng_state())
    assert [len(y) for y in seen] == [2] * 6
    for first, again in zip(seen[:3], seen[3:], strict=True):
        assert torch.equal(first, again)
    assert not torch.equal(seen[0] == 0, seen[1] == 0)


RESNET = {
    **SMALL_CONFIG,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4, "head_width": 16},
}


@pytest.mark.parametrize("changes", [{"micro_batch_size": 2}, {"checkpointing": True}])
def test_batch_norms_in_a_trained_tower_are_refused(changes, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tests.fixtures.small_clip.SMALL_CONFIG", RESNET)
    recipe = replace(RECIPE, **changes)
    with pytest.raises(ConfigError, match="batch norm.*freeze=frames"):
        curve("clip4clip_meanp", tmp_path / "trained", recipe)
    frozen = curve("clip4clip_meanp", tmp_path / "frozen", replace(recipe, freeze="frames"))
    assert len(frozen) == 3
