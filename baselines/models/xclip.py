"""X-CLIP: similarities of video and frames with sentence and words, combined by attention.

Source: Ma et al. 2022 (arXiv 2207.07285) and the authors' code (xuguohai/X-CLIP), by default with
``sim_header="seqTransf"``; the transformer over frames and the frame positions are initialised from
CLIP's text transformer, the mixing matrices as the identity. As in the authors' code, the
transformer is used only for the video's embedding; frames are compared by their CLIP embeddings.
differs: padded words and frames are ignored; texts are scored in blocks of bounded size; no weight
decay for norms and the logit scale.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.model_config import TemporalConfig, require_one_of
from baselines.heads.multi_grained import MultiGrainedSimilarity
from baselines.heads.padding import masked_mean
from baselines.heads.temporal_encoder import Temporal, make_temporal
from baselines.heads.word_token_model import WordTokenModel
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(TemporalConfig):
    """Configuration of the backbone and of what runs over the frames.

    Attributes:
        temporal: What runs over the frames for the video's embedding: a transformer, an LSTM or
            nothing; the authors' ``sim_header`` seqTransf, seqLSTM and meanP.

    Raises:
        ConfigError: A value is out of range.
    """

    temporal: Temporal = "transformer"

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        require_one_of("temporal", self.temporal, Temporal)


class Model(WordTokenModel):
    """X-CLIP.

    Attributes:
        temporal: What runs over the frames.
        grains: The four similarities.
    """

    name = "xclip"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Initialise the transformer over frames from the text tower."""
        super().__init__(config, encoder)
        self.temporal = make_temporal(config.temporal, self.encoder, config.temporal_layers)
        self.grains = MultiGrainedSimilarity(
            self.encoder.embed_dim, config.max_words, config.max_frames
        )

    def text_features(self, token_embeds: torch.Tensor, token_mask: torch.Tensor) -> Features:
        """Return ``text_embeds``, ``token_embeds`` (unit length, padding 0) and ``token_mask``."""
        unit = _unit_tokens(token_embeds, token_mask)
        rows = torch.arange(len(unit), device=unit.device)
        end_of_text = token_mask.sum(dim=1) - 1
        return {
            "text_embeds": unit[rows, end_of_text],
            "token_embeds": unit,
            "token_mask": token_mask,
        }

    def video_features(self, frames: Features) -> Features:
        """Return ``video_embeds``, ``frame_embeds`` (unit length, padding 0) and ``frame_mask``."""
        mask = frames["frame_mask"]
        temporal = self.temporal(frames["frame_embeds"], mask)
        pooled = masked_mean(functional.normalize(temporal, dim=-1), mask)
        return {
            "video_embeds": functional.normalize(pooled, dim=-1),
            "frame_embeds": _unit_tokens(frames["frame_embeds"], mask),
            "frame_mask": mask,
        }

    def token_similarity(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score texts against videos: T x V, before the logit scale."""
        similarity: torch.Tensor = self.grains(texts, videos)
        return similarity

    @property
    def scores_by_vectors(self) -> bool:
        """False: vectors only find candidates; all four similarities rank them."""
        return False

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the projected sentence embeddings that are compared with videos: T x C."""
        return texts["text_embeds"] @ self.grains.global_mat_weight.detach()

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the pooled frames: V x C, unit length."""
        return videos["video_embeds"]


def _unit_tokens(embeds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return functional.normalize(embeds, dim=-1).masked_fill(~mask[..., None], 0.0)
