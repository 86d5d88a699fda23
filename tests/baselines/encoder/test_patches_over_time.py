"""Patches that span three frames, against a convolution over time."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from baselines.encoder.patches_over_time import (
    PatchesOverTime,
    patches_over_time,
    with_neighbours,
)
from baselines.models.clip4clip_meanp import Model
from dvtr_bench.errors import ConfigError
from dvtr_bench.training.optimiser import trained_parameters
from dvtr_bench.training.recipe import Recipe
from msam.models.msam import Model as Msam
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def videos():
    return [video[: 1 + row % 4] for row, video in enumerate(random_videos(6))]


def moved(model, seed=0):
    """The model with weights of the neighbours that are not 0."""
    weight = model.encoder.clip.visual.conv1.weight
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        weight.add_(0.05 * torch.randn(weight.shape, generator=generator))
    return model


class Given(nn.Module):
    """Gives patches that were computed before."""

    def __init__(self, patches) -> None:
        super().__init__()
        self.patches = patches

    def forward(self, images):
        assert len(images) == len(self.patches)
        return self.patches


@torch.no_grad()
@pytest.mark.parametrize(
    ("model_class", "settings"), [(Model, {}), (Msam, {"regions": "grid", "text_block": 1})]
)
def test_frames_are_encoded_as_by_a_convolution_over_time(model_class, settings) -> None:
    model = moved(on_small_encoder(model_class, linear_patch="3d", **settings)).eval()
    prepared = model.preprocess(videos())
    found = model.encode_frames(prepared)
    mask, conv = prepared["frame_mask"], model.encoder.clip.visual.conv1
    images = model.encoder._normalise(prepared["pixels"].flatten(0, 1))
    images = images.unflatten(0, mask.shape).masked_fill(~mask[..., None, None, None], 0.0)
    over_time = functional.conv3d(
        images.transpose(1, 2), conv.weight, stride=(1, *conv.stride), padding=(1, 0, 0)
    ).transpose(1, 2)
    single = on_small_encoder(model_class, **settings).eval()
    single.load_state_dict(model.state_dict() | {
        "encoder.clip.visual.conv1.weight": conv.weight[:, :, 1]
    })  # fmt: skip
    single.encoder.clip.visual.conv1 = Given(over_time[mask])
    for name, expected in single.encode_frames(prepared).items():
        torch.testing.assert_close(found[name], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_both_begin_as_the_same_model() -> None:
    over_time, single = on_small_encoder(Model, linear_patch="3d"), on_small_encoder(Model)
    prepared = single.preprocess(videos())
    torch.testing.assert_close(
        over_time.encode_frames(prepared)["frame_embeds"],
        single.encode_frames(prepared)["frame_embeds"],
        atol=1e-6,
        rtol=1e-5,
    )


@torch.no_grad()
def test_neighbours_are_those_of_the_same_video() -> None:
    images = torch.arange(1.0, 6.0)[:, None, None, None].expand(5, 3, 2, 2)
    found = with_neighbours(images, torch.tensor([0, 0, 0, 4, 4]))
    assert found[:, ::3, 0, 0].tolist() == [
        [0, 1, 2], [1, 2, 3], [2, 3, 0], [0, 4, 5], [4, 5, 0],
    ]  # fmt: skip
    model = moved(on_small_encoder(Model, linear_patch="3d")).eval()
    together = model.encode_videos(videos())["video_embeds"]
    for row, video in enumerate(videos()):
        alone = model.encode_videos([video])["video_embeds"][0]
        torch.testing.assert_close(alone, together[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frozen_layers", [None, 0, 1])
def test_they_are_trained_whatever_else_is_frozen(frozen_layers) -> None:
    model = on_small_encoder(Model, linear_patch="3d")
    recipe = replace(Recipe(), frozen_layers=frozen_layers)
    names = set(trained_parameters(model, recipe).values())
    assert "encoder.clip.visual.conv1.weight" in names
    assert ("encoder.clip.visual.ln_pre.weight" in names) == (frozen_layers is None)
    frames = model.encode_frames(model.preprocess(random_videos(3)))
    tokens = model.tokenize(["a boat", "two boats", "a red car"])
    model.train().training_loss(tokens, frames)["loss"].backward()
    gradient = model.encoder.clip.visual.conv1.weight.grad
    assert all(gradient[:, :, place].abs().max() > 0 for place in range(3))


@torch.no_grad()
def test_a_checkpoint_and_its_features_are_its_own() -> None:
    model = moved(on_small_encoder(Model, linear_patch="3d")).eval()
    again = Model.rebuild(json.loads(json.dumps(model.describe()))).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(
        again.encode_videos(videos())["video_embeds"], model.encode_videos(videos())["video_embeds"]
    )
    assert model.feature_key("videos") != on_small_encoder(Model).feature_key("videos")


def test_a_backbone_without_patches_is_refused() -> None:
    with pytest.raises(ConfigError, match="the backbone RN50 cuts none"):
        patches_over_time(nn.Sequential(), "RN50")
    visual = nn.Module()
    visual.conv1 = nn.Conv2d(3, 4, 3, stride=2)
    with pytest.raises(ConfigError, match="linear_patch=2d"):
        patches_over_time(visual, "RN50")
    visual.conv1 = nn.Conv2d(3, 4, 2, stride=2, bias=False)
    patches_over_time(visual, "ViT")
    first = visual.conv1
    patches_over_time(visual, "ViT")
    assert visual.conv1 is first
    assert isinstance(first, PatchesOverTime)
