"""Models of Hugging Face transformers with a text tower beside an image or video tower."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from baselines.pretrained.captions import Captions
from baselines.pretrained.conditioned_texts import clip_and_patches, conditioned_cosines
from baselines.pretrained.folder import DESCRIPTIONS, fetch_folder, find_folder, require_trust
from baselines.pretrained.frames import Clips, Pictures, frame_means
from baselines.pretrained.pretrained_model import PretrainedModel
from baselines.pretrained.transformers_model import (
    PICKLED,
    WEIGHTS,
    accepted_by,
    code_of,
    frames_of,
    load_model,
    positions_of,
    text_defaults,
    vectors_of,
)
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.models.embedding_model import VECTOR, EmbeddingConfig, EmbeddingModel
from dvtr_bench.models.fixed_batches import in_fixed_batches, joined, shape_of
from dvtr_bench.models.retriever import Features, Frames

SCORING: Final = "pairwise"
EXAMPLES: Final = (
    "hf:google/siglip2-base-patch16-224",
    "hf:openai/clip-vit-base-patch32",
    "hf:microsoft/xclip-base-patch32",
    "hf:FOLDER",
)
EXTRA: Final = "hf"
NEEDS: Final = ("transformers",)

_TEXT_TOWER: Final = "get_text_features"
_IMAGE_TOWER: Final = "get_image_features"
_VIDEO_TOWER: Final = "get_video_features"
_CONDITIONED: Final = "xclip"
_UNSCALED: Final = "unscaled"
_PATCHES: Final = "patches"


@dataclass(frozen=True)
class Config(EmbeddingConfig):
    """What can be set of a model of transformers.

    Attributes:
        prompt: Text around each caption, with {} in its place, such as "a video of {}".
        max_words: Most tokens of a caption; none for as many as the text tower takes.
        batch: Captions or frames that are computed at a time, always so many: in low precision a
            vector depends on the size of its batch. Of whole videos, as many as have so many
            frames, at least one.
        attention: Implementation of attention; none for what transformers takes of itself.
        condition_texts: Of X-CLIP alone: condition each caption on the video that it is compared
            with, as the model's own score does; if not, captions and videos are compared by their
            vectors.
        trust_remote_code: Let code of the model's own repository run on this machine.

    Raises:
        ConfigError: A value is out of range.
    """

    prompt: str | None = None
    max_words: int | None = None
    batch: int = 32
    attention: Literal["eager", "sdpa"] | None = None
    condition_texts: bool = True
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        if self.prompt is not None and self.prompt.count("{}") != 1:
            raise ConfigError(
                f"prompt must have {{}} once, where the caption stands; found {self.prompt!r}"
            )
        if self.max_words is not None and self.max_words < 1:
            raise ConfigError(f"max_words must be at least 1 or none, found {self.max_words}")
        if self.batch < 1:
            raise ConfigError(f"batch must be at least 1, found {self.batch}")


class Model(PretrainedModel, EmbeddingModel):
    """A model with ``get_text_features``, and ``get_video_features`` or ``get_image_features``.

    Where it has no video tower, a video's vector is the mean of its frames' unit vectors.

    Args:
        reference: ``ORG/NAME``, ``ORG/NAME@REVISION`` or a folder.
        config: Its settings.

    Raises:
        NotFoundError: There is no such folder or repository, or transformers is not installed.
        WeightsError: It is no such model, or its weights are not complete.
        ConfigError: It runs code of its own, which was not allowed; or a setting does not fit it.
    """

    libraries = ("transformers", "tokenizers", "torchvision")

    def __init__(self, reference: str, config: Config) -> None:
        """Find and load the model."""
        patterns = [*DESCRIPTIONS, WEIGHTS, *(["*.py"] if config.trust_remote_code else [])]
        folder = find_folder("hf", reference, patterns=patterns)
        super().__init__(f"hf:{folder.name}", config)
        self.config: Config = config
        code = code_of(folder.path, self.name, EXTRA)
        require_trust(folder, "hf", code, trusted=config.trust_remote_code)
        if folder.revision is not None and not (folder.files(WEIGHTS) or folder.files(PICKLED)):
            repository, _, revision = folder.name.partition("@")
            folder = fetch_folder("hf", repository, revision or None, [*patterns, PICKLED])
        loaded = load_model(
            folder,
            "hf",
            dtype=config.torch_dtype,
            attention=config.attention,
            trust_remote_code=config.trust_remote_code,
        )
        self._attention = loaded.attention
        tower = _VIDEO_TOWER if hasattr(loaded.model, _VIDEO_TOWER) else _IMAGE_TOWER
        self.take(
            loaded.model,
            folder,
            num_frames=frames_of(loaded.model.config) if tower == _VIDEO_TOWER else None,
            processor=loaded.image_processor,
        )
        self._tower = tower
        for method in (_TEXT_TOWER, tower):
            if not hasattr(loaded.model, method):
                raise WeightsError(
                    f"{self.name}: {type(loaded.model).__name__} of transformers has no {method}, "
                    "so it gives no vectors to compare. A model made of a language model that "
                    "sees is named as st:ORG/NAME, if sentence-transformers knows it"
                )
        self._captions = Captions(
            loaded.tokenizer,
            defaults=text_defaults(loaded.processor),
            model_type=loaded.model.config.model_type,
            positions=positions_of(loaded.model.config),
            accepted=accepted_by(loaded.model.get_text_features),
            prompt=config.prompt,
            max_words=config.max_words,
            where=self.name,
        )
        accepted = accepted_by(getattr(loaded.model, tower))
        self._preprocessing = loaded.image_processor
        self._inputs: Pictures | Clips = (
            Clips(loaded.of_clip, accepted, self._num_frames, self.name)
            if tower == _VIDEO_TOWER
            else Pictures(loaded.image_processor, accepted, self.name)
        )

    @property
    def conditions_texts(self) -> bool:
        """Whether a caption's vector is conditioned on the video that it is compared with."""
        return self._model.config.model_type == _CONDITIONED and self.config.condition_texts

    @property
    def scores_by_vectors(self) -> bool:
        """Whether a score is the inner product of two vectors."""
        return not self.conditions_texts

    def conventions(self) -> Mapping[str, Any]:
        """Return how captions and frames are read, as the model's own files say."""
        tower = f"{type(self._model).__name__}.{self._tower}"
        own = {} if self._num_frames is None else {"frames_taken": self._num_frames}
        return {
            "revision": self._revision,
            "attention": self._attention,
            "max_words": self._captions.max_words,
            "padding": "to the full length" if self._captions.full_length else "to its own length",
            "lower_case": self._captions.lower_case,
            "condition_texts": self.conditions_texts,
            "frames_to_video": "mean" if self._tower == _IMAGE_TOWER else tower,
            "frame_preprocessing": type(self._preprocessing).__name__,
            "frame_fit": self._shape.frame_fit,
            "image_size": self._shape.size,
            **own,
        }

    def tokens_read(self, captions: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the tokens that the text tower reads, and which captions have more."""
        return self._captions.tokens_read(captions)

    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Return ``get_text_features`` of each caption: T x C."""
        inputs = self._captions.inputs(captions)
        return self._computed(inputs, self._by(_TEXT_TOWER), self.config.batch)

    def embed_videos(self, videos: Sequence[Frames]) -> torch.Tensor:
        """Return ``get_video_features`` of each video, or the mean of its frames' unit vectors."""
        vectors = self._computed(
            self._inputs.inputs(videos), self._by(self._tower), self._videos_at_a_time
        )
        if self._tower == _VIDEO_TOWER:
            return vectors
        return frame_means(vectors, [len(video) for video in videos])

    @torch.no_grad()
    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions: ``vector``, T x C; where they are conditioned, ``unscaled`` too."""
        vectors = self.embed_texts(captions).float()
        unit = {VECTOR: functional.normalize(vectors, dim=-1)}
        return unit | {_UNSCALED: vectors} if self.conditions_texts else unit

    @torch.no_grad()
    def backbone_videos(self, videos: Sequence[Frames]) -> Features:
        """Encode videos: ``vector``, V x C; where texts are conditioned, ``patches`` too."""
        if not self.conditions_texts:
            return super().backbone_videos(videos)
        inputs = self._inputs.inputs(self.chosen_frames(videos))
        of_clips = partial(clip_and_patches, self._model)
        found = self._computed(inputs, of_clips, self._videos_at_a_time).float()
        return {VECTOR: functional.normalize(found[:, 0], dim=-1), _PATCHES: found[:, 1:]}

    def head_texts(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: value.to(self.device) for name, value in features.items()}

    def head_videos(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: value.to(self.device) for name, value in features.items()}

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Return cosines: float32, T x V."""
        if not self.conditions_texts:
            return super().score(texts, videos)
        given = (texts[_UNSCALED], videos[VECTOR], videos[_PATCHES])
        return conditioned_cosines(self._model, *(one.to(self._model.dtype) for one in given))

    @property
    def _videos_at_a_time(self) -> int:
        """Items of a batch of frames, or of videos where the tower takes videos."""
        if self._tower == _IMAGE_TOWER:
            return self.config.batch
        return max(1, self.config.batch // (self._num_frames or self.config.max_frames or 1))

    def _by(self, method: str) -> Callable[..., torch.Tensor]:
        """Return the vectors that a method of the model gives."""

        def compute(**inputs: torch.Tensor) -> torch.Tensor:
            return vectors_of(getattr(self._model, method)(**inputs), f"{self.name}: {method}")

        return compute

    def _computed(
        self,
        items: Iterable[Mapping[str, torch.Tensor]],
        compute: Callable[..., torch.Tensor],
        at_a_time: int,
    ) -> torch.Tensor:
        """Compute items in batches of one size, on the model's device and in its dtype."""
        dtype = self._model.dtype

        def of_batch(batch: Sequence[Mapping[str, torch.Tensor]]) -> torch.Tensor:
            inputs = {
                name: value.to(self.device, dtype if value.is_floating_point() else None)
                for name, value in joined(batch).items()
            }
            return compute(**inputs)

        return in_fixed_batches(items, at_a_time, of_batch, shape_of)
