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

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.cross_encoder import CrossEncoder, score_pairs
from baselines.heads.model_config import VideoTextConfig, require_at_least
from baselines.heads.video_text_model import VideoTextModel, as_float32, full_precision
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


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
        return score_pairs(self.cross, text_embeds, videos["frame_embeds"], videos["frame_mask"])

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return the symmetric contrastive ``loss`` of the unscaled scores."""
        videos = self.video_features(frames)
        return {"loss": self.contrastive_loss(texts["text_embeds"], videos)}

    def contrastive_loss(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return the symmetric contrastive loss without the logit scale, a scalar."""
        with full_precision(self.device):
            return symmetric_info_nce(self.similarity(text_embeds.float(), as_float32(videos)))
