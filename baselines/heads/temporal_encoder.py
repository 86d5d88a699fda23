"""What runs over the frames of a video before they are compared, the three ways of CLIP4Clip.

"seqTransf" is a transformer over the frames with a residual connection.
"""

from functools import partial
from typing import Any, Final, Literal, Self

import torch
from open_clip.transformer import LayerNorm, QuickGELU, ResidualAttentionBlock, Transformer
from torch import nn

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.initial_weights import WEIGHT_STD, draw_weights
from baselines.encoder.residual_blocks import run_blocks
from baselines.heads.video_text_model import full_precision
from dvtr_bench.errors import ConfigError

NORM_EPSILON: Final = 1e-12
"""Epsilon of the layer norms in CLIP4Clip's transformer over frames; CLIP's have 1e-5."""


class TemporalEncoder(nn.Module):
    """A transformer over the frames of a video, with learned positions and a residual connection.

    Args:
        width: C.
        layers: Number of layers.
        heads: Number of attention heads.
        positions: Number of position embeddings.
        quick_gelu: Whether the layers use QuickGELU.
        mlp_width: Width inside the layers; None for four times C.

    Source: CLIP4Clip ``_loose_similarity``, ``sim_header == "seqTransf"``, with its norms and
        initialisation (`draw_weights`); docs/reference/msam.md, "1. Encoders", "6. Initial
        weights".
    """

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
        super().__init__()
        self.frame_position_embeddings = nn.Parameter(torch.empty(positions, width))
        nn.init.normal_(self.frame_position_embeddings, std=WEIGHT_STD)
        # open_clip calls this for each norm, though its types require a class.
        norm: Any = partial(LayerNorm, eps=NORM_EPSILON)
        self.transformer = Transformer(
            width,
            layers,
            heads,
            # open_clip rounds the product down.
            mlp_ratio=4.0 if mlp_width is None else (mlp_width + 0.5) / width,
            act_layer=QuickGELU if quick_gelu else nn.GELU,
            norm_layer=norm,
        )
        draw_weights(self.transformer)

    @classmethod
    def from_text_tower(cls, encoder: FrameEncoder, layers: int) -> Self:
        """Create a temporal encoder initialised from CLIP's text transformer.

        Layers beyond those of the text tower (``tiny`` has few) keep random weights.

        Args:
            encoder: The backbone.
            layers: Number of layers.

        Returns:
            The temporal encoder, with the text tower's heads and activation.

        Raises:
            ConfigError: Text tower and frame embeddings differ in width, or the text tower's blocks
                are not CLIP's.

        Source: CLIP4Clip ``from_pretrained``.
        """
        tower = encoder.text_tower
        positions, width = tower.positional_embedding.shape
        if width != encoder.embed_dim:
            raise ConfigError(
                f"the backbone {encoder.architecture} has a text tower of width {width} and "
                f"embeddings of width {encoder.embed_dim}: a temporal encoder starts from the text "
                "tower and needs them equal, as in ViT-B-32"
            )
        blocks = tower.transformer.resblocks
        if type(blocks[0]) is not ResidualAttentionBlock:
            raise ConfigError(
                f"the text tower of {encoder.architecture} has other blocks than CLIP's, and a "
                "temporal encoder starts from them: use a head without one, such as clip4clip_meanp"
            )
        heads = blocks[0].attn.num_heads
        temporal = cls(
            width,
            layers,
            heads,
            positions,
            quick_gelu=encoder.quick_gelu,
            mlp_width=blocks[0].mlp.c_fc.out_features,
        )
        with torch.no_grad():
            temporal.frame_position_embeddings.copy_(tower.positional_embedding)
        for own, source in zip(temporal.transformer.resblocks, blocks, strict=False):
            own.load_state_dict(source.state_dict())
        return temporal

    def forward(self, frame_embeds: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:
        """Attend over the frames of each video.

        Args:
            frame_embeds: V x F x C, not normalised.
            frame_mask: bool, V x F; frames with False are ignored.

        Returns:
            V x F x C, not normalised.
        """
        hidden = self.with_positions(frame_embeds)
        return self.attend(hidden, frame_mask) + frame_embeds

    def with_positions(self, embeds: torch.Tensor) -> torch.Tensor:
        """Add the position embeddings: N x F x C.

        Raises:
            ConfigError: The sequence is longer than the number of positions.
        """
        length = embeds.shape[1]
        if length > len(self.frame_position_embeddings):
            raise ConfigError(
                f"{length} frames, but positions for {len(self.frame_position_embeddings)}: "
                "set max_frames lower"
            )
        return embeds + self.frame_position_embeddings[:length]

    def attend(
        self, hidden: torch.Tensor, mask: torch.Tensor, *, first_alone: bool = False
    ) -> torch.Tensor:
        """Run the layers; positions with False in ``mask`` are ignored.

        Args:
            hidden: N x F x C.
            mask: bool, N x F.
            first_alone: Whether only the first position is needed.

        Returns:
            N x F x C, or N x 1 x C with ``first_alone``.
        """
        length = hidden.shape[1]
        # Large but finite, as in the authors' code: a row of -inf would give NaN.
        bias = torch.where(mask, 0.0, -1e6).to(hidden.dtype)
        attention_mask = bias[:, None, None, :].expand(-1, 1, length, -1)
        return run_blocks(self.transformer, hidden, attention_mask, first_alone=first_alone)


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
