"""MSAM: fusion pooling over a block of texts, and multi-semantic adaptive learning.

Source: arXiv 2510.15470 and the authors' code (huangjh98/ASLVT). differs: padded frames are masked
    in the pooling and the semantic branch, and padded words in that branch (with
    ``padding=release`` they are included, as released); the block of texts is an argument; weight
    decay excludes norms and the logit scale. docs/reference/fidelity.md lists all differences and
    their size.

Regions. The abstract mentions semantics "from specific scene regions" and matching "in target
regions", but the published steps attend over and pool whole frames. With ``regions`` set to
``grid`` or ``learned``, R region vectors replace each frame in the head, so that a sequence of F
frames becomes one of F x R regions: the semantic branch attends over them (its maps are over frames
and patches), and pooling weighs each of them by text. A region is a mean of CLIP's projected patch
tokens. The temporal encoder works on whole frames, as published, and its output for a frame is
added to each of its regions before pooling, because CLIP did not train patch tokens to match texts.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self, get_args

import numpy as np
import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.model_config import VideoTextConfig, require_at_least
from baselines.heads.padding import masked_mean, padded_words, spread_over_frames
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.video_text_model import VideoTextModel, as_float32, full_precision
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Features, Scoring, Side
from msam.pooling import (
    OUTPUT_SCALE,
    FusionGate,
    attention_similarity,
    bank_frame_weights,
    fusion_similarity,
)
from msam.regions import GridMeans, LearnedSlots, patch_grid
from msam.scoring import SCORING_ONLY, score_otherwise
from msam.semantics import SemanticBranch, distribution_loss, diversity_loss

SCORING: Final[Scoring] = "query_block"
TRAINABLE: Final = True

__all__ = ["SCORING", "SCORING_ONLY", "TRAINABLE", "Config", "Model"]

ALL_TEXTS: Final = 2**31 - 1
"""The block size for ``text_block="all"``: larger than any query set."""

DIVERSITY_WEIGHT: Final = 0.01

Pooling = Literal["mean", "max", "attention", "fusion"]
Regions = Literal["frame", "grid", "learned"]
TextBlock = int | Literal["all", "text_bank"]
Padding = Literal["masked", "release"]


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of MSAM; each ablation of the paper is one field.

    Attributes:
        temporal_layers: Layers of the temporal encoder.
        pooling: ``fusion`` as published; ``attention`` is only its text-conditioned part; ``mean``
            and ``max`` (over frames, by channel) ignore the text. All keep the output scale of 0.4,
            so that only the pooling differs.
        text_block: Texts of one block when scoring: a number, ``all`` queries, or ``text_bank``, a
            fixed bank of training captions instead of a block. In training the batch is the block.
            Only used by fusion pooling.
        bank_size: Captions in the bank.
        semantics: Whether there is a semantic branch (training only).
        num_semantics: Number of semantics, K in the paper.
        kl_loss: Whether to use the distribution loss, L_kl.
        diversity_loss: Whether to use the diversity loss, L_div.
        regions: The parts of a video: whole frames as published; a fixed ``grid`` of region means
            over the patches of each frame; or ``learned`` slots over them.
        grid_size: Cells along each side of a frame; only for ``grid``.
        num_slots: Slots of a frame; only for ``learned``.
        padding: ``masked`` ignores padding. ``release`` does as the authors' code: videos with
            fewer than ``max_frames`` frames are filled with blank frames, which CLIP encodes and
            which attention and fusion pooling weigh like others; the semantic branch attends over
            them and over the padding after a caption. The temporal encoder, the mean given to the
            branch, and mean and max pooling ignore them in both cases.

    Raises:
        ConfigError: A value out of range, or settings that contradict each other.
    """

    temporal_layers: int = 4
    pooling: Pooling = "fusion"
    text_block: TextBlock = 32
    bank_size: int = 32
    semantics: bool = True
    num_semantics: int = 7
    kl_loss: bool = True
    diversity_loss: bool = True
    regions: Regions = "frame"
    grid_size: int = 2
    num_slots: int = 4
    padding: Padding = "masked"

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        for name in ("temporal_layers", "bank_size", "num_semantics", "grid_size", "num_slots"):
            require_at_least(name, getattr(self, name), 1)
        for name, choices in (("pooling", Pooling), ("regions", Regions), ("padding", Padding)):
            allowed, value = get_args(choices), getattr(self, name)
            if value not in allowed:
                raise ConfigError(f"{name} must be one of {', '.join(allowed)}, found {value!r}")
        if isinstance(self.text_block, str):
            if self.text_block not in ("all", "text_bank"):
                raise ConfigError(
                    "text_block must be a number of texts, all or text_bank, "
                    f"found {self.text_block!r}"
                )
        else:
            require_at_least("text_block", self.text_block, 1, ALL_TEXTS)
        for name, usual in (("regions", "frame"), ("linear_patch", "2d")):
            if self.padding == "release" and (value := getattr(self, name)) != usual:
                raise ConfigError(
                    "padding=release is what the authors' code does with whole frames, and "
                    f"{name} is {value}: set {name}={usual} or padding=masked"
                )
        if self.semantics and not (self.kl_loss or self.diversity_loss):
            raise ConfigError(
                "with kl_loss and diversity_loss both off nothing trains the semantic branch: "
                "set semantics=false instead"
            )


class Model(VideoTextModel):
    """MSAM.

    Attributes:
        temporal: The seqTransf encoder over frames.
        gate: The gate of fusion pooling; None with another pooling.
        branch: The semantic branch; None with ``semantics`` off.
        regions: Makes regions from patches; None for whole frames.
    """

    name = "msam"
    config_class = Config
    config: Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Build the parts that the configuration enables."""
        super().__init__(config, encoder)
        width = self.encoder.embed_dim
        self.temporal = TemporalEncoder.from_text_tower(self.encoder, config.temporal_layers)
        self.gate = FusionGate(width) if config.pooling == "fusion" else None
        self.branch = SemanticBranch(width, config.num_semantics) if config.semantics else None
        self.regions: GridMeans | LearnedSlots | None = None
        if config.regions == "grid":
            self.regions = GridMeans(config.grid_size, *patch_grid(self.encoder))
        elif config.regions == "learned":
            patch_grid(self.encoder)  # raises for a backbone without patches
            self.regions = LearnedSlots(width, config.num_slots)
        self.bank_tokens: torch.Tensor | None
        bank = torch.zeros(config.bank_size, self.encoder.row_length(config.max_words)).long()
        self.register_buffer("bank_tokens", bank if self._uses_bank else None)

    @property
    def scoring(self) -> Scoring:
        """``query_block`` for fusion pooling over a block of the queries, else ``pairwise``."""
        return "query_block" if self.gate is not None and not self._uses_bank else "pairwise"

    @property
    def text_block(self) -> int:
        """Texts scored together; 1 if the score does not depend on other queries."""
        block = self.config.text_block
        if self.scoring == "pairwise":
            return 1
        return block if isinstance(block, int) else ALL_TEXTS

    def at_block(self, text_block: int) -> Self:
        """Return the same model, weights shared, scoring blocks of ``text_block`` texts.

        Raises:
            ConfigError: The scores of this model do not depend on a block.
        """
        if self.scoring == "pairwise":
            raise ConfigError(
                "this MSAM scores each pair by itself (its pooling or its text bank needs no "
                "block of queries): there is no block to set"
            )
        other = copy.copy(self)
        other.config = replace(self.config, text_block=text_block)
        return other

    def with_scoring(
        self, settings: Mapping[str, Any], training_captions: Sequence[str]
    ) -> "Model":
        """Return a model with the same weights and other settings of `SCORING_ONLY`."""
        return score_otherwise(self, settings, training_captions)

    def see_training_captions(self, captions: Sequence[str]) -> None:
        """Choose the text bank, evenly spaced over the training captions.

        Args:
            captions: All training captions, in file order.

        Raises:
            ConfigError: There are fewer captions than the bank size.
        """
        if self.bank_tokens is None:
            return
        if len(captions) < self.config.bank_size:
            raise ConfigError(
                f"bank_size is {self.config.bank_size}, but there are only {len(captions)} "
                "training captions: set it lower"
            )
        indices = np.linspace(0, len(captions) - 1, num=self.config.bank_size, dtype=int)
        self.bank_tokens.copy_(self.tokenize([captions[index] for index in indices]))

    def feature_key(self, side: Side) -> dict[str, Any]:
        """Return what the backbone's features depend on, with regions and padding of videos."""
        key = super().feature_key(side)
        if self.config.padding == "release" and (side == "videos" or self.branch is not None):
            key["padding"] = self.config.padding
        if side == "videos" and self.regions is not None:
            key["regions"] = self.config.grid_size if self.config.regions == "grid" else "all"
        return key

    def encode_frames(self, prepared: Features) -> Features:
        """Encode preprocessed frames and, with regions, their patches.

        Args:
            prepared: The output of `preprocess`, on any device.

        Returns:
            ``frame_embeds`` and ``frame_mask``; with regions also ``region_tokens``, V x F x N x C:
            the cells of a grid (N = R), or every patch for learned slots (N = P, so 49 times the
            memory of the frames with ViT-B-32). With ``padding=release`` padding is a blank frame.
        """
        if self.regions is None:
            frames = super().encode_frames(prepared)
            frame_exists = frames["frame_mask"][..., None]
            if self.config.padding == "masked" or frame_exists.all():
                return frames
            embeds = torch.where(frame_exists, frames["frame_embeds"], self.encoder.encode_blank())
            return {**frames, "frame_embeds": embeds}
        pixels, video_index, mask = self.frames_there(prepared)
        embeds, patches = self.encoder.encode_patches(pixels, video_index)
        tokens = spread_over_frames(self.regions.kept(patches), mask)
        frame_embeds = spread_over_frames(embeds, mask)
        return {"frame_embeds": frame_embeds, "region_tokens": tokens, "frame_mask": mask}

    def attended(self, mask: torch.Tensor) -> torch.Tensor:
        """Return the attention mask, which includes padding with ``padding=release``."""
        return mask if self.config.padding == "masked" else torch.ones_like(mask)

    def sequence(self, frames: Features) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sequence for the semantic branch, before the temporal encoder.

        Args:
            frames: The output of `encode_frames`.

        Returns:
            V x L x C, not normalised, and its mask (bool, V x L). L is F, or F x R with regions,
            those of the first frame in front.

        Raises:
            ConfigError: The model uses regions, but the frames were encoded without them.
        """
        mask = self.attended(frames["frame_mask"])
        if self.regions is None:
            return frames["frame_embeds"], mask
        if "region_tokens" not in frames:
            raise ConfigError(
                f"regions={self.config.regions} needs frames that were encoded with their patches, "
                "but these were encoded by a model that takes whole frames: encode them again"
            )
        regions = self.regions(frames["region_tokens"])
        return regions.flatten(1, 2), mask.repeat_interleave(self.regions.count, dim=1)

    def video_features(self, frames: Features) -> Features:
        """Encode frames in time.

        Args:
            frames: The output of `encode_frames`.

        Returns:
            ``frame_embeds``, V x L x C, unit length, and ``frame_mask``, V x L; L as in `sequence`.
        """
        temporal = self.temporal(frames["frame_embeds"], frames["frame_mask"])
        mask = frames["frame_mask"]
        if self.regions is not None:
            regions, mask = self.sequence(frames)
            temporal = regions + temporal.repeat_interleave(self.regions.count, dim=1)
        return {"frame_embeds": functional.normalize(temporal, dim=-1), "frame_mask": mask}

    @torch.no_grad()
    def encode_prepared(self, frames: Features) -> Features:
        """Add the frame weights of the text bank, if there is one: ``bank_weights``, V x L."""
        features = dict(super().encode_prepared(frames))
        if self.bank_tokens is not None:
            if not self.bank_tokens.any():
                raise ConfigError("the text bank is empty: it is chosen when training begins")
            self.encoder.require_tokens(self.bank_tokens)
            with self._evaluating():
                bank, _, _ = self.encoder.encode_text(self.bank_tokens)
            features["bank_weights"] = bank_frame_weights(
                functional.normalize(bank, dim=-1),
                features["frame_embeds"],
                self.attended(features["frame_mask"]),
            )
        return features

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts, cut into blocks of ``text_block``, against videos: T x V."""
        return self._similarity(text_embeds, videos, self.text_block)

    def contrastive_loss(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return the contrastive loss; the batch is the block of texts."""
        similarity = self._similarity(text_embeds, videos, len(text_embeds))
        return symmetric_info_nce(self.encoder.logit_scale.exp() * similarity)

    def encode_tokens(self, tokens: torch.Tensor) -> Features:
        """Add the projected words to ``text_embeds`` if the semantic branch uses them."""
        if self.branch is None:
            return super().encode_tokens(tokens)
        includes_padding = self.config.padding == "release"
        embeds, words, mask = self.encoder.encode_text(tokens, whole=includes_padding)
        return {"text_embeds": embeds, **padded_words(words, mask, self.config.max_words)}

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return ``loss`` and its parts: ``contrastive``, ``kl`` and ``diversity``."""
        videos = self.video_features(frames)
        with full_precision(self.device):
            text_embeds = functional.normalize(texts["text_embeds"].float(), dim=-1)
            videos = as_float32(videos)
            parts = {"contrastive": self.contrastive_loss(text_embeds, videos)}
            if self.branch is None:
                return {"loss": parts["contrastive"], **parts}
            pooled = self.video_vectors(videos)
            sequence, mask = self.sequence(frames)
            raw_frames = functional.normalize(sequence.float(), dim=-1)
            words = functional.normalize(texts["token_embeds"].float(), dim=-1)
            video_semantics = self.branch.of_videos(pooled, raw_frames, mask)
            text_semantics = self.branch.of_texts(
                text_embeds, words, self.attended(texts["token_mask"])
            )
            loss = parts["contrastive"]
            if self.config.kl_loss:
                parts["kl"] = distribution_loss(video_semantics, text_semantics)
                loss = loss + parts["kl"]
            if self.config.diversity_loss:
                diversity = diversity_loss(video_semantics) + diversity_loss(text_semantics)
                parts["diversity"] = diversity / 2
                loss = loss + DIVERSITY_WEIGHT * parts["diversity"]
        return {"loss": loss, **parts}

    @property
    def scores_by_vectors(self) -> bool:
        """False: vectors propose candidates, the pooling ranks them."""
        return False

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the text embeddings: T x C, unit length."""
        return texts["text_embeds"]

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the mean of the existing frames: V x C, unit length."""
        mean = masked_mean(videos["frame_embeds"], videos["frame_mask"])
        return functional.normalize(mean, dim=-1)

    @property
    def _uses_bank(self) -> bool:
        return self.config.pooling == "fusion" and self.config.text_block == "text_bank"

    def _similarity(
        self, text_embeds: torch.Tensor, videos: Features, text_block: int
    ) -> torch.Tensor:
        frame_embeds, mask = videos["frame_embeds"], videos["frame_mask"]
        if self.gate is not None:
            return fusion_similarity(
                text_embeds,
                frame_embeds,
                self.attended(mask),
                self.gate,
                text_block=text_block,
                bank_weights=videos.get("bank_weights"),
            )
        if self.config.pooling == "attention":
            return attention_similarity(text_embeds, frame_embeds, self.attended(mask))
        if self.config.pooling == "mean":
            pooled = masked_mean(frame_embeds, mask)
        else:
            pooled = frame_embeds.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
        return OUTPUT_SCALE * text_embeds @ functional.normalize(pooled, dim=-1).T
