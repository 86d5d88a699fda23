"""The base class of models that give one vector for a caption and one for a video.

Models that others made are such models: `baselines.adapters` has an adapter for each library that
they come from, and each adapter fills in this class.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch.nn import functional

from dvtr_bench.models.retriever import Features, Frames, Side
from dvtr_bench.models.source_model import SourceConfig, SourceModel
from dvtr_bench.runtime.environment import library_versions

VECTOR: Final = "vector"
"""Name of the tensor of vectors among the features of an `EmbeddingModel`."""

V2T_VECTOR: Final = "v2t_vector"
"""Name of the vectors by which v2t is ranked, where these differ from those of t2v."""

_NAMES: Final = (VECTOR, V2T_VECTOR)


@dataclass(frozen=True)
class EmbeddingConfig(SourceConfig):
    """What can be set of every model that gives vectors."""


class EmbeddingModel(SourceModel):
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
        libraries: Names of the packages whose versions its vectors depend on, beside torch.
        unit_length: Whether vectors are made unit length, so that a score is a cosine.
    """

    unit_length: bool = True

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

    def head_texts(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: features[name].to(self.device) for name in _NAMES if name in features}

    def head_videos(self, features: Features) -> Features:
        """Return features as they are, on the model's device."""
        return {name: features[name].to(self.device) for name in _NAMES if name in features}

    def _named(self, embeds: torch.Tensor, for_v2t: torch.Tensor | None) -> Features:
        vectors = {VECTOR: self._vectors(embeds)}
        return vectors if for_v2t is None else {**vectors, V2T_VECTOR: self._vectors(for_v2t)}

    def _vectors(self, embeds: torch.Tensor) -> torch.Tensor:
        vectors = embeds.float()
        return functional.normalize(vectors, dim=-1) if self.unit_length else vectors
