from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from msam import pooling
from msam.pooling import (
    FusionGate,
    attention_similarity,
    bank_frame_weights,
    frame_weights,
    fusion_similarity,
)
from tests.oracles.direct_fusion_pooling import (
    direct_fusion_similarity,
    fuse,
    pooled_by_text,
    seen_by_block,
)

VECTORS = np.load(Path(__file__).parents[1] / "fixtures" / "msam_pooling.npz")


def tensor(name):
    return torch.from_numpy(VECTORS[name])


def authors_gate():
    gate = FusionGate(16)
    gate.load_state_dict(
        {
            "fc1.weight": tensor("gate_fc1_weight"),
            "fc1.bias": tensor("gate_fc1_bias"),
            "fc2.weight": tensor("gate_fc2_weight"),
            "fc2.bias": tensor("gate_fc2_bias"),
        }
    )
    return gate


def random_case(num_texts=23, num_videos=7, num_frames=6, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def unit(*shape):
        return functional.normalize(torch.randn(*shape, generator=generator), dim=-1)

    mask = torch.ones(num_videos, num_frames, dtype=torch.bool)
    mask[1, 3:] = False
    mask[4, 1:] = False
    torch.manual_seed(seed)
    gate = FusionGate(width)
    return unit(num_texts, width), unit(num_videos, num_frames, width), mask, gate


def mlp(gate):
    return lambda pooled: nn.Sequential(gate.fc1, nn.ReLU(), gate.fc2)(pooled)


@pytest.mark.parametrize(
    ("key", "text_block"),
    [
        ("similarity_all_texts_in_one_block", 8),
        ("similarity_all_texts_in_one_block", 10**6),
        ("similarity_two_equal_blocks", 4),
        ("similarity_one_text_per_block", 1),
    ],
)
def test_agrees_with_the_authors_modules(key, text_block) -> None:
    frames = tensor("frame_embeds")
    similarity = fusion_similarity(
        tensor("text_embeds"),
        frames,
        torch.ones(frames.shape[:2], dtype=torch.bool),
        authors_gate(),
        text_block=text_block,
    )
    torch.testing.assert_close(similarity, tensor(key), atol=1e-5, rtol=0)


@pytest.mark.parametrize("text_block", [1, 2, 5, 8, 23, 100])
def test_agrees_with_the_direct_form(text_block) -> None:
    texts, frames, mask, gate = random_case()
    expected = direct_fusion_similarity(texts, frames, mask, mlp(gate), text_block)
    found = fusion_similarity(texts, frames, mask, gate, text_block=text_block)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


def test_chunks_of_videos_change_nothing(monkeypatch) -> None:
    texts, frames, mask, gate = random_case()
    whole = fusion_similarity(texts, frames, mask, gate, text_block=5)
    monkeypatch.setattr(pooling, "_ELEMENTS_AT_ONCE", 1)
    chunked = fusion_similarity(texts, frames, mask, gate, text_block=5)
    torch.testing.assert_close(chunked, whole, atol=1e-6, rtol=0)


def test_gradients_agree_with_the_direct_form() -> None:
    texts, frames, mask, gate = random_case(num_texts=6, num_videos=6)
    texts, frames, gate = texts.double(), frames.double(), gate.double()
    gradients = []
    for score in (
        lambda: direct_fusion_similarity(texts, frames, mask, mlp(gate), 6),
        lambda: fusion_similarity(texts, frames, mask, gate, text_block=6),
    ):
        wanted = [texts.requires_grad_(), frames.requires_grad_(), *gate.parameters()]
        gradients.append(torch.autograd.grad((score() ** 2).sum(), wanted))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-8, rtol=1e-6)


def test_a_block_of_one_is_plain_attention_pooling() -> None:
    texts, frames, mask, gate = random_case()
    fused = fusion_similarity(texts, frames, mask, gate, text_block=1)
    torch.testing.assert_close(fused, attention_similarity(texts, frames, mask), atol=2e-6, rtol=0)


def test_attention_pooling_agrees_with_the_direct_form() -> None:
    texts, frames, mask, _ = random_case()
    pooled = functional.normalize(pooled_by_text(texts, frames, mask), dim=-1)
    expected = 0.4 * torch.einsum("vtc,tc->tv", pooled, texts)
    torch.testing.assert_close(
        attention_similarity(texts, frames, mask), expected, atol=2e-6, rtol=0
    )


def test_a_bank_agrees_with_the_direct_form_and_looks_at_no_other_query() -> None:
    texts, frames, mask, gate = random_case()
    bank, _, _, _ = random_case(num_texts=9, seed=1)
    seen = seen_by_block(bank, pooled_by_text(bank, frames, mask))
    expected = fuse(texts, pooled_by_text(texts, frames, mask), seen, mlp(gate))
    weights = bank_frame_weights(bank, frames, mask)
    found = fusion_similarity(texts, frames, mask, gate, text_block=32, bank_weights=weights)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)
    alone = torch.cat(
        [
            fusion_similarity(text[None], frames, mask, gate, text_block=1, bank_weights=weights)
            for text in texts
        ]
    )
    torch.testing.assert_close(alone, found, atol=1e-6, rtol=0)


def test_padding_frames_get_no_weight_and_change_nothing() -> None:
    texts, frames, mask, gate = random_case()
    weights = frame_weights(frames @ texts.T, mask)
    assert weights[1, 3:].abs().max() == 0
    torch.testing.assert_close(weights.sum(1), torch.ones(len(frames), len(texts)))
    noisy = frames.clone()
    noisy[~mask] = functional.normalize(torch.randn(8, 32), dim=-1)
    torch.testing.assert_close(
        fusion_similarity(texts, noisy, mask, gate, text_block=5),
        fusion_similarity(texts, frames, mask, gate, text_block=5),
        atol=1e-6,
        rtol=0,
    )


def test_the_block_matters_where_it_should() -> None:
    texts, frames, mask, gate = random_case()
    alone = fusion_similarity(texts, frames, mask, gate, text_block=1)
    together = fusion_similarity(texts, frames, mask, gate, text_block=23)
    assert (alone - together).abs().max() > 1e-3
