"""Exact cross-modal interactive feature fusion pooling, without a captions x videos x width tensor.

Every quantity of the pooling is linear or quadratic in a video's frames. With the frame weights w
(V x F x T), the similarities s, the F x F Gram matrix G of each video and its frames' projections
by the gate's first layer, the pooled embeddings (V x T x C) are never computed:

    p . t = sum_f w s          |p|^2 = w G w          W1 p + b = w (W1 f + b)
    q = sum_f a f,  a = sum_t u w:      q . t = a s,    p . q = w G a,    |q|^2 = a G a
    z = (1 + g) p + (1 - g) q

A video's frames can be any vectors: with regions, F counts those of all frames. Texts are the last
axis of every tensor, so that sums over the few frames are vectorised over texts.
"""

from collections.abc import Iterator
from typing import Final

import torch
from torch import nn

from baselines.encoder.initial_weights import draw_weights
from dvtr_bench.ranking.blocks import cut

FRAME_TEMPERATURE: Final = 0.01
TEXT_TEMPERATURE: Final = 0.01
GATE_DIVISOR: Final = 0.7
OUTPUT_SCALE: Final = 0.4

_ELEMENTS_AT_ONCE: Final = 2**20
"""Largest number of elements of an intermediate tensor.

Videos are processed in groups within it, at least one at a time. The gate's hidden layer uses half,
because each element is used once, soon, and should still be in the cache.
"""

_ELEMENTS_AT_ONCE_ON_GPU: Final = 2**26
"""The same for GPUs, where caches are small and calls are costly:

enough to keep the device busy.
"""


class FusionGate(nn.Module):
    """The gate between the pooling of one text and that of its block of texts.

    Args:
        width: C.

    Source: arXiv 2510.15470, docs/reference/msam.md, "2. Fusion pooling", step 6; initial weights
        as released (`draw_weights`).
    """

    def __init__(self, width: int) -> None:
        """Build the two layers."""
        super().__init__()
        self.fc1 = nn.Linear(width, width // 2)
        self.fc2 = nn.Linear(width // 2, 1)
        draw_weights(self)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return the gate of pooled embeddings: ... x C to ..., in 0..1/0.7."""
        gate: torch.Tensor = self.fc2(self.fc1(pooled).relu())
        return torch.sigmoid(gate[..., 0]) / GATE_DIVISOR

    def of_mixed(self, vectors: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the gate of weighted means of vectors, without computing the means.

        Args:
            vectors: V x F x C.
            weights: V x F x T, summing to 1 over F.

        Returns:
            V x T.
        """
        projected, weights = self.fc1(vectors), weights.transpose(1, 2)
        width = projected.shape[2]
        gates = []
        for part in _runs(len(vectors), 2 * weights.shape[1] * width, vectors.device):
            hidden = (weights[part] @ projected[part]).relu_()
            gates.append((hidden.view(-1, width) @ self.fc2.weight[0]).view(hidden.shape[:2]))
        return torch.sigmoid(torch.cat(gates) + self.fc2.bias) / GATE_DIVISOR


def frame_weights(similarity: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:
    """Return how much each text attends to each frame (step 2).

    Args:
        similarity: V x F x T, cosines.
        frame_mask: bool, V x F; frames of False get weight 0. differs: the authors have no mask
            here; if all are True, blank frames are included like theirs.

    Returns:
        V x F x T, summing to 1 over the frames.
    """
    closed = torch.zeros_like(frame_mask, dtype=similarity.dtype).masked_fill_(
        ~frame_mask, -torch.inf
    )
    scaled = torch.add(closed[..., None], similarity, alpha=1 / FRAME_TEMPERATURE)
    return torch.softmax(scaled, dim=1)


def attention_similarity(
    text_embeds: torch.Tensor, frame_embeds: torch.Tensor, frame_mask: torch.Tensor
) -> torch.Tensor:
    """Score by text-conditioned pooling only (steps 1 to 3).

    Args:
        text_embeds: T x C, unit length.
        frame_embeds: V x F x C, unit length.
        frame_mask: bool, V x F.

    Returns:
        T x V: 0.4 times the cosine of text and pooled video.
    """
    num_videos, num_frames = frame_mask.shape
    rows = []
    for part in _runs(num_videos, num_frames * len(text_embeds), frame_embeds.device):
        frames = frame_embeds[part]
        similarity = frames @ text_embeds.T
        weights = frame_weights(similarity, frame_mask[part])
        gram = frames @ frames.transpose(1, 2)
        square = ((gram @ weights) * weights).sum(dim=1)
        rows.append(OUTPUT_SCALE * _cosine((weights * similarity).sum(dim=1), square))
    return torch.cat(rows).T


def fusion_similarity(
    text_embeds: torch.Tensor,
    frame_embeds: torch.Tensor,
    frame_mask: torch.Tensor,
    gate: FusionGate,
    *,
    text_block: int,
    bank_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Score by fusion pooling (steps 1 to 8).

    Args:
        text_embeds: T x C, unit length.
        frame_embeds: V x F x C, unit length.
        frame_mask: bool, V x F.
        gate: The gate.
        text_block: Each run of this many texts is one block (step 4); the last may be shorter.
        bank_weights: V x F, frame weights of a fixed bank of texts (`bank_frame_weights`), instead
            of the block.

    Returns:
        T x V: 0.4 times the cosine of text and fused video, before the logit scale.

    Source: arXiv 2510.15470, docs/reference/msam.md, "2. Fusion pooling". differs: there is a mask
        (`frame_weights`); the rewrite is exact except for rounding.
    """
    num_texts, (num_videos, num_frames) = len(text_embeds), frame_mask.shape
    block = num_texts if bank_weights is not None else max(1, min(text_block, num_texts))
    full_blocks_end = num_texts - num_texts % block
    rows = []
    for part in _runs(num_videos, num_frames * num_texts, frame_embeds.device):
        bank = None if bank_weights is None else bank_weights[part]
        columns = [
            _fuse(texts, frame_embeds[part], frame_mask[part], gate, min(block, len(texts)), bank)
            for texts in (text_embeds[:full_blocks_end], text_embeds[full_blocks_end:])
            if len(texts)
        ]
        rows.append(torch.cat(columns, dim=1))
    return torch.cat(rows).T


def bank_frame_weights(
    bank_embeds: torch.Tensor, frame_embeds: torch.Tensor, frame_mask: torch.Tensor
) -> torch.Tensor:
    """Return the frame weights of a fixed bank of texts for each video (steps 1 to 5).

    Args:
        bank_embeds: B x C, unit length.
        frame_embeds: V x F x C, unit length.
        frame_mask: bool, V x F.

    Returns:
        V x F: the a of ``q = sum_f a f``.
    """
    num_videos, num_frames = frame_mask.shape
    rows = []
    for part in _runs(num_videos, num_frames * len(bank_embeds), frame_embeds.device):
        similarity = frame_embeds[part] @ bank_embeds.T
        weights = frame_weights(similarity, frame_mask[part])
        dot = (weights * similarity).sum(dim=1)
        rows.append(_block_weights(weights[:, :, None], dot[:, None])[..., 0])
    return torch.cat(rows)


def _runs(num_videos: int, elements_each: int, device: torch.device) -> Iterator[slice]:
    """Cut videos into groups with small enough intermediate tensors."""
    room = _ELEMENTS_AT_ONCE if device.type == "cpu" else _ELEMENTS_AT_ONCE_ON_GPU
    return cut(num_videos, max(1, room // max(1, elements_each)))


def _block_weights(weights: torch.Tensor, dot: torch.Tensor) -> torch.Tensor:
    """Return a (V x F x N) from w (V x F x N x B) and p . t (V x N x B): steps 4 and 5."""
    shares = torch.softmax(dot / TEXT_TEMPERATURE, dim=-1)
    return (weights * shares[:, None]).sum(dim=-1)


def _fuse(
    texts: torch.Tensor,
    frames: torch.Tensor,
    mask: torch.Tensor,
    gate: FusionGate,
    block: int,
    bank: torch.Tensor | None,
) -> torch.Tensor:
    similarity = frames @ texts.T
    weights = frame_weights(similarity, mask)
    gram = frames @ frames.transpose(1, 2)
    gram_weights = gram @ weights
    fused_by = gate.of_mixed(frames, weights)
    pooled_dot = (weights * similarity).sum(dim=1)
    pooled_square = (weights * gram_weights).sum(dim=1)

    def blocks(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.reshape(*tensor.shape[:-1], -1, block)

    if bank is None:
        shared = _block_weights(blocks(weights), blocks(pooled_dot))
    else:
        shared = bank[..., None]
    shared_dot = (shared[..., None] * blocks(similarity)).sum(dim=1).flatten(1)
    cross = (shared[..., None] * blocks(gram_weights)).sum(dim=1).flatten(1)
    shared_square = (shared * (gram @ shared)).sum(dim=1).repeat_interleave(block, dim=1)

    text_factor, block_factor = 1 + fused_by, 1 - fused_by
    dot = text_factor * pooled_dot + block_factor * shared_dot
    square = (
        text_factor**2 * pooled_square
        + 2 * text_factor * block_factor * cross
        + block_factor**2 * shared_square
    )
    return OUTPUT_SCALE * _cosine(dot, square)


def _cosine(dot: torch.Tensor, square: torch.Tensor) -> torch.Tensor:
    # Rounding can make a square slightly negative if frames cancel out.
    return dot * torch.rsqrt(square.clamp_min(1e-12))
