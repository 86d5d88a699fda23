"""MSAM: fusion pooling over a block of texts, and multi-semantic adaptive learning.

Source: arXiv 2510.15470 and the authors' code (huangjh98/ASLVT). differs: padded frames are masked
out of the pooling and of the semantic branch, and so are padded words of that branch (with
``padding=release`` all take part, as released); the block of texts is an argument; the weight decay
leaves out norms and the logit scale. docs/reference/fidelity.md lists what differs, with its size.

Regions. The abstract speaks of semantics "from specific scene regions" and of matching "in target
regions"; what the published steps attend over and pool are whole frames. With ``regions`` set to
``grid`` or ``learned``, R region vectors stand in place of each frame wherever the head looks at a
sequence of F frames, which becomes one of F x R regions: the semantic branch attends over them (so
that its maps lie over frames and patches), and pooling weighs each of them by text. A region is a
mean of CLIP's projected patch tokens. The temporal encoder works on whole frames, as published, and
its output for a frame is added to each region of it before pooling: a region is looked at within
its frame, since CLIP never trained patch tokens to agree with texts.
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
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.video_text_model import (
    VideoTextModel,
    as_float32,
    full_precision,
    masked_mean,
    padded_words,
    spread_over_frames,
)
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
"""The block that ``text_block="all"`` stands for: more texts than any query set has."""

DIVERSITY_WEIGHT: Final = 0.01

Pooling = Literal["mean", "max", "attention", "fusion"]
Regions = Literal["frame", "grid", "learned"]
TextBlock = int | Literal["all", "text_bank"]
Padding = Literal["masked", "release"]


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of MSAM; every ablation of the paper is one field.

    Attributes:
        temporal_layers: Layers of the temporal encoder.
        pooling: ``fusion`` as published; ``attention`` is its text-conditioned part alone;
            ``mean`` and ``max`` (over frames, by channel) look at no text. The output scale of 0.4
            stays in all of them, so that only the pooling differs.
        text_block: Texts of one block when scoring: a number, ``all`` queries, or ``text_bank``, a
            fixed bank of training captions in the block's place. Training always takes its batch
            as the block. Matters for fusion pooling alone.
        bank_size: Captions in the bank.
        semantics: Whether there is a semantic branch (training only).
        num_semantics: K.
        kl_loss: Whether L_kl counts.
        diversity_loss: Whether L_div counts.
        regions: What the head takes for the parts of a video: whole frames as published; a fixed
            ``grid`` of region means over the patches of each frame; or ``learned`` slots over them.
        grid_size: Cells along each side of a frame; matters for ``grid`` alone.
        num_slots: Slots of a frame; matters for ``learned`` alone.
        padding: ``masked`` looks at what is there alone. ``release`` does as the authors' code:
            videos short of ``max_frames`` are filled up with blank frames, which CLIP encodes and
            which attention and fusion pooling weigh like others; the semantic branch attends over
            them and over the padding behind a caption. The temporal encoder, the mean that the
            branch is given, and mean and max pooling leave them out either way.

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
            known, found = get_args(choices), getattr(self, name)
            if found not in known:
                raise ConfigError(f"{name} must be one of {', '.join(known)}, found {found!r}")
        if isinstance(self.text_block, str):
            if self.text_block not in ("all", "text_bank"):
                raise ConfigError(
                    "text_block must be a number of texts, all or text_bank, "
                    f"found {self.text_block!r}"
                )
        else:
            require_at_least("text_block", self.text_block, 1)
        if self.padding == "release" and self.regions != "frame":
            raise ConfigError(
                f"padding=release is what the authors' code does with whole frames, and regions is "
                f"{self.regions}: set regions=frame or padding=masked"
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
        regions: What makes regions out of patches; None where frames are looked at whole.
    """

    name = "msam"
    config_class = Config
    config: Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Build the parts that the configuration asks for."""
        super().__init__(config, encoder)
        width = self.encoder.embed_dim
        self.temporal = TemporalEncoder.from_text_tower(self.encoder, config.temporal_layers)
        self.gate = FusionGate(width) if config.pooling == "fusion" else None
        self.branch = SemanticBranch(width, config.num_semantics) if config.semantics else None
        self.regions: GridMeans | LearnedSlots | None = None
        if config.regions == "grid":
            self.regions = GridMeans(config.grid_size, *patch_grid(self.encoder))
        elif config.regions == "learned":
            patch_grid(self.encoder)  # tells a backbone that has none
            self.regions = LearnedSlots(width, config.num_slots)
        self.bank_tokens: torch.Tensor | None
        bank = torch.zeros(config.bank_size, config.max_words, dtype=torch.int64)
        self.register_buffer("bank_tokens", bank if self._uses_bank else None)

    @property
    def scoring(self) -> Scoring:
        """``query_block`` for fusion pooling over a block of the queries, else ``pairwise``."""
        return "query_block" if self.gate is not None and not self._uses_bank else "pairwise"

    @property
    def text_block(self) -> int:
        """Texts scored together; 1 where the score looks at no other query."""
        block = self.config.text_block
        if self.scoring == "pairwise":
            return 1
        return block if isinstance(block, int) else ALL_TEXTS

    def at_block(self, text_block: int) -> Self:
        """Return the same model, weights shared, scoring blocks of ``text_block`` texts.

        Raises:
            ConfigError: The scores of this model depend on no block.
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
        """Return a model with the same weights that scores otherwise: see `score_otherwise`."""
        return score_otherwise(self, settings, training_captions)

    def see_training_captions(self, captions: Sequence[str]) -> None:
        """Choose the text bank, evenly spaced over the training captions.

        Args:
            captions: All training captions, in file order.

        Raises:
            ConfigError: Fewer captions than the bank holds.
        """
        if self.bank_tokens is None:
            return
        if len(captions) < self.config.bank_size:
            raise ConfigError(
                f"bank_size is {self.config.bank_size}, but there are only {len(captions)} "
                "training captions: set it lower"
            )
        places = np.linspace(0, len(captions) - 1, num=self.config.bank_size, dtype=int)
        self.bank_tokens.copy_(self.tokenize([captions[place] for place in places]))

    def feature_key(self, side: Side) -> dict[str, Any]:
        """Return what the backbone's features depend on: videos' regions and padding, too."""
        key = super().feature_key(side)
        if self.config.padding == "release" and (side == "videos" or self.branch is not None):
            key["padding"] = self.config.padding
        if side == "videos" and self.regions is not None:
            key["regions"] = self.config.grid_size if self.config.regions == "grid" else "all"
        return key

    def encode_frames(self, prepared: Features) -> Features:
        """Encode preprocessed frames and, where regions are looked at, their patches.

        Args:
            prepared: What `preprocess` returned, on any device.

        Returns:
            ``frame_embeds`` and ``frame_mask``; with regions also ``region_tokens``, V x F x N x C:
            the cells of a grid (N = R), or every patch for learned slots (N = P, so 49 times the
            memory of the frames with ViT-B-32). With ``padding=release`` padding is a blank frame.
        """
        if self.regions is None:
            frames = super().encode_frames(prepared)
            there = frames["frame_mask"][..., None]
            if self.config.padding == "masked" or there.all():
                return frames
            embeds = torch.where(there, frames["frame_embeds"], self.encoder.encode_blank())
            return {**frames, "frame_embeds": embeds}
        mask = prepared["frame_mask"].to(self.device)
        embeds, patches = self.encoder.encode_patches(prepared["pixels"].to(self.device)[mask])
        tokens = spread_over_frames(self.regions.kept(patches), mask)
        frame_embeds = spread_over_frames(embeds, mask)
        return {"frame_embeds": frame_embeds, "region_tokens": tokens, "frame_mask": mask}

    def attended(self, mask: torch.Tensor) -> torch.Tensor:
        """Return which places attention may look at: those there are, or padding too."""
        return mask if self.config.padding == "masked" else torch.ones_like(mask)

    def sequence(self, frames: Features) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the semantic branch attends over, before the temporal encoder.

        Args:
            frames: What `encode_frames` returned.

        Returns:
            V x L x C, not normalised, and its mask (bool, V x L). L is F, or F x R with regions,
            those of the first frame in front.

        Raises:
            ConfigError: Regions are looked at, but the frames were encoded without them.
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
            frames: What `encode_frames` returned.

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
        """Add what the text bank sees, where there is one: ``bank_weights``, V x L."""
        features = dict(super().encode_prepared(frames))
        if self.bank_tokens is not None:
            if not self.bank_tokens.any():
                raise ConfigError("the text bank is empty: it is chosen when training begins")
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
        """Return the contrastive loss, the batch being the block of texts."""
        similarity = self._similarity(text_embeds, videos, len(text_embeds))
        return symmetric_info_nce(self.encoder.logit_scale.exp() * similarity)

    def encode_tokens(self, tokens: torch.Tensor) -> Features:
        """Add the projected words to ``text_embeds`` where the semantic branch looks at them."""
        if self.branch is None:
            return super().encode_tokens(tokens)
        whole = self.config.padding == "release"
        embeds, words, mask = self.encoder.encode_text(tokens, whole=whole)
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
                both = diversity_loss(video_semantics) + diversity_loss(text_semantics)
                parts["diversity"] = both / 2
                loss = loss + DIVERSITY_WEIGHT * parts["diversity"]
        return {"loss": loss, **parts}

    @property
    def scores_by_vectors(self) -> bool:
        """False: the vectors find candidates, the pooling ranks them."""
        return False

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the text embeddings: T x C, unit length."""
        return texts["text_embeds"]

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the mean of the frames that are there: V x C, unit length."""
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
