"""What runs over the frames of a video before they are compared: the three ways of CLIP4Clip."""

from typing import Literal

import torch
from torch import nn

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.video_text_model import full_precision

Temporal = Literal["transformer", "lstm", "none"]
"""CLIP4Clip's ``sim_header`` seqTransf, seqLSTM and meanP; DRL's ``agg_module``."""


class FrameLstm(nn.LSTM):
    """An LSTM over the frames of a video with a residual connection.

    Args:
        width: C.

    Source: CLIP4Clip ``sim_header="seqLSTM"``: one layer, one direction, initialised randomly.
        differs: sequences are not packed, since padding comes last and an LSTM sees only earlier
        frames; it is float32 under autocast too.
    """

    def __init__(self, width: int) -> None:
        """Create the LSTM with random weights."""
        super().__init__(width, width, batch_first=True)

    def forward(self, frame_embeds: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Run over V x F x C, not normalised; padding may come last."""
        with full_precision(frame_embeds.device):
            frame_embeds = frame_embeds.float()
            temporal: torch.Tensor = super().forward(frame_embeds)[0] + frame_embeds
        return temporal


class FramesAlone(nn.Module):
    """Leaves frames as they are."""

    def forward(self, frame_embeds: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:
        """Return V x F x C unchanged."""
        return frame_embeds


def make_temporal(kind: Temporal, encoder: FrameEncoder, layers: int) -> nn.Module:
    """Make what a model runs over the frames of a video.

    Args:
        kind: ``transformer`` (`TemporalEncoder`), ``lstm`` or ``none``.
        encoder: The backbone; the transformer starts from its text tower.
        layers: Layers of the transformer.

    Returns:
        A module that takes frame embeddings (V x F x C) and their mask, and returns V x F x C.
    """
    if kind == "transformer":
        return TemporalEncoder.from_text_tower(encoder, layers)
    return FrameLstm(encoder.embed_dim) if kind == "lstm" else FramesAlone()
