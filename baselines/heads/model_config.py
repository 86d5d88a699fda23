"""What every model of ours is configured by, checked when it is made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from dvtr_bench.errors import ConfigError


@dataclass(frozen=True)
class VideoTextConfig:
    """Configuration that all models share; each model's ``Config`` adds its own fields.

    Attributes:
        backbone: Such as ``ViT-B-32/openai``, ``ViT-B-32/PATH``, ``tiny`` or ``tiny-scratch``.
        max_frames: Frames of a video, at most.
        max_words: Tokens of a caption, at most, start and end included.

    Raises:
        ConfigError: A value out of range.
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
        """Make a configuration from a checkpoint's JSON.

        Args:
            values: Field values by name.

        Returns:
            The configuration.

        Raises:
            ConfigError: A field that this model does not have.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        return cls(**values)

    def as_mapping(self) -> dict[str, Any]:
        """Return all fields, as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class TemporalConfig(VideoTextConfig):
    """Configuration of the models with a transformer over frames.

    Attributes:
        temporal_layers: Its layers.

    Raises:
        ConfigError: No layers.
    """

    temporal_layers: int = 4

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        require_at_least("temporal_layers", self.temporal_layers, 1)


def require_at_least(name: str, value: int, least: int) -> None:
    """Raise ConfigError for a whole number below ``least``."""
    if value < least:
        raise ConfigError(f"{name} must be at least {least}, found {value}")
