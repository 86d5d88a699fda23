"""The base class of models that others made: what of them is set, moved and recorded."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, Self

import torch

from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Frames, Scoring
from dvtr_bench.video.model_view import evenly_spaced

Dtype = Literal["float32", "bfloat16", "float16"]

_TORCH_DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class SourceConfig:
    """What can be set of every model that others made.

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


class SourceModel(ABC):
    """A model that others made, before it is said how it scores.

    `dvtr_bench.models.embedding_model.EmbeddingModel` compares vectors; a model that reads a
    caption and a video together is such a model with ``encode_texts``, ``encode_videos`` and
    ``score`` of its own.

    Args:
        name: What the model is called in results.
        config: Its settings.

    Attributes:
        name: What the model is called in results.
        config: Its settings.
        device: Where it computes.
        libraries: Names of the packages whose versions its scores depend on, beside torch.
    """

    scoring: ClassVar[Scoring] = "pairwise"
    libraries: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, config: SourceConfig) -> None:
        """Store what every such model has."""
        self.name = name
        self.config = config
        self.device = torch.device("cpu")

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
        """Return what else the scores depend on, as JSON values, for the record of a run.

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

    def chosen_frames(self, videos: Sequence[Frames]) -> list[Frames]:
        """Return the frames of each video that the model is given."""
        most = self.most_frames
        return [[video[index] for index in evenly_spaced(len(video), most)] for video in videos]

    def describe(self) -> dict[str, Any]:
        """Return the description of the model for records (JSON values)."""
        return {
            "model": self.name,
            "config": {**asdict(self.config), **self.conventions()},
            "scoring": self.scoring,
            "parameters": self.num_parameters,
            "backbone": dict(self.origin()),
        }
