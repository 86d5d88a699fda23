"""MSAM's semantic branch and losses as docs/reference/msam.md has them, a sample at a time.

Weights may be drawn here as the release draws them; nothing of torch takes part.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Distribution = tuple[Array, Array]
"""Mean and spread of one sample, K x C each."""

STD = 0.02
"""Of every linear layer of the release's new modules at the start; biases are 0, norms 1 and 0."""


def drawn_weights(generator: np.random.Generator, width: int, num_semantics: int) -> dict:
    """Weights of the branch and of the gate by our names, as the release draws them."""
    half, eighth = width // 2, width // 8
    shapes = {
        "mean_head.0": (half, width),
        "mean_head.2": (half, half),
        "mean_head.4": (width, half),
        "spread_head.0": (eighth, width),
        "spread_head.2": (width, eighth),
        "gate.fc1": (half, width),
        "gate.fc2": (1, half),
    }
    for side in ("video", "text"):
        shapes[f"{side}_slots.w1"] = (half, width)
        shapes[f"{side}_slots.w2"] = (num_semantics, half)
        shapes[f"{side}_slots.residual"] = shapes[f"{side}_slots.out"] = (width, width)
    weights = {f"{name}.weight": generator.normal(0, STD, shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": np.zeros(shape[0]) for name, shape in shapes.items()}
    for side in ("video", "text"):
        weights[f"{side}_slots.layer_norm.weight"] = np.ones(width)
        weights[f"{side}_slots.layer_norm.bias"] = np.zeros(width)
    return weights


def distribution(
    weights: Mapping[str, Array], side: str, pooled: Array, sequence: Array
) -> Distribution:
    """The distribution of one sample; every place of the sequence takes part."""
    slots = f"{side}_slots"
    hidden = np.tanh(sequence @ weights[f"{slots}.w1.weight"].T)
    scores = hidden @ weights[f"{slots}.w2.weight"].T
    shares = np.exp(scores - scores.max(axis=0))
    shares = shares / shares.sum(axis=0)
    gates = 1 / (1 + np.exp(-_linear(weights, f"{slots}.residual", shares.T @ sequence)))
    gated = gates * pooled
    centred = gated - gated.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    normed = normed * weights[f"{slots}.layer_norm.weight"] + weights[f"{slots}.layer_norm.bias"]
    out = _linear(weights, f"{slots}.out", normed)
    mean = np.maximum(_linear(weights, "mean_head.0", out), 0)
    mean = np.maximum(_linear(weights, "mean_head.2", mean), 0)
    spread = np.maximum(_linear(weights, "spread_head.0", out), 0)
    return (
        _linear(weights, "mean_head.4", mean),
        np.log1p(np.exp(_linear(weights, "spread_head.2", spread))),
    )


def distribution_loss(videos: Sequence[Distribution], texts: Sequence[Distribution]) -> float:
    """L_kl of matching samples."""
    found = []
    for (mean_q, spread_q), (mean_p, spread_p) in zip(videos, texts, strict=True):
        shift = ((mean_p - mean_q) / spread_p) ** 2
        parts = 2 * np.log(spread_p / spread_q) - 1 + (spread_q / spread_p) ** 2 + shift
        found.append(0.5 * parts.sum())
    return float(np.mean(found))


def diversity_loss(videos: Sequence[Distribution], texts: Sequence[Distribution]) -> float:
    """L_div: the mean of both modalities."""
    return (_likeness(videos) + _likeness(texts)) / 2


def contrastive_loss(logits: Array) -> float:
    """L_sim of texts x videos, of which the diagonal belongs together."""
    losses = []
    for matrix in (logits, logits.T):
        total = np.log(np.exp(matrix - matrix.max()).sum(axis=1)) + matrix.max()
        losses.append(float(np.mean(total - np.diag(matrix))))
    return sum(losses) / 2


def fusion_similarity(weights: Mapping[str, Array], texts: Array, frames: Array) -> Array:
    """T x V by docs/reference/msam.md, "2. Fusion pooling": one block, every frame taking part."""
    similarity = np.zeros((len(texts), len(frames)))
    for video, own in enumerate(frames):
        shares = _softmax(own @ texts.T / 0.01, axis=0)
        pooled = shares.T @ own
        seen = _softmax((pooled * texts).sum(axis=1) / 0.01, axis=0) @ pooled
        hidden = np.maximum(_linear(weights, "gate.fc1", pooled), 0)
        gate = 1 / (1 + np.exp(-_linear(weights, "gate.fc2", hidden))) / 0.7
        fused = gate * pooled + (1 - gate) * seen + pooled
        fused = fused / np.linalg.norm(fused, axis=1, keepdims=True)
        similarity[:, video] = 0.4 * (fused * texts).sum(axis=1)
    return similarity


def _softmax(values: Array, axis: int) -> Array:
    shares = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(shares / shares.sum(axis=axis, keepdims=True))


def _likeness(samples: Sequence[Distribution]) -> float:
    found = []
    for mean, spread in samples:
        semantics = mean / spread
        semantics = semantics / np.linalg.norm(semantics, axis=1, keepdims=True)
        found.append(np.abs(semantics @ semantics.T - np.eye(len(semantics))).mean())
    return float(np.mean(found))


def _linear(weights: Mapping[str, Array], name: str, values: Array) -> Array:
    return np.asarray(values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])
