from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from msam.semantics import SemanticBranch, Semantics, distribution_loss, diversity_loss

VECTORS = np.load(Path(__file__).parents[1] / "fixtures" / "msam_semantics.npz")


def tensor(name):
    return torch.from_numpy(VECTORS[name])


def authors_branch():
    state = {}
    for side in ("video", "text"):
        slots = f"{side}_slots"
        state[f"{slots}.w1.weight"] = tensor(f"{slots}_w1")
        state[f"{slots}.w2.weight"] = tensor(f"{slots}_w2")
        for part in ("residual", "layer_norm", "out"):
            for kind in ("weight", "bias"):
                state[f"{slots}.{part}.{kind}"] = tensor(f"{side}_{part}_{kind}")
    for head, source, layers in (("mean_head", "mean_head", 3), ("spread_head", "std_head", 2)):
        for layer in range(layers):
            for kind in ("weight", "bias"):
                state[f"{head}.{2 * layer}.{kind}"] = tensor(f"{source}_{layer}_{kind}")
    branch = SemanticBranch(16, 7).eval()
    branch.load_state_dict(state)
    return branch


def unit(values):
    return functional.normalize(values, dim=-1)


@pytest.fixture(scope="module")
def both():
    branch = authors_branch()
    frames, words = unit(tensor("frame_embeds")), unit(tensor("token_embeds"))
    with torch.no_grad():
        videos = branch.of_videos(
            unit(tensor("video_embeds")), frames, torch.ones(frames.shape[:2], dtype=torch.bool)
        )
        texts = branch.of_texts(
            unit(tensor("text_embeds")), words, torch.ones(words.shape[:2], dtype=torch.bool)
        )
    return videos, texts


def test_distributions_agree_with_the_authors_modules(both) -> None:
    for semantics, side in zip(both, ("video", "text"), strict=True):
        for found, key in (
            (semantics.mean, f"{side}_mean"),
            (semantics.spread, f"{side}_std"),
            (semantics.embeds, f"{side}_semantics"),
        ):
            torch.testing.assert_close(found, tensor(key), atol=1e-5, rtol=0)


def test_losses_agree_with_the_authors_modules(both) -> None:
    videos, texts = both
    torch.testing.assert_close(
        distribution_loss(videos, texts), tensor("kl_loss"), atol=0, rtol=1e-4
    )
    diversity = (diversity_loss(videos) + diversity_loss(texts)) / 2
    torch.testing.assert_close(diversity, tensor("diversity_loss"), atol=0, rtol=1e-4)


def test_the_divergence_agrees_with_that_of_torch(both) -> None:
    videos, texts = both
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(videos.mean, videos.spread),
        torch.distributions.Normal(texts.mean, texts.spread),
    )
    torch.testing.assert_close(
        distribution_loss(videos, texts), expected.sum(dim=(1, 2)).mean(), atol=0, rtol=1e-4
    )


def test_padding_changes_nothing() -> None:
    branch = authors_branch()
    words, pooled = unit(tensor("token_embeds")), unit(tensor("text_embeds"))
    mask = torch.ones(words.shape[:2], dtype=torch.bool)
    padded = torch.cat([words, unit(torch.ones(4, 3, 16))], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], dim=1)
    short, long = branch.of_texts(pooled, words, mask), branch.of_texts(pooled, padded, padded_mask)
    torch.testing.assert_close(long.mean, short.mean)
    assert long.attention[:, :, 6:].abs().max() == 0


def test_diversity_is_0_for_orthogonal_slots_and_large_for_equal_ones() -> None:
    orthogonal = Semantics(torch.eye(4)[None], torch.ones(1, 4, 4), torch.ones(1, 4, 1))
    equal = Semantics(torch.ones(1, 4, 4), torch.ones(1, 4, 4), torch.ones(1, 4, 1))
    assert diversity_loss(orthogonal).item() == pytest.approx(0, abs=1e-6)
    assert diversity_loss(equal).item() == pytest.approx(12 / 16)
