"""The base class of all models: everything except the head.

A model is a frame encoder and a head. The head turns the frame embeddings of a video into features
(`video_features`) and scores them against text embeddings (`similarity`).

`MeanPoolingModel` has the head without parameters: mean pooling of normalised frame embeddings.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.loading import load_encoder, rebuild_encoder
from baselines.encoder.lowest_layers import lowest_clip_names
from baselines.encoder.patches_over_time import patches_over_time
from baselines.encoder.preprocessing import PREPROCESSING_VERSION, stack_videos
from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.model_config import VideoTextConfig
from baselines.heads.padding import masked_mean, spread_over_frames
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import without_earlier
from dvtr_bench.models.retriever import Features, Frames, Scoring, Side
from dvtr_bench.runtime.checkpoint import tensors_sha256
from dvtr_bench.video.model_view import FrameFit, Part, chosen_frames, seen_part


class VideoTextModel(nn.Module, ABC):
    """A trainable `Retriever`: a frame encoder and, in subclasses, a head.

    Args:
        config: The model's configuration.
        encoder: The backbone; None to load ``config.backbone``.

    Attributes:
        name: The model's key, the name of its module.
        config: The model's configuration.
        encoder: The backbone.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[VideoTextConfig]] = VideoTextConfig

    def __init__(self, config: VideoTextConfig, encoder: FrameEncoder | None = None) -> None:
        """Store the configuration and load the backbone; it must have max_words positions."""
        super().__init__()
        self.encoder = load_encoder(config.backbone) if encoder is None else encoder
        self.encoder.require_words(config.max_words)
        self.config = config.with_fit(self.encoder.frame_fit)
        if config.linear_patch == "3d":
            patches_over_time(self.encoder.clip.visual, self.encoder.architecture)

    @classmethod
    def rebuild(cls, description: Mapping[str, Any]) -> Self:
        """Build a model from its description; its weights must be loaded afterwards.

        Args:
            description: The result of `describe`, read from JSON.

        Returns:
            The model, without pretrained weights.

        Raises:
            NotFoundError: There is no such architecture.
            ConfigError: A part is missing, of another type or out of range.
        """
        for name in ("config", "backbone"):
            if not isinstance(description.get(name), Mapping):
                raise ConfigError(f"{name}: expected an object")
        config = cls.config_class.from_mapping(description["config"])
        return cls(config, rebuild_encoder(description["backbone"]))

    @property
    def scoring(self) -> Scoring:
        """What a score depends on."""
        return "pairwise"

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.encoder.logit_scale.device

    @abstractmethod
    def video_features(self, frames: Features) -> Features:
        """Turn frame embeddings into the features that are scored.

        Args:
            frames: ``frame_embeds`` (V x F x C, not normalised), ``frame_mask`` (bool, V x F).

        Returns:
            Named tensors with V rows.
        """

    @abstractmethod
    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts against videos.

        Args:
            text_embeds: T x C, unit length.
            videos: Features from `video_features`.

        Returns:
            T x V, before the logit scale.
        """

    def tokenize(self, captions: Sequence[str]) -> torch.Tensor:
        """Turn captions into token ids: int64, T x L, at most max_words of them not padding."""
        return self.encoder.tokenize(captions, self.config.max_words)

    def tokens_read(self, captions: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the tokens of captions, and whether a caption has more than ``max_words``."""
        read = self.tokenize(captions)[:, : self.config.max_words].numpy().astype(np.int64)
        return read, self.encoder.longer_than(captions, self.config.max_words)

    def preprocess(self, videos: Sequence[Frames]) -> Features:
        """Turn stored frames into ``pixels`` (uint8) and ``frame_mask``, on the CPU."""
        pixels, mask = stack_videos(
            videos,
            self.encoder.image_size,
            self.config.max_frames,
            fit=self.frame_fit,
            interpolation=self.encoder.interpolation,
            choice=self.config.frame_choice,
            order=self.config.frame_order,
        )
        return {"pixels": pixels, "frame_mask": mask}

    @property
    def frame_fit(self) -> FrameFit:
        """How frames are made square."""
        return self.config.frame_fit or self.encoder.frame_fit

    def part_seen(self, height: int, width: int) -> Part:
        """Return where the backbone's square lies on a frame, see `seen_part`."""
        return seen_part(height, width, self.encoder.image_size, self.frame_fit)

    def frames_seen(self, frames: Frames) -> list[int]:
        """Return the indices of the stored frames of a video that are looked at, in their order."""
        config = self.config
        return chosen_frames(frames, config.max_frames, config.frame_choice, config.frame_order)

    def encode_frames(self, prepared: Features) -> Features:
        """Encode preprocessed frames.

        Args:
            prepared: The result of `preprocess`, on any device.

        Returns:
            ``frame_embeds`` (V x F x C, 0 for padding) and ``frame_mask`` (V x F).
        """
        pixels, video_index, mask = self.frames_there(prepared)
        embeds = self.encoder.encode_frames(pixels, video_index)
        return {"frame_embeds": spread_over_frames(embeds, mask), "frame_mask": mask}

    def frames_there(self, prepared: Features) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the frames that are no padding, the video of each, and the mask, V x F."""
        mask = prepared["frame_mask"].to(self.device)
        return prepared["pixels"].to(self.device)[mask], mask.nonzero()[:, 0], mask

    def encode_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions: ``text_embeds``, T x C, unit length."""
        return self.head_texts(self.backbone_texts(captions))

    def encode_videos(self, videos: Sequence[Frames]) -> Features:
        """Encode videos from their stored frames into the features that are scored."""
        return self.head_videos(self.backbone_videos(videos))

    def feature_key(self, side: Side) -> dict[str, Any]:
        """Return everything that `backbone_texts` or `backbone_videos` depends on."""
        backbone = dict(self.encoder.describe())
        key = {name: backbone[name] for name in ("architecture", "quick_gelu", "mean", "std")}
        key["weights_sha256"] = tensors_sha256(self._tower(side))
        key["dtype"] = str(self.encoder.logit_scale.dtype).removeprefix("torch.")
        key["device"] = self.device.type
        key |= self.encoder.key_parts(side)
        if side == "texts":
            return {**key, "max_words": self.config.max_words}
        # What is as it always was is left out: features that exist already are still found.
        settings = {
            "frame_fit": self.frame_fit,
            "frame_choice": self.config.frame_choice,
            "frame_order": self.config.frame_order,
        }
        return {
            **key,
            "image_size": self.encoder.image_size,
            "max_frames": self.config.max_frames,
            "preprocessing": PREPROCESSING_VERSION,
            **without_earlier(settings),
        }

    @torch.no_grad()
    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions with the text tower: ``text_embeds``, T x C, not normalised."""
        with self._evaluating():
            embeds, _, _ = self.encoder.encode_text(self.tokenize(captions).to(self.device))
            return {"text_embeds": embeds}

    def backbone_videos(self, videos: Sequence[Frames]) -> Features:
        """Encode videos with the image tower, see `encode_frames`."""
        return self.encode_frames_eval(self.preprocess(videos))

    @torch.no_grad()
    def head_texts(self, features: Features) -> Features:
        """Normalise the result of `backbone_texts`: ``text_embeds``, T x C, unit length."""
        embeds = features["text_embeds"].to(self.device)
        return {"text_embeds": functional.normalize(embeds.float(), dim=-1)}

    def head_videos(self, features: Features) -> Features:
        """Turn what `backbone_videos` returned into what is scored."""
        return self.encode_prepared(
            {name: value.to(self.device) for name, value in features.items()}
        )

    @torch.no_grad()
    def encode_frames_eval(self, prepared: Features) -> Features:
        """Do what `encode_frames` does, without gradients and as in evaluation."""
        with self._evaluating():
            return self.encode_frames(prepared)

    @torch.no_grad()
    def encode_prepared(self, frames: Features) -> Features:
        """Turn frame embeddings into what is scored, without gradients and as in evaluation."""
        with self._evaluating():
            return self.video_features(frames)

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score every text against every video: float32, T x V, without the logit scale."""
        with self._evaluating():
            return self.similarity(texts["text_embeds"], videos).float()

    def encode_tokens(self, tokens: torch.Tensor) -> Features:
        """Encode captions with the text tower, with gradients.

        Args:
            tokens: int64, T x L.

        Returns:
            The texts for `head_loss`: ``text_embeds``, T x C, not normalised. Subclasses may return
            other tensors than `backbone_texts`; shapes of rows do not depend on the batch.
        """
        embeds, _, _ = self.encoder.encode_text(tokens)
        return {"text_embeds": embeds}

    @torch.no_grad()
    def encode_tokens_eval(self, tokens: torch.Tensor) -> Features:
        """Run `encode_tokens` without gradients and in evaluation mode."""
        with self._evaluating():
            return self.encode_tokens(tokens.to(self.device))

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return the loss of a batch of encoded captions and their videos.

        Args:
            texts: The result of `encode_tokens` for B captions.
            frames: The result of `encode_frames` for their B videos, in the same order.

        Returns:
            ``loss`` and, if it has several parts, these by name; scalars.
        """
        text_embeds = functional.normalize(texts["text_embeds"], dim=-1)
        return {"loss": self.contrastive_loss(text_embeds, self.video_features(frames))}

    def training_loss(self, tokens: torch.Tensor, frames: Features) -> dict[str, torch.Tensor]:
        """Encode captions and return their `head_loss`.

        Args:
            tokens: int64, B x L.
            frames: ``frame_embeds`` and ``frame_mask`` of the B videos, in the captions' order.

        Returns:
            ``loss`` and, if it has several parts, these by name; scalars.
        """
        return self.head_loss(self.encode_tokens(tokens), frames)

    def contrastive_loss(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return the symmetric contrastive loss of matching texts and videos, a scalar."""
        with full_precision(self.device):
            similarity = self.similarity(text_embeds.float(), as_float32(videos))
            return symmetric_info_nce(self.encoder.logit_scale.exp() * similarity)

    def backbone_parameter_names(self) -> set[str]:
        """Return the names of the parameters of the backbone."""
        return {name for name, _ in self.named_parameters() if name.startswith("encoder.")}

    def frame_parameter_names(self) -> set[str]:
        """Return the names of the parameters of the image tower."""
        return {name for name in self.backbone_parameter_names() if ".visual." in name}

    def text_parameter_names(self) -> set[str]:
        """Return the names of the parameters of the text tower, without the logit scale."""
        others = self.frame_parameter_names() | {"encoder.clip.logit_scale"}
        return self.backbone_parameter_names() - others

    def lowest_parameter_names(self, num_layers: int) -> set[str]:
        """Return the names of the lowest parameters of both towers, see `lowest_clip_names`.

        Patches that span frames are not among them: their weights of neighbours begin as 0, and
        would stay so.
        """
        names = lowest_clip_names(self.encoder.clip, self.encoder.architecture, num_layers)
        if self.config.linear_patch == "3d":
            names -= {"visual.conv1.weight"}
        return {f"encoder.clip.{name}" for name in names}

    def see_training_captions(self, captions: Sequence[str]) -> None:
        """Do nothing; models that store training captions override this."""

    def set_checkpointing(self, on: bool) -> None:
        """Switch activation checkpointing of both towers on or off: less memory, more time."""
        self.encoder.set_checkpointing(on)

    def clamp_logit_scale(self, maximum: float) -> None:
        """Limit the logarithm of the logit scale to ``maximum``."""
        with torch.no_grad():
            self.encoder.logit_scale.clamp_(max=maximum)

    def describe(self) -> dict[str, Any]:
        """Return the description of the model for records and `rebuild` (JSON values)."""
        return {
            "model": self.name,
            "config": self.config.as_mapping(),
            "scoring": self.scoring,
            "parameters": sum(parameter.numel() for parameter in self.parameters()),
            "backbone": dict(self.encoder.describe()),
        }

    def _tower(self, side: Side) -> dict[str, torch.Tensor]:
        """Return the tensors of one tower, without the logit scale."""
        return {
            name: value
            for name, value in self.encoder.clip.state_dict().items()
            if name.startswith("visual.") == (side == "videos") and name != "logit_scale"
        }

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)


def full_precision(device: torch.device) -> torch.autocast:
    """Switch autocast off: similarities are divided by small temperatures and must be precise."""
    return torch.autocast(device.type, enabled=False)


def as_float32(features: Features) -> dict[str, torch.Tensor]:
    """Return features with every floating tensor as float32."""
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in features.items()
    }


class MeanPoolingModel(VideoTextModel):
    """Scores by the cosine of the text embedding and the mean of the normalised frame embeddings.

    Source: CLIP4Clip ``_mean_pooling_for_similarity_visual`` and ``_loose_similarity``.
    """

    def video_features(self, frames: Features) -> Features:
        """Pool frames: ``video_embeds``, V x C, unit length."""
        unit = functional.normalize(frames["frame_embeds"], dim=-1)
        pooled = masked_mean(unit, frames["frame_mask"])
        return {"video_embeds": functional.normalize(pooled, dim=-1)}

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return cosines, T x V."""
        return text_embeds @ videos["video_embeds"].T

    @property
    def scores_by_vectors(self) -> bool:
        """True: a score is the inner product of the two vectors."""
        return True

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the text embeddings: T x C, unit length."""
        return texts["text_embeds"]

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the pooled frames: V x C, unit length."""
        return videos["video_embeds"]
