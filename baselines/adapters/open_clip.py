"""Any model of open_clip as it is: open_clip:ARCHITECTURE/TAG, ARCHITECTURE/PATH or a folder.

Texts go through the model's own tokenizer, images through its own preprocessing. The vectors of the
frames are made unit length and averaged, as clip_zeroshot does.

Source: open_clip 3 ``create_model_and_transforms`` and ``get_tokenizer``, whose vectors it gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from baselines.encoder.loading import load_backbone
from baselines.encoder.open_clip_encoder import OpenClipEncoder
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.embedding_model import EmbeddingConfig, EmbeddingModel
from dvtr_bench.models.retriever import Frames, Scoring

SCORING: Final[Scoring] = "pairwise"

EXAMPLES: Final = (
    "open_clip:ViT-B-16-SigLIP2/webli",
    "open_clip:PE-Core-B-16/meta",
    "open_clip:ViT-B-32/my.pt",
    "open_clip:my-folder",
)

_FEWEST_WORDS: Final = 3


@dataclass(frozen=True)
class Config(EmbeddingConfig):
    """Settings of a model of open_clip.

    Attributes:
        max_frames: Most frames that the model is given of a video, evenly spaced; none for all
            that are stored.
        dtype: Numbers that the model computes with. Scores are float32 in any case.
        max_words: Most tokens of a caption, including start and end; none for as many as the text
            tower reads.

    Raises:
        ConfigError: A value is out of range.
    """

    max_words: int | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        if self.max_words is not None and self.max_words < _FEWEST_WORDS:
            raise ConfigError(
                f"max_words must be at least {_FEWEST_WORDS} or none, found {self.max_words}"
            )


class Model(EmbeddingModel):
    """A model of open_clip, frames averaged.

    Args:
        reference: What a backbone is called, see `dvtr-bench backbones`.
        config: Its settings.

    Raises:
        NotFoundError: No such architecture, weights or tokenizer, here or to be fetched.
        WeightsError: Weights that cannot be read or do not fit.
        ConfigError: A setting that does not fit the model.
    """

    config: Config
    libraries: ClassVar[tuple[str, ...]] = (
        "open_clip_torch",
        "timm",
        "torchvision",
        "pillow",
        "transformers",
        "tokenizers",
    )

    def __init__(self, reference: str, config: Config) -> None:
        """Load the model."""
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self._loaded = load_backbone(reference)
        encoder = self._loaded.encoder
        super().__init__(f"open_clip:{encoder.origin['source']}", config)
        self.encoder = encoder.eval()
        self.max_words = encoder.context_length if config.max_words is None else config.max_words
        encoder.require_words(self.max_words)
        encoder.clip.to(config.torch_dtype)
        preprocess = self._loaded.preprocess
        self._transform: Any = image_transform_v2(
            PreprocessCfg(
                size=encoder.image_size,
                mean=preprocess.mean,
                std=preprocess.std,
                interpolation=preprocess.interpolation,
                resize_mode=preprocess.resize_mode,
                fill_color=preprocess.fill_color,
            ),
            is_train=False,
        )

    @property
    def num_parameters(self) -> int:
        """Number of parameters of both towers."""
        return sum(one.numel() for one in self.encoder.parameters())

    def to(self, device: torch.device) -> Self:
        """Move the model to a device."""
        self.encoder.to(device)
        return super().to(device)

    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Return one vector a caption: T x C."""
        tokens = self.encoder.tokenize(captions, self.max_words)
        embeds, _, _ = self.encoder.encode_text(tokens.to(self.device))
        return embeds

    def embed_videos(self, videos: Sequence[Frames]) -> torch.Tensor:
        """Return the mean of the frames' unit vectors of each video: V x C."""
        from PIL import Image

        frames = [self._transform(Image.fromarray(one)) for video in videos for one in video]
        images = torch.stack(frames).to(self.device, self.config.torch_dtype)
        embeds = functional.normalize(self.encoder.encode_images(images).float(), dim=-1)
        parts = torch.split(embeds, [len(video) for video in videos])
        return torch.stack([part.mean(dim=0) for part in parts])

    def tokens_read(self, captions: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the tokens of captions, and whether a caption has more than ``max_words``."""
        read = self.encoder.tokenize(captions, self.max_words)[:, : self.max_words]
        return read.numpy().astype(np.int64), self.encoder.longer_than(captions, self.max_words)

    def origin(self) -> Mapping[str, Any]:
        """Return where the weights come from."""
        return {
            **self.encoder.origin,
            "revision": self._loaded.revision,
            "file": self._loaded.file,
        }

    def conventions(self) -> Mapping[str, Any]:
        """Return how texts and images are prepared, and how frames become a video."""
        encoder, preprocess = self.encoder, self._loaded.preprocess
        is_other = isinstance(encoder, OpenClipEncoder)
        return {
            "frames_to_video": "mean of unit vectors",
            "image_size": encoder.image_size,
            "resize_mode": preprocess.resize_mode,
            "interpolation": preprocess.interpolation,
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "fill_color": preprocess.fill_color,
            "tokenizer": dict(encoder.tokenizer_facts),
            "context_length": encoder.context_length,
            "max_words": self.max_words,
            "quick_gelu": encoder.quick_gelu,
            "logit_bias": "left out of scores" if is_other and encoder.has_logit_bias else "none",
            "revision": self._loaded.revision,
            "file": self._loaded.file,
        }
