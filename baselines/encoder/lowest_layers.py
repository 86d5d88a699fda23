"""The lowest parameters of both towers of a CLIP, which a recipe may freeze."""

from collections.abc import Sequence
from typing import Any, Final

from torch import nn

from dvtr_bench.errors import ConfigError

_BEFORE_THE_TEXT_BLOCKS: Final = ("token_embedding.", "positional_embedding", "cls_emb")

_BEFORE_THE_VISUAL_BLOCKS: Final = (
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.conv1.",
    "visual.ln_pre.",
)

_BEFORE_THE_BLOCKS_OF_TIMM: Final = (
    "visual.trunk.patch_embed.",
    "visual.trunk.cls_token",
    "visual.trunk.reg_token",
    "visual.trunk.pos_embed",
    "visual.trunk.norm_pre.",
)


def lowest_clip_names(clip: nn.Module, architecture: str, num_layers: int) -> set[str]:
    """Return the names of the lowest parameters of both towers.

    For 0 layers these are the embeddings of words and positions, the class embedding, the first
    convolution and the norm after it. For N layers, the first N transformer blocks of both towers
    are added.

    A ResNet has three convolutions with batch norms in place of one, and stages in place of blocks.
    The authors' code supports only vision transformers. Here, with a ResNet, N = 0 freezes nothing
    of the image tower, and a larger N is refused. So it is with other image towers without blocks,
    and with text towers of transformers, of which N = 0 freezes the embeddings of words.

    Args:
        clip: A CLIP of open_clip.
        architecture: Name of its architecture, for messages.
        num_layers: N, at least 0.

    Returns:
        Names as in ``clip.named_parameters()``.

    Raises:
        ConfigError: A tower has fewer than N blocks, or the image tower has no blocks and N is
            above 0.

    Source: CLIP4Clip and ASLVT ``main_task_retrieval.py``, ``freeze_layer_num``, which freezes the
        same parameters of ViT-B-32 (the code lists the parameters that are trained).
    """
    trunk = getattr(clip.visual, "trunk", None)
    visual = _blocks(clip.visual) if trunk is None else _blocks_of_timm(trunk)
    if visual is None and num_layers > 0:
        raise ConfigError(
            f"frozen_layers is {num_layers}, but the image tower of {architecture} has no "
            "transformer blocks to count: use a ViT backbone, frozen_layers=0 or frozen_layers=none"
        )
    prefixes = [*_text_prefixes(clip, architecture, num_layers)]
    if visual is not None:
        place = "visual.transformer.resblocks." if trunk is None else "visual.trunk.blocks."
        prefixes += _BEFORE_THE_VISUAL_BLOCKS if trunk is None else _BEFORE_THE_BLOCKS_OF_TIMM
        prefixes += _first(visual, "image", place, architecture, num_layers)
    return {name for name, _ in clip.named_parameters() if name.startswith(tuple(prefixes))}


def _text_prefixes(clip: nn.Module, architecture: str, num_layers: int) -> list[str]:
    tower = getattr(clip, "text", clip)
    inside = "" if tower is clip else "text."
    if (blocks := _blocks(tower)) is None:
        if num_layers > 0:
            raise ConfigError(
                f"frozen_layers is {num_layers}, but the text tower of {architecture} is one of "
                "transformers, whose blocks are not counted: set frozen_layers=0 or "
                "frozen_layers=none"
            )
        words: Any = tower
        embedding = words.transformer.get_input_embeddings()
        return [f"{name}." for name, module in clip.named_modules() if module is embedding and name]
    first = _first(blocks, "text", f"{inside}transformer.resblocks.", architecture, num_layers)
    return [*(f"{inside}{name}" for name in _BEFORE_THE_TEXT_BLOCKS), *first]


def _blocks(tower: Any) -> Sequence[nn.Module] | None:
    return getattr(getattr(tower, "transformer", None), "resblocks", None)


def _blocks_of_timm(trunk: Any) -> Sequence[nn.Module] | None:
    """Return the blocks of a vision transformer of timm; other trunks have stages of blocks."""
    return getattr(trunk, "blocks", None) if hasattr(trunk, "num_prefix_tokens") else None


def _first(
    blocks: Sequence[nn.Module], side: str, place: str, architecture: str, num_layers: int
) -> list[str]:
    """Return the prefixes of the names of a tower's first blocks."""
    count = len(blocks)
    if num_layers > count:
        raise ConfigError(
            f"frozen_layers is {num_layers}, but the {side} tower of {architecture} has {count} "
            f"transformer blocks: set it to {count} or lower"
        )
    return [f"{place}{layer}." for layer in range(num_layers)]
