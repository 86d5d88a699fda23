"""The base class of models that give one vector for a caption and one for a video.

Models that others made are such models: `baselines.adapters` has an adapter for each library that
they come from, and each adapter fills in this class.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, Self

import torch
from torch.nn import functional

from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Features, Frames, Scoring, Side
from dvtr_bench.runtime.environment import library_versions
from dvtr_bench.video.frame_choice import evenly_spaced

Dtype = Literal["float32", "bfloat16", "float16"]

_TORCH_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

VECTOR: Final = "vector"
"""Name of the tensor of vectors among the features of an `EmbeddingModel`."""

V2T_VECTOR: Final = "v2t_vector"
"""Name of the vectors by which v2t is ranked, where these differ from those of t2v."""

_NAMES: Final = (VECTOR, V2T_VECTOR)


@dataclass(frozen=True)
class EmbeddingConfig:
    """What can be set of every model that gives vectors.

    Attributes:
        max_frames: Most frames that the model is given of a video, evenly spaced; none for all
            that are stored.
        dtype: Numbers that the model computes with. Scores are float32 in any case.

    Raises:
        ConfigError: A value is out of range.
    """

    max_frames: int | None = 12
    dtype: Dtype = "float32"

    def __post_init__(self) -> None:
        """Check every field."""
        if self.max_frames is not None and self.max_frames < 1:
            raise ConfigError(f"max_frames must be at least 1 or none, found {self.max_frames}")
        if self.dtype not in _TORCH_DTYPES:
            raise ConfigError(
                f"dtype must be one of {', '.join(_TORCH_DTYPES)}, found {self.dtype!r}"
            )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch knows it."""
        return _TORCH_DTYPES[self.dtype]


class EmbeddingModel(ABC):
    """A model whose score is the inner product of a caption's and a video's vector.

    A subclass gives the vectors; everything that the harness asks of a model besides is here:
    scoring, the search index, the cache of features, the description in the result.

    Args:
        name: What the model is called in results.
        config: Its settings.

    Attributes:
        name: What the model is called in results.
        config: Its settings.
        device: Where it computes.
        unit_length: Whether vectors are made unit length, so that a score is a cosine.
        libraries: Names of the packages whose versions its vectors depend on, beside torch.
    """

    scoring: ClassVar[Scoring] = "pairwise"
    unit_length: bool = True
    libraries: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, config: EmbeddingConfig) -> None:
        """Store what every such model has."""
        self.name = name
        self.config = config
        self.device = torch.device("cpu")

    @abstractmethod
    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Return one vector a caption.

        Args:
            captions: T captions.

        Returns:
            Floats, T x C.
        """

    @abstractmethod
    def embed_videos(self, videos: Sequence[Frames]) -> torch.Tensor:
        """Return one vector a video.

        Args:
            videos: V videos, each the frames that were chosen by ``max_frames``, in time order:
                RGB, uint8, height x width x 3.

        Returns:
            Floats, V x C.
        """

    def embed_texts_for_v2t(self, captions: Sequence[str]) -> torch.Tensor | None:
        """Return the vectors of captions where videos are the queries; None for the same ones."""
        return None

    def embed_videos_for_v2t(self, videos: Sequence[Frames]) -> torch.Tensor | None:
        """Return the vectors of videos where these are the queries; None for the same ones."""
        return None

    @abstractmethod
    def origin(self) -> Mapping[str, Any]:
        """Return where the weights come from, as JSON values.

        Returns:
            ``source`` (a name that others can use too, never a path of this machine),
            ``weights_sha256`` (of the weights as they are in memory, or None), and what else
            identifies them, such as ``revision``.
        """

    @abstractmethod
    def conventions(self) -> Mapping[str, Any]:
        """Return what else the vectors depend on, as JSON values, for the record of a run.

        Returns:
            By name, such as ``prompt``, ``image_size``, ``frames_to_video`` (``mean``, or that of
            the model), ``max_words``.
        """

    @property
    def num_parameters(self) -> int | None:
        """Number of parameters; None where it is not known."""
        return None

    @property
    def most_frames(self) -> int | None:
        """Most frames that the model is given: ``max_frames``, or fewer if it takes fewer."""
        return self.config.max_frames

    def to(self, device: torch.device) -> Self:
        """Move the model to a device; a subclass moves its weights too."""
        self.device = torch.device(device)
        return self

    def encode_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions: ``vector``, T x C."""
        return self.head_texts(self.backbone_texts(captions))

    def encode_videos(self, videos: Sequence[Frames]) -> Features:
        """Encode videos from their stored frames: ``vector``, V x C."""
        return self.head_videos(self.backbone_videos(videos))

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Return the inner products: float32, T x V."""
        return texts[VECTOR] @ videos[VECTOR].T

    @property
    def scores_by_vectors(self) -> bool:
        """True: a score is the inner product of the two vectors."""
        return True

    @property
    def scores_each_way(self) -> bool:
        """Whether v2t has vectors of its own, such as by another prompt; True asks for these."""
        return False

    def features_for_v2t(self, features: Features) -> Features:
        """Return features whose ``vector`` is that for v2t."""
        return {VECTOR: features.get(V2T_VECTOR, features[VECTOR])}

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return one vector a text: T x C."""
        return texts[VECTOR]

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return one vector a video: V x C."""
        return videos[VECTOR]

    def feature_key(self, side: Side) -> Mapping[str, Any]:
        """Return everything that the vectors of a side depend on."""
        return {
            "embedding_model": self.name,
            "origin": dict(self.origin()),
            "config": asdict(self.config),
            "conventions": dict(self.conventions()),
            "libraries": library_versions(self.libraries),
            "device": self.device.type,
        }

    @torch.no_grad()
    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions: ``vector``, T x C, and ``v2t_vector`` where that differs."""
        again = self.embed_texts_for_v2t(captions) if self.scores_each_way else None
        return self._named(self.embed_texts(captions), again)

    @torch.no_grad()
    def backbone_videos(self, videos: Sequence[Frames]) -> Features:
        """Choose frames and encode videos: ``vector``, V x C, and ``v2t_vector``, see texts."""
        chosen = self.chosen_frames(videos)
        again = self.embed_videos_for_v2t(chosen) if self.scores_each_way else None
        return self._named(self.embed_videos(chosen), again)

    def chosen_frames(self, videos: Sequence[Frames]) -> list[Frames]:
        """Return the frames of each video that the model is given."""
        most = self.most_frames
        return [[video[index] for index in evenly_spaced(len(video), most)] for video in videos]

    def head_texts(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: features[name].to(self.device) for name in _NAMES if name in features}

    def head_videos(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: features[name].to(self.device) for name in _NAMES if name in features}

    def describe(self) -> dict[str, Any]:
        """Return the description of the model for records (JSON values)."""
        return {
            "model": self.name,
            "config": {**asdict(self.config), **self.conventions()},
            "scoring": self.scoring,
            "parameters": self.num_parameters,
            "backbone": dict(self.origin()),
        }

    def _named(self, embeds: torch.Tensor, for_v2t: torch.Tensor | None) -> Features:
        vectors = {VECTOR: self._vectors(embeds)}
        return vectors if for_v2t is None else {**vectors, V2T_VECTOR: self._vectors(for_v2t)}

    def _vectors(self, embeds: torch.Tensor) -> torch.Tensor:
        vectors = embeds.float()
        return functional.normalize(vectors, dim=-1) if self.unit_length else vectors
