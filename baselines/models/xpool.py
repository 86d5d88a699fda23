"""X-Pool: text-conditioned pooling, in which each text attends over the frames of a video.

Source: Gorti et al., CVPR 2022 (arXiv 2203.15086) and the authors' code (layer6ai-labs/xpool).
differs: padded frames are masked out (the authors always have 12); keys have no bias, which the
softmax would cancel; optimiser and schedule are those of every model here; scores are computed by
an exact reformulation without a captions x videos x width tensor.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.model_config import VideoTextConfig
from baselines.heads.padding import masked_mean
from baselines.heads.video_text_model import VideoTextModel
from baselines.heads.xpool_pooling import TextConditionedPooling
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of X-Pool.

    Attributes:
        dropout: Dropout of the residual layer's output in training.

    Raises:
        ConfigError: The dropout is below 0 or not below 1.
    """

    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, found {self.dropout}")


class Model(VideoTextModel):
    """X-Pool.

    Attributes:
        pooling: The text-conditioned pooling.
    """

    name = "xpool"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Create the pooling, its projections initialised as the identity."""
        super().__init__(config, encoder)
        self.pooling = TextConditionedPooling(self.encoder.embed_dim, config.dropout)

    @torch.no_grad()
    def head_texts(self, features: Features) -> Features:
        """Return ``text_embeds``, T x C, not normalised: the pooling applies a layer norm."""
        return {"text_embeds": features["text_embeds"].to(self.device).float()}

    def video_features(self, frames: Features) -> Features:
        """Return ``frame_embeds``, V x F x C, not normalised, and ``frame_mask``."""
        return {name: frames[name] for name in ("frame_embeds", "frame_mask")}

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts, not normalised, against videos: cosines, T x V."""
        return self.pooling.similarity(text_embeds, videos["frame_embeds"], videos["frame_mask"])

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return the contrastive ``loss`` of matching captions and videos."""
        videos = self.video_features(frames)
        return {"loss": self.contrastive_loss(texts["text_embeds"], videos)}

    @property
    def scores_by_vectors(self) -> bool:
        """False: vectors only find candidates; the pooling ranks them."""
        return False

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the text embeddings: T x C, unit length."""
        return functional.normalize(texts["text_embeds"], dim=-1)

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the mean of the frames without padding: V x C, unit length."""
        mean = masked_mean(videos["frame_embeds"], videos["frame_mask"])
        return functional.normalize(mean, dim=-1)
