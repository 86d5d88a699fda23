"""DRL's weighted token interaction (WTI): each word is matched with its best frame, and vice versa.

Source: Wang et al. 2022 (arXiv 2203.07111) and the authors' code (foolwood/DRL): ``agg_module``,
``interaction``, ``wti_arch`` and the channel decorrelation loss (CDCR) with the defaults of its
``main.py``; the transformer over frames and the frame positions are initialised from CLIP's text
transformer. differs: padded words and frames are ignored; the weight networks have no last bias,
which the softmax would cancel; optimiser and schedule are those of every model here. ``mlp``, whose
layers the authors' code makes and which it then refuses to score with, is left out.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.cross_encoder import CrossEncoder, score_pairs
from baselines.heads.model_config import TemporalConfig, require_at_least, require_one_of
from baselines.heads.padding import masked_mean
from baselines.heads.temporal_encoder import Temporal, make_temporal
from baselines.heads.token_interaction import (
    Cdcr,
    TokenWeights,
    decorrelation_loss,
    token_correlation,
    unit_tokens,
    weighted_token_similarity,
)
from baselines.heads.video_text_model import as_float32, full_precision
from baselines.heads.word_token_model import WordTokenModel
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


Interaction = Literal["wti", "ti", "dp", "xti"]

_MOST_WEIGHT_LAYERS: Final = 3


@dataclass(frozen=True)
class Config(TemporalConfig):
    """Configuration of DRL; the paper's ablation is ``interaction``, ``temporal`` and ``cdcr``.

    Attributes:
        interaction: How texts and videos are compared: ``wti`` as published; ``ti`` weighs all
            words, and all frames, alike; ``dp`` is the cosine of one vector each; ``xti`` a
            transformer over text and frames.
        temporal: What runs over the frames first: a transformer, an LSTM or nothing.
        weight_layers: Layers of the networks that weigh words and frames, 1 to 3; only with
            ``wti``. The authors' ``wti_arch``.
        cdcr: The channel decorrelation loss: of matching words and frames, ``weighted`` as the
            interaction weighs them or all alike (``matched``, and with ``ti`` the same); of one
            ``random`` word and frame of each pair; or ``off``. ``dp`` has one vector each. ``xti``
            has none. The authors' ``cdcr`` 3, 2, 1 and 0.
        cdcr_on_diagonal: Its weight of channels that do not agree, the authors' ``cdcr_alpha1``.
        cdcr_off_diagonal: Its weight of different channels that do, their ``cdcr_alpha2``.
        cdcr_weight: Weight of the whole beside the contrastive loss, their ``cdcr_lambda``. With
            it and the two above at 0.11, 0 and 0.001 their README trains on MSR-VTT.

    Raises:
        ConfigError: A value is out of range.
    """

    interaction: Interaction = "wti"
    temporal: Temporal = "transformer"
    weight_layers: int = 2
    cdcr: Cdcr = "weighted"
    cdcr_on_diagonal: float = 1.0
    cdcr_off_diagonal: float = 0.06
    cdcr_weight: float = 0.001

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        require_at_least("weight_layers", self.weight_layers, 1, _MOST_WEIGHT_LAYERS)
        for name, choices in (("interaction", Interaction), ("temporal", Temporal), ("cdcr", Cdcr)):
            require_one_of(name, getattr(self, name), choices)
        for name in ("cdcr_on_diagonal", "cdcr_off_diagonal", "cdcr_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be 0 or more, found {getattr(self, name)}")


class Model(WordTokenModel):
    """DRL with weighted token interaction, or another one.

    Attributes:
        temporal: What runs over the frames.
        token_weights: The network for the weights of words; None unless ``wti``.
        frame_weights: The network for the weights of frames; None unless ``wti``.
        cross: The transformer over text and frames; None unless ``xti``.
    """

    name = "drl_wti"
    config_class = Config
    config: Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Initialise the transformers from the text tower."""
        super().__init__(config, encoder)
        width, layers = self.encoder.embed_dim, config.temporal_layers
        self.temporal = make_temporal(config.temporal, self.encoder, layers)
        self.token_weights: TokenWeights | None = None
        self.frame_weights: TokenWeights | None = None
        if config.interaction == "wti":
            self.token_weights = TokenWeights(width, config.weight_layers)
            self.frame_weights = TokenWeights(width, config.weight_layers)
        self.cross: CrossEncoder | None = None
        if config.interaction == "xti":
            self.cross = CrossEncoder.from_text_tower(self.encoder, layers)

    def text_features(self, token_embeds: torch.Tensor, token_mask: torch.Tensor) -> Features:
        """Compute the text features to be scored.

        Args:
            token_embeds: T x L x C, not normalised.
            token_mask: bool, T x L.

        Returns:
            ``token_embeds`` (unit length), ``token_weights`` (T x L) and ``token_mask``. With
            ``dp`` and ``xti`` a text has one word, the end of text; ``xti`` does not normalise it.
        """
        if self.config.interaction in ("dp", "xti"):
            rows = torch.arange(len(token_embeds), device=token_embeds.device)
            token_embeds = token_embeds[rows, token_mask.sum(dim=1) - 1][:, None]
            token_mask = token_mask.new_ones(len(token_embeds), 1)
        scored = token_embeds if self.cross is not None else unit_tokens(token_embeds, token_mask)
        return {
            "token_embeds": scored,
            "token_weights": _weights(self.token_weights, token_embeds, token_mask),
            "token_mask": token_mask,
        }

    def video_features(self, frames: Features) -> Features:
        """Run the transformer over the frames.

        Returns:
            ``frame_embeds`` (unit length), ``frame_weights`` (V x F) and ``frame_mask``. With
            ``dp`` a video has one frame, the mean; ``xti`` does not normalise frames.
        """
        mask = frames["frame_mask"]
        temporal = self.temporal(frames["frame_embeds"], mask)
        if self.config.interaction == "dp":
            temporal = masked_mean(functional.normalize(temporal, dim=-1), mask)[:, None]
            mask = mask.new_ones(len(mask), 1)
        return {
            "frame_embeds": temporal if self.cross is not None else unit_tokens(temporal, mask),
            "frame_weights": _weights(self.frame_weights, temporal, mask),
            "frame_mask": mask,
        }

    def token_similarity(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score words against frames: T x V."""
        if self.cross is not None:
            sentences = texts["token_embeds"][:, 0]
            return score_pairs(self.cross, sentences, videos["frame_embeds"], videos["frame_mask"])
        return weighted_token_similarity(
            texts["token_embeds"],
            texts["token_weights"],
            texts["token_mask"],
            videos["frame_embeds"],
            videos["frame_weights"],
            videos["frame_mask"],
        )

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return ``loss`` and, with CDCR, its parts: ``contrastive`` and ``cdcr``."""
        config = self.config
        words = as_float32(self.text_features(texts["token_embeds"], texts["token_mask"]))
        videos = as_float32(self.video_features(frames))
        with full_precision(self.device):
            scale = self.encoder.logit_scale.exp()
            contrastive = symmetric_info_nce(scale * self.token_similarity(words, videos))
            if config.cdcr == "off" or self.cross is not None:
                return {"loss": contrastive}
            cdcr = decorrelation_loss(
                token_correlation(words, videos, self._cdcr_kind),
                config.cdcr_on_diagonal,
                config.cdcr_off_diagonal,
            )
            loss = contrastive + config.cdcr_weight * cdcr
        return {"loss": loss, "contrastive": contrastive, "cdcr": cdcr}

    @property
    def _cdcr_kind(self) -> Cdcr:
        if self.config.interaction == "dp":
            return "random"  # of the one vector of each side; nothing is matched the other way too
        # Where all tokens weigh alike, the authors average over all of the batch.
        alike = self.config.interaction == "ti" and self.config.cdcr == "weighted"
        return "matched" if alike else self.config.cdcr

    @property
    def scores_by_vectors(self) -> bool:
        """Whether vectors score; else they only find candidates, and the interaction ranks them."""
        return self.config.interaction == "dp"

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the weighted mean of the words: T x C, unit length."""
        return _weighted_mean(texts["token_embeds"], texts["token_weights"])

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the weighted mean of the frames: V x C, unit length."""
        return _weighted_mean(videos["frame_embeds"], videos["frame_weights"])


def _weights(
    network: TokenWeights | None, embeds: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Weigh tokens, N x K; all alike without a network."""
    if network is not None:
        weights: torch.Tensor = network(embeds, mask)
        return weights
    shares = mask.to(embeds.dtype)
    return shares / shares.sum(dim=1, keepdim=True)


def _weighted_mean(embeds: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return functional.normalize(torch.einsum("nkc,nk->nc", embeds, weights), dim=-1)
