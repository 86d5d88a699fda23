"""DRL's weighted token interaction (WTI): each word is matched with its best frame, and vice versa.

Source: Wang et al. 2022 (arXiv 2203.07111) and the authors' code (foolwood/DRL), ``agg_module=
"seqTransf"``, ``interaction="wti"``, ``wti_arch=2``; the transformer over frames and the frame
positions are initialised from CLIP's text transformer. differs: without the channel decorrelation
loss (CDCR), another part of that paper; padded words and frames are ignored; the weight networks
have no last bias, which the softmax would cancel; optimiser and schedule are those of every model
here.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.model_config import TemporalConfig
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.token_interaction import TokenWeights, unit_tokens, weighted_token_similarity
from baselines.heads.word_token_model import WordTokenModel
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(TemporalConfig):
    """Configuration of the backbone and the transformer over frames."""


class Model(WordTokenModel):
    """DRL with weighted token interaction.

    Attributes:
        temporal: The transformer over frames.
        token_weights: The network for the weights of words.
        frame_weights: The network for the weights of frames.
    """

    name = "drl_wti"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Initialise the transformer over frames from the text tower."""
        super().__init__(config, encoder)
        width = self.encoder.embed_dim
        self.temporal = TemporalEncoder.from_text_tower(self.encoder, config.temporal_layers)
        self.token_weights = TokenWeights(width)
        self.frame_weights = TokenWeights(width)

    def text_features(self, token_embeds: torch.Tensor, token_mask: torch.Tensor) -> Features:
        """Compute the text features to be scored.

        Args:
            token_embeds: T x L x C, not normalised.
            token_mask: bool, T x L.

        Returns:
            ``token_embeds`` (unit length), ``token_weights`` (T x L) and ``token_mask``.
        """
        return {
            "token_embeds": unit_tokens(token_embeds, token_mask),
            "token_weights": self.token_weights(token_embeds, token_mask),
            "token_mask": token_mask,
        }

    def video_features(self, frames: Features) -> Features:
        """Run the transformer over the frames.

        Returns:
            ``frame_embeds`` (unit length), ``frame_weights`` (V x F) and ``frame_mask``.
        """
        mask = frames["frame_mask"]
        temporal = self.temporal(frames["frame_embeds"], mask)
        return {
            "frame_embeds": unit_tokens(temporal, mask),
            "frame_weights": self.frame_weights(temporal, mask),
            "frame_mask": mask,
        }

    def token_similarity(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score words against frames: T x V."""
        return weighted_token_similarity(
            texts["token_embeds"],
            texts["token_weights"],
            texts["token_mask"],
            videos["frame_embeds"],
            videos["frame_weights"],
            videos["frame_mask"],
        )

    @property
    def scores_by_vectors(self) -> bool:
        """False: vectors only find candidates; the interaction ranks them."""
        return False

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the weighted mean of the words: T x C, unit length."""
        return _weighted_mean(texts["token_embeds"], texts["token_weights"])

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the weighted mean of the frames: V x C, unit length."""
        return _weighted_mean(videos["frame_embeds"], videos["frame_weights"])


def _weighted_mean(embeds: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return functional.normalize(torch.einsum("nkc,nk->nc", embeds, weights), dim=-1)
