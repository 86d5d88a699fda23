"""A transformer over a text and the frames of a video together, which scores the pair."""

from typing import Final

import torch
from open_clip.transformer import QuickGELU
from torch import nn
from torch.utils.checkpoint import checkpoint

from baselines.encoder.initial_weights import draw_weights
from baselines.heads.temporal_encoder import NORM_EPSILON, TemporalEncoder

_CHUNK_ELEMENTS: Final = 2**23
"""Most elements of the widest activations of a chunk of pairs (those of the layers' MLPs)."""


class CrossEncoder(TemporalEncoder):
    """A transformer over [text; frames], which scores a pair by its pooled first position.

    Args:
        width: C.
        layers: Number of layers.
        heads: Number of attention heads.
        positions: Number of position embeddings; the text has the first.
        quick_gelu: Whether the layers use QuickGELU; the pooler always does.
        mlp_width: Width inside the layers; None for four times C.

    Source: CLIP4Clip ``CrossModel`` and ``similarity_dense``, with their initialisation
        (`draw_weights`).
    """

    DROPOUT: Final = 0.1
    """Dropout of the sequence in training; the authors' ``hidden_dropout_prob``."""

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        positions: int,
        *,
        quick_gelu: bool,
        mlp_width: int | None = None,
    ) -> None:
        """Create the layers with random weights."""
        super().__init__(
            width, layers, heads, positions, quick_gelu=quick_gelu, mlp_width=mlp_width
        )
        self.dropout = nn.Dropout(self.DROPOUT)
        self.pool_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.pool = nn.Linear(width, width)
        self.activation = QuickGELU()
        self.similarity = nn.Linear(width, 1)
        for part in (self.pool_norm, self.pool, self.similarity):
            draw_weights(part)

    def forward(self, sequence: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Score pairs.

        Args:
            sequence: N x (1 + F) x C, first the text's embedding, then the frames', not normalised.
            mask: bool, N x (1 + F); positions with False are ignored.

        Returns:
            N scores.
        """
        hidden = self.dropout(self.with_positions(sequence))
        hidden = self.attend(hidden, mask, first_alone=True)
        pooled = self.activation(self.pool(self.pool_norm(hidden[:, 0])))
        score: torch.Tensor = self.similarity(pooled)
        return score[:, 0]


def score_pairs(
    cross: CrossEncoder,
    text_embeds: torch.Tensor,
    frame_embeds: torch.Tensor,
    frame_mask: torch.Tensor,
) -> torch.Tensor:
    """Score texts against videos, a chunk of pairs at a time.

    Args:
        cross: The transformer.
        text_embeds: T x C, not normalised.
        frame_embeds: V x F x C, not normalised.
        frame_mask: bool, V x F.

    Returns:
        T x V.
    """
    num_videos, num_frames, width = frame_embeds.shape
    num_pairs = len(text_embeds) * num_videos
    chunk = max(1, _CHUNK_ELEMENTS // ((1 + num_frames) * 4 * width))

    def score(first: int) -> torch.Tensor:
        last = min(first + chunk, num_pairs)
        pair = torch.arange(first, last, device=frame_embeds.device)
        text, video = pair // num_videos, pair % num_videos
        sequence = torch.cat((text_embeds[text][:, None], frame_embeds[video]), dim=1)
        is_text = frame_mask.new_ones(len(pair), 1)
        scores: torch.Tensor = cross(sequence, torch.cat((is_text, frame_mask[video]), dim=1))
        return scores

    starts = range(0, num_pairs, chunk)
    if torch.is_grad_enabled() and len(starts) > 1:
        parts = [checkpoint(score, first, use_reentrant=False) for first in starts]
    else:
        parts = [score(first) for first in starts]
    return torch.cat(parts).view(len(text_embeds), num_videos)
