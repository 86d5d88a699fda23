"""Configurations shared by the models, checked when they are created."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, Self, get_args

from baselines.encoder.preprocessing import trained_fit
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import whole_config
from dvtr_bench.settings import require_kinds
from dvtr_bench.video.model_view import FrameChoice, FrameFit, FrameOrder

LinearPatch = Literal["2d", "3d"]
"""Whether patches span single frames, or each frame with its neighbours in time."""

_MOST: Final = 10_000
"""Of frames, words, layers and the like: memory is taken by them, and no model is near it."""


@dataclass(frozen=True)
class VideoTextConfig:
    """Configuration shared by all models; each model's ``Config`` adds its own fields.

    Attributes:
        backbone: Name such as ``ViT-B-32/openai``, ``ViT-B-32/PATH``, ``tiny`` or ``tiny-scratch``.
        max_frames: Most frames of a video.
        max_words: Most tokens of a caption, including start and end.
        frame_fit: How a frame becomes the backbone's square: ``center_crop`` cuts out the middle,
            as CLIP does (56% of a 16:9 picture); ``squash`` presses the whole frame into it;
            ``letterbox`` puts black bars beside the whole frame. None is what the backbone's
            weights were trained with; results state which that is.
        frame_choice: Which frames are taken of a video that has more than ``max_frames``: evenly
            spaced ones, the first or the last.
        frame_order: The order in which frames are given: as in time, backwards, or at random (the
            same for a video in every batch and run).
        linear_patch: What the patches of a vision transformer span: ``2d`` one frame, ``3d`` the
            frames before and after it too (CLIP4Clip's). Both begin as the same model.

    Raises:
        ConfigError: A value is out of range.
    """

    backbone: str = "ViT-B-32/openai"
    max_frames: int = 12
    max_words: int = 32
    frame_fit: FrameFit | None = None
    frame_choice: FrameChoice = "uniform"
    frame_order: FrameOrder = "forward"
    linear_patch: LinearPatch = "2d"

    def __post_init__(self) -> None:
        """Check every field."""
        require_at_least("max_frames", self.max_frames, 1)
        require_at_least("max_words", self.max_words, 3)
        if self.frame_fit is not None:
            require_one_of("frame_fit", self.frame_fit, FrameFit)
        require_one_of("frame_choice", self.frame_choice, FrameChoice)
        require_one_of("frame_order", self.frame_order, FrameOrder)
        require_one_of("linear_patch", self.linear_patch, LinearPatch)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Create a configuration from a checkpoint's JSON.

        Args:
            values: Field values by name. Settings that are newer than the checkpoint mean what was
                done before (`dvtr_bench.models.entry`).

        Returns:
            The configuration.

        Raises:
            ConfigError: The model has no such field, or a value is of another type or out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        require_kinds(cls, values)
        return cls(**whole_config(values, known))

    def with_fit(self, frame_fit: FrameFit) -> Self:
        """Return the configuration with ``frame_fit`` as it is used, given that of the backbone."""
        return self if self.frame_fit is not None else replace(self, frame_fit=frame_fit)

    def as_used(self) -> Self:
        """Return the configuration as results state it: no setting is left to the backbone."""
        return self.with_fit(trained_fit(self.backbone))

    def as_mapping(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class TemporalConfig(VideoTextConfig):
    """Configuration of the models with a transformer over frames.

    Attributes:
        temporal_layers: Number of layers of that transformer.

    Raises:
        ConfigError: The number of layers is below 1.
    """

    temporal_layers: int = 4

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        require_at_least("temporal_layers", self.temporal_layers, 1)


def require_one_of(name: str, value: object, choices: Any) -> None:
    """Raise ConfigError for a value that is not among those of a Literal."""
    allowed = get_args(choices)
    if value not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(allowed)}, found {value!r}")


def require_at_least(name: str, value: int, minimum: int, most: int = _MOST) -> None:
    """Raise ConfigError for a value below ``minimum`` or above ``most``."""
    if value < minimum:
        raise ConfigError(f"{name} must be at least {minimum}, found {value}")
    if value > most:
        raise ConfigError(f"{name} must be at most {most:,}, found {value:.6g}")
