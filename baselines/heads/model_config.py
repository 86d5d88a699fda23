"""Configurations shared by the models, checked when they are created."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from dvtr_bench.errors import ConfigError
from dvtr_bench.settings import require_kinds

_MOST: Final = 10_000
"""Of frames, words, layers and the like: memory is taken by them, and no model is near it."""


@dataclass(frozen=True)
class VideoTextConfig:
    """Configuration shared by all models; each model's ``Config`` adds its own fields.

    Attributes:
        backbone: Name such as ``ViT-B-32/openai``, ``ViT-B-32/PATH``, ``tiny`` or ``tiny-scratch``.
        max_frames: Most frames of a video.
        max_words: Most tokens of a caption, including start and end.

    Raises:
        ConfigError: A value is out of range.
    """

    backbone: str = "ViT-B-32/openai"
    max_frames: int = 12
    max_words: int = 32

    def __post_init__(self) -> None:
        """Check every field."""
        require_at_least("max_frames", self.max_frames, 1)
        require_at_least("max_words", self.max_words, 3)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Create a configuration from a checkpoint's JSON.

        Args:
            values: Field values by name.

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
        return cls(**values)

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


def require_at_least(name: str, value: int, minimum: int, most: int = _MOST) -> None:
    """Raise ConfigError for a value below ``minimum`` or above ``most``."""
    if value < minimum:
        raise ConfigError(f"{name} must be at least {minimum}, found {value}")
    if value > most:
        raise ConfigError(f"{name} must be at most {most:,}, found {value:.6g}")
