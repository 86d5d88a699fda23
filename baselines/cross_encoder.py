"""CLIP4Clip's "tightTransf": one transformer over a text and the frames of a video together."""

from typing import Final

import torch
from open_clip.transformer import QuickGELU
from torch import nn

from baselines.initial_weights import draw_weights
from baselines.temporal_encoder import NORM_EPSILON, TemporalEncoder


class CrossEncoder(TemporalEncoder):
    """A transformer over [text; frames] whose first place, pooled, gives the score of the pair.

    Args:
        width: C.
        layers: Number of layers.
        heads: Attention heads.
        positions: Number of positions that there are embeddings for; the text has the first.
        quick_gelu: Whether the layers use QuickGELU; the pooler always does.

    Source: CLIP4Clip ``CrossModel`` and ``similarity_dense``, their start included
        (`draw_weights`).
    """

    DROPOUT: Final = 0.1
    """Of the sequence with its positions, in training; the authors' ``hidden_dropout_prob``."""

    def __init__(
        self, width: int, layers: int, heads: int, positions: int, *, quick_gelu: bool
    ) -> None:
        """Build the layers with random weights."""
        super().__init__(width, layers, heads, positions, quick_gelu=quick_gelu)
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
            sequence: N x (1 + F) x C, the text's embedding before the frames', not normalised.
            mask: bool, N x (1 + F); places of False are not looked at.

        Returns:
            N scores.
        """
        hidden = self.attend(self.dropout(self.with_positions(sequence)), mask)
        pooled = self.activation(self.pool(self.pool_norm(hidden[:, 0])))
        score: torch.Tensor = self.similarity(pooled)
        return score[:, 0]
