"""Recognition of the architecture of CLIP weights by the shapes of their tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from baselines.weights.backbone_spec import TINY, architecture_config
from baselines.weights.tiny import TINY_CONFIG

_NAMED: Final = ("ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336")
"""The vision transformers published by OpenAI; other architectures must be named by the user."""


@dataclass(frozen=True)
class ClipShapes:
    """Sizes of a CLIP with a vision transformer.

    Attributes:
        embed_dim: C.
        image_size: Side of the input image, in pixels.
        patch_size: Side of a patch, in pixels.
        vision_width: Width of the image tower.
        vision_layers: Number of layers of the image tower.
        text_width: Width of the text tower.
        text_layers: Number of layers of the text tower.
    """

    embed_dim: int
    image_size: int
    patch_size: int
    vision_width: int
    vision_layers: int
    text_width: int
    text_layers: int

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor]) -> "ClipShapes | None":
        """Infer sizes from tensors with OpenAI's names; None without a vision transformer."""
        try:
            width, _, patch, _ = tensors["visual.conv1.weight"].shape
            num_positions = len(tensors["visual.positional_embedding"])
            text_width, embed_dim = tensors["text_projection"].shape
        except (KeyError, ValueError):
            return None
        return cls(
            embed_dim=embed_dim,
            image_size=round((num_positions - 1) ** 0.5) * patch,
            patch_size=patch,
            vision_width=width,
            vision_layers=count_layers(tensors, "visual.transformer.resblocks."),
            text_width=text_width,
            text_layers=count_layers(tensors, "transformer.resblocks."),
        )

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> "ClipShapes":
        """Read sizes from open_clip's configuration of a vision transformer."""
        vision, text = config["vision_cfg"], config["text_cfg"]
        return cls(
            embed_dim=config["embed_dim"],
            image_size=vision["image_size"],
            patch_size=vision["patch_size"],
            vision_width=vision["width"],
            vision_layers=vision["layers"],
            text_width=text["width"],
            text_layers=text["layers"],
        )


def find_architecture(shapes: ClipShapes) -> str | None:
    """Return the architecture with these sizes, of OpenAI's and ``tiny``; None without a match.

    Example:
        >>> find_architecture(ClipShapes(512, 224, 16, 768, 12, 512, 12))
        'ViT-B-16'
    """
    for name in _NAMED:
        if ClipShapes.of_config(architecture_config(name)) == shapes:
            return name
    return TINY if ClipShapes.of_config(TINY_CONFIG) == shapes else None


def count_layers(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    """Count the different layer numbers after ``prefix`` in the names of tensors."""
    return len(
        {name.removeprefix(prefix).split(".")[0] for name in tensors if name.startswith(prefix)}
    )
