"""CLIP4Clip with one transformer over a text and a video's frames together (tightTransf).

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="tightTransf"``; positions and layers are
initialised from CLIP's text transformer. As in the authors' code there are no type embeddings
(theirs are commented out), and the loss uses the scores without the logit scale. differs: pairs are
scored in chunks of bounded size, with recomputation in training; scores are computed in float32;
no weight decay for norms.
"""

from dataclasses import dataclass
from typing import Final

import torch
from open_clip.transformer import QuickGELU
from torch import nn
from torch.utils.checkpoint import checkpoint

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.initial_weights import draw_weights
from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.model_config import VideoTextConfig, require_at_least
from baselines.heads.temporal_encoder import NORM_EPSILON, TemporalEncoder
from baselines.heads.video_text_model import VideoTextModel, as_float32, full_precision
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True

_CHUNK_ELEMENTS: Final = 2**23
"""Most elements of the widest activations of a chunk of pairs (those of the layers' MLPs)."""


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of the cross transformer.

    Attributes:
        cross_layers: Number of layers.

    Raises:
        ConfigError: The number of layers is below 1.
    """

    cross_layers: int = 4

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        require_at_least("cross_layers", self.cross_layers, 1)


class Model(VideoTextModel):
    """CLIP4Clip tightTransf.

    Neither scores nor loss use the logit scale. It becomes a buffer, so that weights have the same
    names as in every model but it is not trained.

    Attributes:
        cross: The transformer over pairs.
    """

    name = "clip4clip_tighttransf"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Initialise the cross transformer from the text tower."""
        super().__init__(config, encoder)
        self.cross = CrossEncoder.from_text_tower(self.encoder, config.cross_layers)
        clip = self.encoder.clip
        scale = clip.logit_scale.detach()
        del clip.logit_scale
        clip.register_buffer("logit_scale", scale)

    def video_features(self, frames: Features) -> Features:
        """Return the frames unchanged: ``frame_embeds`` (V x F x C) and ``frame_mask``."""
        return as_float32(frames)

    @torch.no_grad()
    def head_texts(self, features: Features) -> Features:
        """Return the text embeddings unchanged: ``text_embeds``, T x C, not normalised."""
        return {"text_embeds": features["text_embeds"].to(self.device).float()}

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts against videos, a chunk of pairs at a time.

        Args:
            text_embeds: T x C, not normalised.
            videos: Features from `video_features`.

        Returns:
            T x V.
        """
        frame_embeds, frame_mask = videos["frame_embeds"], videos["frame_mask"]
        num_videos, num_frames, width = frame_embeds.shape
        num_pairs = len(text_embeds) * num_videos
        chunk = max(1, _CHUNK_ELEMENTS // ((1 + num_frames) * 4 * width))

        def score(first: int) -> torch.Tensor:
            last = min(first + chunk, num_pairs)
            pair = torch.arange(first, last, device=frame_embeds.device)
            text, video = pair // num_videos, pair % num_videos
            sequence = torch.cat((text_embeds[text][:, None], frame_embeds[video]), dim=1)
            is_text = frame_mask.new_ones(len(pair), 1)
            scores: torch.Tensor = self.cross(
                sequence, torch.cat((is_text, frame_mask[video]), dim=1)
            )
            return scores

        starts = range(0, num_pairs, chunk)
        if torch.is_grad_enabled() and len(starts) > 1:
            parts = [checkpoint(score, first, use_reentrant=False) for first in starts]
        else:
            parts = [score(first) for first in starts]
        return torch.cat(parts).view(len(text_embeds), num_videos)

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return the symmetric contrastive ``loss`` of the unscaled scores."""
        videos = self.video_features(frames)
        return {"loss": self.contrastive_loss(texts["text_embeds"], videos)}

    def contrastive_loss(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return the symmetric contrastive loss without the logit scale, a scalar."""
        with full_precision(self.device):
            return symmetric_info_nce(self.similarity(text_embeds.float(), as_float32(videos)))


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
