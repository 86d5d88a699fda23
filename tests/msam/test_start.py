"""MSAM's losses before the first step, against weights drawn and losses computed elsewhere."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from baselines.heads.contrastive import symmetric_info_nce
from msam.pooling import FusionGate, fusion_similarity
from msam.semantics import SemanticBranch, distribution_loss, diversity_loss
from tests.oracles import direct_semantics as direct

WIDTH, NUM_SEMANTICS, BATCH, FRAMES, WORDS = 512, 7, 16, 12, 32
LOGIT_SCALE = 20.0
SEEDS = range(8)


@dataclass(frozen=True)
class Losses:
    """The three losses of the fixed batch."""

    contrastive: float
    kl: float
    diversity: float


@cache
def batch() -> dict[str, direct.Array]:
    """Random unit vectors of C 512; videos' own frames lie near their captions."""
    generator = np.random.default_rng(0)

    def unit(values: direct.Array) -> direct.Array:
        return values / np.linalg.norm(values, axis=-1, keepdims=True)

    texts = generator.normal(size=(BATCH, WIDTH))
    frames = 0.1 * texts[:, None] + generator.normal(size=(BATCH, FRAMES, WIDTH))
    return {
        "texts": unit(texts),
        "frames": unit(frames),
        "videos": unit(unit(frames).mean(axis=1)),
        "raw_frames": unit(generator.normal(size=(BATCH, FRAMES, WIDTH))),
        "words": unit(generator.normal(size=(BATCH, WORDS, WIDTH))),
    }


def of_the_oracle(weights: dict[str, direct.Array]) -> Losses:
    given = batch()
    videos, texts = (
        [
            direct.distribution(weights, side, *pair)
            for pair in zip(given[pooled], given[sequence], strict=True)
        ]
        for side, pooled, sequence in (
            ("video", "videos", "raw_frames"),
            ("text", "texts", "words"),
        )
    )
    similarity = direct.fusion_similarity(weights, given["texts"], given["frames"])
    return Losses(
        direct.contrastive_loss(LOGIT_SCALE * similarity),
        direct.distribution_loss(videos, texts),
        direct.diversity_loss(videos, texts),
    )


def fresh(seed: int) -> tuple[FusionGate, SemanticBranch]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FusionGate(WIDTH), SemanticBranch(WIDTH, NUM_SEMANTICS)


@torch.no_grad()
def of_ours(gate: FusionGate, branch: SemanticBranch) -> Losses:
    given = {name: torch.from_numpy(value).float() for name, value in batch().items()}
    frames, words = (torch.ones(BATCH, count, dtype=torch.bool) for count in (FRAMES, WORDS))
    videos = branch.of_videos(given["videos"], given["raw_frames"], frames)
    texts = branch.of_texts(given["texts"], given["words"], words)
    similarity = fusion_similarity(given["texts"], given["frames"], frames, gate, text_block=BATCH)
    return Losses(
        symmetric_info_nce(LOGIT_SCALE * similarity).item(),
        distribution_loss(videos, texts).item(),
        (diversity_loss(videos) + diversity_loss(texts)).item() / 2,
    )


def by_name(gate: FusionGate, branch: SemanticBranch) -> dict[str, direct.Array]:
    """Our weights for the oracle; the two layers without a bias get one of 0."""
    state = {f"gate.{name}": value for name, value in gate.state_dict().items()}
    weights = {
        name: value.double().numpy() for name, value in {**branch.state_dict(), **state}.items()
    }
    zeros = {
        f"{side}_slots.{name}.bias": np.zeros(1)
        for side in ("video", "text")
        for name in ("w1", "w2")
    }
    return zeros | weights


@pytest.mark.parametrize("seed", [0, 1])
def test_the_first_losses_are_those_of_the_specification_with_our_weights(seed: int) -> None:
    gate, branch = fresh(seed)
    found, expected = of_ours(gate, branch.eval()), of_the_oracle(by_name(gate, branch))
    assert found.contrastive == pytest.approx(expected.contrastive, abs=1e-5)
    assert found.kl == pytest.approx(expected.kl, rel=1e-4)
    assert found.diversity == pytest.approx(expected.diversity, abs=1e-5)


def test_they_start_where_weights_drawn_as_the_release_draws_them_start() -> None:
    theirs = [
        of_the_oracle(direct.drawn_weights(np.random.default_rng(seed), WIDTH, NUM_SEMANTICS))
        for seed in SEEDS
    ]
    ours = []
    for seed in SEEDS:
        gate, branch = fresh(seed)
        ours.append(of_ours(gate, branch.eval()))
    for losses in (theirs, ours):
        # With torch's own start it was 60.
        assert all(1 < each.kl < 2 for each in losses)
    for name in ("contrastive", "kl", "diversity"):
        drawn, expected = (
            np.array([getattr(each, name) for each in losses]) for losses in (ours, theirs)
        )
        error = np.sqrt((drawn.var(ddof=1) + expected.var(ddof=1)) / len(SEEDS))
        assert drawn.mean() == pytest.approx(expected.mean(), abs=4 * error + 1e-6), name


def test_dropout_hardly_moves_the_divergence_and_tells_the_slots_apart() -> None:
    gate, branch = fresh(0)
    torch.manual_seed(0)
    still, dropping = of_ours(gate, branch.eval()), of_ours(gate, branch.train())
    assert dropping.kl == pytest.approx(still.kl, rel=0.1)
    # Seven equal slots: all of the matrix but its diagonal is 1.
    assert still.diversity == pytest.approx(6 / 7, abs=1e-4)
    assert dropping.diversity < still.diversity - 0.05
