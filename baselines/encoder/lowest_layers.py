"""Which parameters of a CLIP both towers begin with: what a recipe freezes first."""

from collections.abc import Sequence
from typing import Any, Final

from torch import nn

from dvtr_bench.errors import ConfigError

_BEFORE_THE_TEXT_BLOCKS: Final = ("token_embedding.", "positional_embedding")

_BEFORE_THE_VISUAL_BLOCKS: Final = (
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.conv1.",
    "visual.ln_pre.",
)


def lowest_clip_names(clip: nn.Module, architecture: str, num_layers: int) -> set[str]:
    """Return the names of the parameters that both towers of a CLIP begin with.

    With 0 layers: embeddings of words and of positions, the class embedding, the first convolution
    and the norm behind it. N adds the first N transformer blocks of both towers.

    A ResNet has three convolutions with batch norms where a vision transformer has one, and stages
    in place of blocks. The authors' code knows vision transformers alone, so here a ResNet is
    trained whole with 0, beside a text tower whose lowest part stays, and refuses any other N.

    Args:
        clip: A CLIP of open_clip.
        architecture: What it is called, for messages.
        num_layers: N, 0 or more.

    Returns:
        Names as ``clip.named_parameters()`` has them.

    Raises:
        ConfigError: A tower with fewer than N blocks, or an image tower without blocks and N above
            0.

    Source: CLIP4Clip and ASLVT ``main_task_retrieval.py``, ``freeze_layer_num``: these are all that
        they freeze of ViT-B-32, given the other way round, by what stays trained.
    """
    visual = _blocks(clip.visual)
    if visual is None and num_layers > 0:
        raise ConfigError(
            f"frozen_layers is {num_layers}, but the image tower of {architecture} has no "
            "transformer blocks to count: use a ViT backbone, frozen_layers=0 or frozen_layers=none"
        )
    prefixes = [*_BEFORE_THE_TEXT_BLOCKS, *_first(clip, "text", "", architecture, num_layers)]
    if visual is not None:
        prefixes += _BEFORE_THE_VISUAL_BLOCKS
        prefixes += _first(clip.visual, "image", "visual.", architecture, num_layers)
    return {name for name, _ in clip.named_parameters() if name.startswith(tuple(prefixes))}


def _blocks(tower: Any) -> Sequence[nn.Module] | None:
    return getattr(getattr(tower, "transformer", None), "resblocks", None)


def _first(tower: Any, side: str, prefix: str, architecture: str, num_layers: int) -> list[str]:
    """Return what the names of a tower's first blocks begin with."""
    count = len(_blocks(tower) or ())
    if num_layers > count:
        raise ConfigError(
            f"frozen_layers is {num_layers}, but the {side} tower of {architecture} has {count} "
            f"transformer blocks: set it to {count} or lower"
        )
    return [f"{prefix}transformer.resblocks.{layer}." for layer in range(num_layers)]
