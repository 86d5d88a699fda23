"""Names of backbones: ``tiny``, ``ViT-B-32/openai``, ``ViT-B-32/path/to/weights``."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import ConfigError, NotFoundError

TINY: Final = "tiny"

TINY_SCRATCH: Final = "tiny-scratch"
"""The architecture of ``tiny`` with random weights."""

TINY_WEIGHTS: Final = Path(__file__).with_name("tiny.safetensors")
"""The weights of ``tiny``, part of the package (made by `baselines.encoder.pretraining`)."""

QUICK_GELU_SUFFIX: Final = "-quickgelu"


@dataclass(frozen=True)
class BackboneSpec:
    """The parts of a backbone's name.

    Attributes:
        architecture: ``tiny`` or open_clip's name of an architecture, such as ``ViT-B-32``.
        tag: open_clip's name of pretrained weights, such as ``openai``; or None.
        path: A file of weights or a checkpoint folder of dvtr-bench; or None. ``tiny`` with neither
            tag nor path has random weights.

    Raises:
        ConfigError: An architecture other than ``tiny`` has neither tag nor path.
    """

    architecture: str
    tag: str | None = None
    path: Path | None = None

    def __post_init__(self) -> None:
        """Check that there are weights to load."""
        if self.architecture != TINY and self.tag is None and self.path is None:
            raise ConfigError(
                f"the backbone {self.architecture!r} names no weights: write "
                f"{self.architecture}/openai for OpenAI's, or {self.architecture}/PATH for a file"
            )


def parse_backbone(text: str) -> BackboneSpec:
    """Parse a backbone's name.

    The part after the first slash is a tag if open_clip knows it, otherwise a path. The path may be
    absolute: ``ViT-B-32//data/ViT-B-32.pt``.

    Args:
        text: The name.

    Returns:
        Its parts.

    Raises:
        NotFoundError: open_clip has no such architecture.
        ConfigError: The name lacks the weights.

    Example:
        >>> parse_backbone("ViT-B-32/openai").tag
        'openai'
        >>> parse_backbone("tiny").path.name
        'tiny.safetensors'
        >>> parse_backbone("tiny-scratch")
        BackboneSpec(architecture='tiny', tag=None, path=None)
    """
    name, _, weights = text.partition("/")
    if text == TINY:
        return BackboneSpec(TINY, path=TINY_WEIGHTS)
    if name == TINY_SCRATCH:
        # With weights, it is a model that a study trained from tiny-scratch.
        return BackboneSpec(TINY, path=Path(weights).expanduser() if weights else None)
    if name != TINY:
        architecture_config(name)
    if not weights:
        return BackboneSpec(name)
    if name != TINY and pretrained_config(name, weights):
        return BackboneSpec(name, tag=weights)
    return BackboneSpec(name, path=Path(weights).expanduser())


def architecture_config(name: str) -> dict[str, Any]:
    """Return open_clip's configuration of an architecture.

    Args:
        name: Name such as ``ViT-B-32``; the suffix ``-quickgelu`` selects this activation.

    Returns:
        A copy of open_clip's dict.

    Raises:
        NotFoundError: There is no such architecture.
        ConfigError: The architecture is not built like CLIP.
    """
    import open_clip

    config: dict[str, Any] | None = open_clip.get_model_config(name)
    if config is None:
        near = get_close_matches(name, open_clip.list_models(), n=3)
        hint = f"; similar names: {', '.join(near)}" if near else ""
        raise NotFoundError(
            f"open_clip has no architecture called {name!r}{hint}. "
            "Write it as in ViT-B-32/openai, or use tiny"
        )
    text = config["text_cfg"]
    if config.get("custom_text") or "multimodal_cfg" in config or "hf_model_name" in text:
        raise ConfigError(
            f"{name} is not built like CLIP (it has another kind of text tower): use a CLIP "
            "architecture such as ViT-B-32, ViT-B-16, ViT-L-14 or RN50"
        )
    return config


def has_architecture(name: str) -> bool:
    """Return whether open_clip has an architecture of that name."""
    import open_clip

    return open_clip.get_model_config(name) is not None


def pretrained_config(name: str, tag: str) -> dict[str, Any]:
    """Return open_clip's record of pretrained weights (url, Hub name, activation), or {}."""
    from open_clip.pretrained import get_pretrained_cfg

    return dict(get_pretrained_cfg(name, tag) or get_pretrained_cfg(_plain(name), tag))


def _plain(name: str) -> str:
    return name.removesuffix(QUICK_GELU_SUFFIX)
