"""Regions: the grid against torch, scores against the direct form, training and loading."""

from dataclasses import asdict

import pytest
import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.checkpoint import load_checkpoint
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.train import train
from msam.models.msam import Config, Model
from msam.regions import GridMeans, LearnedSlots, patch_grid
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos, small_encoder
from tests.fixtures.toy_training import ToySplit
from tests.oracles.direct_fusion_pooling import direct_fusion_similarity

CAPTIONS = [f"{number} boats near a pier" for number in ("one", "two", "three", "four", "five")]
REGIONS = [
    {"regions": "grid"},
    {"regions": "grid", "grid_size": 1},
    {"regions": "learned", "num_slots": 3},
]
MORE_PATCHES = {**SMALL_CONFIG, "vision_cfg": {**SMALL_CONFIG["vision_cfg"], "patch_size": 8}}


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def uneven_videos():
    return [video[: 2 + row % 3] for row, video in enumerate(random_videos(5))]


@pytest.mark.parametrize(("cells", "size"), [(2, (8, 8)), (2, (7, 7)), (3, (7, 5)), (4, (4, 4))])
def test_a_grid_is_adaptive_average_pooling(cells, size) -> None:
    patches = torch.randn(3, size[0] * size[1], 6)
    maps = patches.transpose(1, 2).unflatten(-1, size)
    expected = functional.adaptive_avg_pool2d(maps, cells).flatten(2).transpose(1, 2)
    grid = GridMeans(cells, *size)
    torch.testing.assert_close(grid.kept(patches), expected)
    shares = grid.patch_shares(grid.kept(patches))
    assert shares.shape == (3, cells**2, size[0] * size[1])
    torch.testing.assert_close(shares.sum(-1), torch.ones(3, cells**2))


def test_slots_are_means_of_patches_by_the_attention_that_is_told() -> None:
    torch.manual_seed(0)
    slots, patches = LearnedSlots(6, 4), torch.randn(2, 5, 9, 6)
    shares = slots.patch_shares(patches)
    assert shares.shape == (2, 5, 4, 9)
    torch.testing.assert_close(shares.sum(-1), torch.ones(2, 5, 4))
    torch.testing.assert_close(slots(patches), torch.einsum("vfrp,vfpc->vfrc", shares, patches))
    assert (shares[..., 0, :] - shares[..., 1, :]).abs().max() > 0.01, "slots start out different"
    moved = slots.patch_shares(patches + torch.randn(6))
    torch.testing.assert_close(moved, shares, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", REGIONS)
def test_scores_are_those_of_the_direct_form_over_all_regions(settings) -> None:
    model = on_small_encoder(Model, text_block=2, **settings)
    frames = model.backbone_videos(uneven_videos())
    texts = model.encode_texts(CAPTIONS)["text_embeds"]
    per_frame = model.regions(frames["region_tokens"]).shape[2]
    # Written out: each frame after the temporal encoder, plus each of its regions.
    temporal = model.temporal(frames["frame_embeds"], frames["frame_mask"])
    regions = model.regions(frames["region_tokens"]) + temporal[:, :, None]
    sequence = functional.normalize(regions.flatten(1, 2), dim=-1)
    mask = frames["frame_mask"][:, :, None].expand(-1, -1, per_frame).flatten(1)
    gate = torch.nn.Sequential(model.gate.fc1, torch.nn.ReLU(), model.gate.fc2)
    with torch.no_grad():
        expected = direct_fusion_similarity(texts, sequence, mask, gate, 2)
    found = model.score({"text_embeds": texts}, model.head_videos(frames))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


def test_regions_change_scores_and_whole_frames_stay_as_published() -> None:
    scores = [
        model.score(model.encode_texts(CAPTIONS), model.encode_videos(uneven_videos()))
        for model in (
            on_small_encoder(Model),
            on_small_encoder(Model, grid_size=1, num_slots=9),
            *(on_small_encoder(Model, **one) for one in REGIONS),
        )
    ]
    assert torch.equal(scores[0], scores[1]), "the sizes of regions that are not used"
    for row, first in enumerate(scores[1:], start=1):
        for second in scores[row + 1 :]:
            assert (first - second).abs().max() > 1e-6


@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "fusion"])
@pytest.mark.parametrize("settings", REGIONS)
def test_every_pooling_takes_regions_and_padding_changes_nothing(pooling, settings) -> None:
    long = on_small_encoder(Model, pooling=pooling, **settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = Config(backbone="tiny", max_frames=2, pooling=pooling, **settings)
        tight = Model(config, small_encoder())
    videos = random_videos(5, num_frames=2)
    texts = long.encode_texts(CAPTIONS)
    scores = long.score(texts, long.encode_videos(videos))
    assert scores.shape == (5, 5)
    expected = tight.score(texts, tight.encode_videos(videos))
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", REGIONS)
def test_the_semantic_branch_attends_over_all_regions(settings) -> None:
    model = on_small_encoder(Model, **settings)
    frames = model.backbone_videos(uneven_videos())
    sequence, mask = model.sequence(frames)
    assert sequence.shape[1] == mask.shape[1] == 4 * model.regions.count
    assert mask.sum(1).tolist() == [
        n * model.regions.count for n in frames["frame_mask"].sum(1).tolist()
    ]
    attention = model.branch.video_slots.attention(sequence, mask)
    assert attention.shape == (5, 7, 4 * model.regions.count)
    assert attention.masked_select(~mask[:, None]).abs().max() == 0


@pytest.mark.parametrize("settings", REGIONS)
def test_gradients_reach_what_makes_regions(settings) -> None:
    model = on_small_encoder(Model, **settings).train()
    frames = model.encode_frames(model.preprocess(random_videos(5)))
    losses = model.training_loss(model.tokenize(CAPTIONS), frames)
    assert set(losses) == {"loss", "contrastive", "kl", "diversity"}
    losses["loss"].backward()
    assert all(value.grad is not None and value.grad.any() for value in model.parameters())


def test_features_are_told_apart_by_what_they_hold() -> None:
    keys = [
        on_small_encoder(Model, **settings).feature_key("videos")
        for settings in ({}, REGIONS[0], REGIONS[1], REGIONS[2])
    ]
    assert all(first != second for row, first in enumerate(keys) for second in keys[row + 1 :])
    assert keys[0] == on_small_encoder(Model, num_slots=9).feature_key("videos")
    assert keys[3] == on_small_encoder(Model, regions="learned", num_slots=9).feature_key("videos")
    assert "regions" not in on_small_encoder(Model, regions="grid").feature_key("texts")


@pytest.mark.parametrize("freeze", ["nothing", "frames", "backbone"])
@pytest.mark.parametrize("settings", [REGIONS[0], REGIONS[2]])
def test_trains_and_comes_back_from_its_checkpoint(settings, freeze, tmp_path) -> None:
    model = on_small_encoder(Model, temporal_layers=1, **settings)
    recipe = Recipe(epochs=1, batch_size=8, freeze=freeze, frozen_layers=None, frames_a_step=2)
    best = train(
        model, ToySplit(), ToySplit("validation"), recipe, tmp_path / "run", show_progress=False
    )
    again = load_checkpoint(best)
    assert asdict(again.config) == asdict(model.config)
    texts, videos = again.encode_texts(CAPTIONS), random_videos(3)
    expected = model.eval().score(model.encode_texts(CAPTIONS), model.encode_videos(videos))
    assert torch.equal(again.score(texts, again.encode_videos(videos)), expected)


def test_frames_that_were_encoded_whole_are_refused() -> None:
    frames = on_small_encoder(Model).backbone_videos(random_videos(2))
    with pytest.raises(ConfigError, match="regions=grid needs frames .* encode them again"):
        on_small_encoder(Model, regions="grid").head_videos(frames)


def test_a_grid_finer_than_the_patches_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"grid_size is 3, .* 2 x 2 patches"):
        on_small_encoder(Model, regions="grid", grid_size=3)


def test_a_backbone_without_patches_is_refused(monkeypatch) -> None:
    convolutions = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}
    monkeypatch.setattr(
        "baselines.encoder.frame_encoder.TINY_CONFIG", {**SMALL_CONFIG, "vision_cfg": convolutions}
    )
    with pytest.raises(ConfigError, match="vision transformer"):
        Model(Config(backbone="tiny", regions="learned"), FrameEncoder("tiny", quick_gelu=False))


def test_patches_are_rows_from_the_top(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", MORE_PATCHES)
    encoder = FrameEncoder("tiny", quick_gelu=False).eval()
    assert patch_grid(encoder) == (4, 4)
    # Without layers a patch token depends on its own pixels alone.
    encoder.clip.visual.transformer = torch.nn.Identity()
    plain = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    marked = plain.clone()
    marked[:, :, 8:16, 24:32] = 255
    with torch.no_grad():
        moved = encoder.encode_patches(marked)[1] - encoder.encode_patches(plain)[1]
    assert moved.norm(dim=-1)[0].nonzero().flatten().tolist() == [1 * 4 + 3]


@pytest.mark.parametrize("name", ["grid_size", "num_slots"])
def test_sizes_below_one_are_refused(name) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be at least 1"):
        Config(backbone="tiny", **{name: 0})


def test_other_regions_are_refused() -> None:
    with pytest.raises(ConfigError, match="regions must be one of frame, grid, learned"):
        Config(backbone="tiny", regions="rows")
