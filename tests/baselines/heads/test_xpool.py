from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.heads import xpool_pooling
from baselines.heads.xpool_pooling import TextConditionedPooling
from baselines.models.xpool import Config, Model
from dvtr_bench.errors import ConfigError
from tests.fixtures.small_clip import on_small_encoder
from tests.oracles.direct_xpool import direct_pooled, direct_xpool_similarity

VECTORS = np.load(Path(__file__).parents[2] / "fixtures" / "xpool.npz")
PARAMETERS = {
    name: torch.from_numpy(VECTORS[name])
    for name in VECTORS.files
    if name.endswith((".weight", ".bias"))
}
TEXTS = torch.from_numpy(VECTORS["text_embeds"])
FRAMES = torch.from_numpy(VECTORS["frame_embeds"])
MASK = torch.ones(FRAMES.shape[:2], dtype=torch.bool)
CAPTIONS = [f"{number} boats near a pier" for number in ("one", "two", "three", "four")]


def authors_pooling():
    pooling = TextConditionedPooling(TEXTS.shape[-1], dropout=0.3).eval()
    pooling.load_state_dict(
        {name: value for name, value in PARAMETERS.items() if name != "cross_attn.k_proj.bias"}
    )
    return pooling


def random_pooling(width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pooling = TextConditionedPooling(width, dropout=0.3).eval()
    with torch.no_grad():
        for parameter in pooling.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return pooling


def random_inputs(texts, videos, frames, width):
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(frames) < torch.randint(1, frames + 1, (videos, 1), generator=generator)
    return (
        4 * torch.randn(texts, width, generator=generator),
        4 * torch.randn(videos, frames, width, generator=generator),
        mask,
    )


@torch.no_grad()
def test_agrees_with_the_authors_module() -> None:
    pooling = authors_pooling()
    expected = torch.from_numpy(VECTORS["pooled"])
    torch.testing.assert_close(pooling(TEXTS, FRAMES, MASK), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        direct_pooled(PARAMETERS, TEXTS, FRAMES, MASK), expected, atol=1e-5, rtol=0
    )
    similarity = pooling.similarity(TEXTS, FRAMES, MASK)
    expected = torch.from_numpy(VECTORS["similarity"])
    torch.testing.assert_close(similarity, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("chunk", [1, 600, 2**21])
@torch.no_grad()
def test_agrees_with_the_direct_form_in_chunks_of_any_size(monkeypatch, chunk) -> None:
    monkeypatch.setattr(xpool_pooling, "_CHUNK_ELEMENTS", chunk)
    pooling, inputs = random_pooling(64), random_inputs(20, 7, 5, 64)
    expected = direct_xpool_similarity(pooling.state_dict(), *inputs)
    torch.testing.assert_close(pooling.similarity(*inputs), expected, atol=1e-5, rtol=0)
    assert expected.std() > 1e-2


@torch.no_grad()
def test_frames_that_are_all_the_same_score_as_one() -> None:
    pooling, (texts, frames, _) = random_pooling(64), random_inputs(20, 7, 5, 64)
    same = frames[:, :1].expand(-1, 5, -1)
    mask = torch.ones(7, 5, dtype=torch.bool)
    one = pooling.similarity(texts, frames[:, :1], mask[:, :1])
    torch.testing.assert_close(pooling.similarity(texts, same, mask), one, atol=1e-5, rtol=0)


@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_padding_changes_nothing(training) -> None:
    pooling, (texts, frames, mask) = random_pooling(64), random_inputs(20, 7, 5, 64)
    scores = pooling.similarity(texts, frames, mask)
    frames = torch.cat([frames, torch.full((7, 2, 64), 1e4)], dim=1)
    frames[:, :5][~mask] = -1e4
    mask = torch.cat([mask, torch.zeros(7, 2, dtype=torch.bool)], dim=1)
    if training:
        pooling.train()
        pooling.dropout.p = 0.0
    torch.testing.assert_close(pooling.similarity(texts, frames, mask), scores, atol=1e-5, rtol=0)


def test_gradients_of_both_forms_agree_and_reach_every_parameter() -> None:
    pooling, inputs = random_pooling(16), random_inputs(6, 4, 3, 16)
    scores = pooling.similarity(*inputs)
    weights = torch.randn(scores.shape, generator=torch.Generator().manual_seed(2))
    names = [name for name, _ in pooling.named_parameters()]
    found = torch.autograd.grad((scores * weights).sum(), list(pooling.parameters()))
    direct = direct_xpool_similarity(dict(pooling.named_parameters()), *inputs)
    expected = torch.autograd.grad((direct * weights).sum(), list(pooling.parameters()))
    for name, one, other in zip(names, found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3, msg=name)
        assert one.abs().max() > 1e-3, name


def test_dropout_is_drawn_in_training_alone() -> None:
    pooling, inputs = random_pooling(16), random_inputs(6, 4, 3, 16)
    scores = pooling.similarity(*inputs)
    assert torch.equal(pooling.similarity(*inputs), scores)
    pooling.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert (pooling.similarity(*inputs) - scores).abs().max() > 1e-2


def test_projections_start_as_the_identity() -> None:
    pooling = on_small_encoder(Model).pooling
    for name in ("cross_attn.q_proj", "cross_attn.k_proj", "cross_attn.v_proj", "linear_proj"):
        assert torch.equal(pooling.get_submodule(name).weight, torch.eye(32)), name


def test_a_few_steps_lower_the_loss() -> None:
    model = on_small_encoder(Model)
    tokens = model.tokenize(CAPTIONS)
    _, frame_embeds, frame_mask = random_inputs(4, 4, 4, 32)
    frames = {"frame_embeds": frame_embeds, "frame_mask": frame_mask}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    first = model.eval().training_loss(tokens, frames)["loss"].item()
    model.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(15):
            optimizer.zero_grad()
            model.training_loss(tokens, frames)["loss"].backward()
            optimizer.step()
    assert model.eval().training_loss(tokens, frames)["loss"].item() < 0.7 * first


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_dropout_out_of_range_is_refused(dropout) -> None:
    with pytest.raises(ConfigError, match="dropout must be"):
        Config(backbone="tiny", dropout=dropout)
