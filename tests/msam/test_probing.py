"""Probing: maps are those that the model scores and trains with, told in frames and patches."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from dvtr_bench.errors import ConfigError
from msam.models.msam import Model
from msam.probing import probe, semantic_collapse
from msam.regions import patch_grid
from msam.semantics import diversity_loss
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder
from tests.fixtures.toy_training import ToySplit
from tests.oracles.direct_fusion_pooling import pooled_by_text

REGIONS = [
    {},
    {"regions": "grid", "grid_size": 2},
    {"regions": "grid", "grid_size": 3},
    {"regions": "learned", "num_slots": 3},
]
PATCHES = {**SMALL_CONFIG, "vision_cfg": {**SMALL_CONFIG["vision_cfg"], "patch_size": 8}}


class NoisySplit(ToySplit):
    """Clips whose frames differ, so that maps do."""

    def frames(self, index):
        noise = np.random.default_rng(index)
        return [noise.integers(0, 256, (36, 44, 3), dtype=np.uint8) for _ in range(2 + index % 4)]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", PATCHES)
    monkeypatch.setattr("tests.fixtures.small_clip.SMALL_CONFIG", PATCHES)


def probed(**settings):
    model, split = on_small_encoder(Model, **settings).eval(), NoisySplit(num_videos=8)
    return model, split, probe(model, split, show_progress=False)


def test_maps_say_which_frames_and_which_part_of_them_were_used() -> None:
    _, _, maps = probed(frame_fit="letterbox", frame_choice="tail", frame_order="reverse")
    assert maps.frame_index[3].tolist() == [4, 3, 2, 1], "five frames, the last four, backwards"
    assert maps.frame_index[0].tolist() == [1, 0, -1, -1]
    # Frames of 36 x 44 lie between bars of 3 pixels in a square of 32, 26 of which are theirs.
    assert maps.seen_part[3].tolist() == [0.0, -3 / 26, 1.0, 29 / 26]


@pytest.mark.parametrize("settings", REGIONS)
def test_maps_are_shares_of_the_frames_that_are_there(settings) -> None:
    model, split, maps = probed(**settings)
    there = maps.frame_index >= 0
    assert there.sum(1).tolist() == [2 + row % 4 if row % 4 < 3 else 4 for row in range(8)]
    assert maps.frame_index[3].tolist() == [0, 1, 2, 4], "five frames, four looked at"
    assert maps.semantic_frames.shape == (8, 4, 7)
    assert maps.text_frames.shape == maps.block_frames.shape == (16, 4)
    np.testing.assert_allclose(maps.semantic_frames.sum(1), 1, atol=1e-5)
    assert not maps.semantic_frames[~there].any()
    own = there[maps.video_of_caption]
    for found in (maps.text_frames, maps.block_frames):
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
        assert not found[~own].any()
    if not settings:
        assert maps.text_patches is maps.semantic_patches is None
        return
    assert maps.semantic_patches.shape == (8, 4, 4, 4, 7)
    assert maps.text_patches.shape == maps.block_patches.shape == (16, 4, 4, 4)
    for name in ("semantic", "text", "block"):
        patches = getattr(maps, f"{name}_patches").sum(axis=(2, 3))
        np.testing.assert_allclose(patches, getattr(maps, f"{name}_frames"), atol=1e-5)
    assert np.ptp(maps.text_patches[0, 0]) > 1e-4


@pytest.mark.parametrize(
    ("settings", "text_block"),
    [
        *((REGIONS[0], block) for block in (3, "all", "text_bank")),
        (REGIONS[1], 3),
        (REGIONS[3], 3),
        (REGIONS[3], "text_bank"),
    ],
)
def test_weights_and_gate_make_the_scores_that_the_model_gives(settings, text_block) -> None:
    model = on_small_encoder(Model, text_block=text_block, bank_size=3, **settings).eval()
    split = NoisySplit(num_videos=8)
    model.see_training_captions(split.captions)
    maps = probe(model, split, show_progress=False)
    backbone = model.backbone_videos([split.frames(row) for row in range(8)])
    videos, texts = model.head_videos(backbone), model.encode_texts(split.captions)
    own = torch.from_numpy(maps.video_of_caption)
    scores = model.score(texts, videos)[torch.arange(16), own]
    weights = [torch.from_numpy(one) for one in (maps.text_frames, maps.block_frames)]
    if model.regions is not None:
        # Weights of regions, recovered from the patches that they were spread over.
        with torch.no_grad():
            shares = model.regions.patch_shares(backbone["region_tokens"])[own].transpose(2, 3)
        patches = (torch.from_numpy(one) for one in (maps.text_patches, maps.block_patches))
        weights = [
            torch.linalg.lstsq(shares.double(), one.flatten(2)[..., None].double())
            .solution.flatten(1)
            .float()
            for one in patches
        ]
    places = videos["frame_embeds"][own]
    pooled, shared = (torch.einsum("nl,nlc->nc", one, places) for one in weights)
    gate = torch.from_numpy(maps.gate)[:, None]
    fused = functional.normalize((1 + gate) * pooled + (1 - gate) * shared, dim=-1)
    expected = 0.4 * (fused * texts["text_embeds"]).sum(-1)
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=0)


def test_the_gate_is_that_of_the_direct_form() -> None:
    model, split, maps = probed(text_block=1)
    videos = model.encode_videos([split.frames(row) for row in range(8)])
    texts = model.encode_texts(split.captions)["text_embeds"]
    pooled = pooled_by_text(texts, videos["frame_embeds"], videos["frame_mask"])
    own = maps.video_of_caption
    gate = torch.nn.Sequential(model.gate.fc1, torch.nn.ReLU(), model.gate.fc2)
    with torch.no_grad():
        expected = (torch.sigmoid(gate(pooled)) / 0.7)[own, range(16), 0]
    np.testing.assert_allclose(maps.gate, expected.numpy(), atol=1e-5)


def test_semantic_maps_are_those_of_the_training_loss(monkeypatch) -> None:
    model, split, maps = probed(regions="learned")
    seen = []
    real = model.branch.video_slots.attention
    monkeypatch.setattr(
        model.branch.video_slots, "attention", lambda *a: seen.append(real(*a)) or seen[-1]
    )
    frames = model.encode_frames(model.preprocess([split.frames(row) for row in range(8)]))
    model.training_loss(model.tokenize(split.captions[::2]), frames)
    over_frames = seen[0].detach().unflatten(-1, (4, -1)).sum(-1).transpose(1, 2)
    np.testing.assert_allclose(maps.semantic_frames, over_frames.numpy(), atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"regions": "grid"}])
def test_how_alike_semantics_are_is_what_the_diversity_loss_sees(monkeypatch, settings) -> None:
    model, split, maps = probed(**settings)
    seen = []
    real = diversity_loss
    monkeypatch.setattr(
        "msam.models.msam.diversity_loss", lambda one: seen.append(real(one)) or seen[-1]
    )
    frames = model.encode_frames(model.preprocess([split.frames(row) for row in range(8)]))
    model.training_loss(model.tokenize(split.captions[::2]), frames)
    assert maps.semantic_cosines.shape == (8, 7, 7)
    of_videos = np.abs(maps.semantic_cosines - np.eye(7)).mean()
    np.testing.assert_allclose(of_videos, seen[0].item(), atol=1e-5)


def test_semantics_that_are_zero_do_not_count_as_different() -> None:
    model, split, maps = probed()
    cosines = np.abs(maps.semantic_cosines)
    alikeness, zero = semantic_collapse(maps)
    assert alikeness == pytest.approx((cosines.sum() - np.trace(cosines, 0, 1, 2).sum()) / 8 / 42)
    assert zero == 0
    with torch.no_grad():
        for parameter in model.branch.mean_head[-1].parameters():
            parameter.zero_()
    assert semantic_collapse(probe(model, split, show_progress=False)) == (None, 1.0)
    assert semantic_collapse(probed(semantics=False)[2]) == (None, None)


def test_a_cell_of_the_grid_is_told_at_its_place() -> None:
    model, split, maps = probed(regions="grid", grid_size=2)
    tokens = model.backbone_videos([split.frames(0)])["region_tokens"]
    assert tokens.shape[2] == 4
    shares = model.regions.patch_shares(tokens)[0, 0].view(4, *patch_grid(model.encoder))
    assert shares[3, 2:, 2:].sum() == pytest.approx(1)
    assert shares[1, :2, 2:].sum() == pytest.approx(1)


def test_what_is_not_there_is_not_told() -> None:
    _, _, attention = probed(pooling="attention")
    assert attention.gate is attention.block_frames is None
    assert attention.text_frames is not None
    _, _, mean = probed(pooling="mean")
    assert mean.text_frames is None
    assert mean.semantic_frames is not None
    _, _, bare = probed(semantics=False)
    assert bare.semantic_frames is None
    assert set(bare.arrays()) == {
        *("video_ids", "caption_ids", "video_of_caption", "frame_index", "seen_part"),
        *("text_frames", "block_frames", "gate"),
    }
    with pytest.raises(ConfigError, match="nothing to probe"):
        probed(pooling="mean", semantics=False)


def test_arrays_need_no_pickles(tmp_path) -> None:
    _, _, maps = probed(regions="grid")
    np.savez(tmp_path / "maps.npz", **maps.arrays())
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as read:
        assert {name: read[name].shape for name in read} == {
            name: value.shape for name, value in maps.arrays().items()
        }
