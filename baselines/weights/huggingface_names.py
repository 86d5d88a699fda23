"""Conversion of CLIP weights of Hugging Face's transformers (as in X-Pool's checkpoints)."""

from collections.abc import Mapping
from typing import Final

import torch

MARK: Final = "text_model."
"""Prefix of names that only a CLIP of transformers has."""

POSITION_NUMBERS: Final = (
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)
"""Buffers with the numbers 0, 1, 2, ..., which older versions stored among the weights."""

_STACKS: Final = {
    "vision_model.encoder.layers.": "visual.transformer.resblocks.",
    "text_model.encoder.layers.": "transformer.resblocks.",
}

_IN_BLOCK: Final = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}

_OUTSIDE: Final = {
    "logit_scale": "logit_scale",
    "text_projection.weight": "text_projection",
    "visual_projection.weight": "visual.proj",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    # Spelled like this in the library.
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}

_TRANSPOSED: Final = ("text_projection", "visual.proj")

_PACKED: Final = ("q", "k", "v")
"""The projections that OpenAI stores as one tensor, in this order."""


def openai_name(name: str) -> str | None:
    """Return OpenAI's name of a tensor of transformers; None without one.

    The three projections of an attention are packed into one tensor and share its name.

    Example:
        >>> openai_name("text_model.encoder.layers.3.self_attn.q_proj.bias")
        'transformer.resblocks.3.attn.in_proj_bias'
    """
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    for prefix, openai_prefix in _STACKS.items():
        layer, dot, rest = name.removeprefix(prefix).partition(".")
        if not name.startswith(prefix) or not dot:
            continue
        part, _, kind = rest.rpartition(".")
        if part in _IN_BLOCK:
            return f"{openai_prefix}{layer}.{_IN_BLOCK[part]}.{kind}"
        if part in {f"self_attn.{letter}_proj" for letter in _PACKED}:
            return f"{openai_prefix}{layer}.attn.in_proj_{kind}"
    return None


def openai_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convert the tensors of a CLIP of transformers to OpenAI's form.

    Args:
        tensors: Tensors by their names in transformers.

    Returns:
        Tensors by OpenAI's names, attention projections packed and the last projections transposed.
        Tensors without an `openai_name` keep their names.
    """
    converted: dict[str, torch.Tensor] = {}
    packed: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        new_name = openai_name(name)
        if new_name is None:
            converted[name] = value
        elif ".attn.in_proj_" in new_name:
            packed.setdefault(new_name, {})[name.split(".")[-2][0]] = value
        else:
            converted[new_name] = value.T if new_name in _TRANSPOSED else value
    for new_name, parts in packed.items():
        converted[new_name] = torch.cat([parts[letter] for letter in _PACKED if letter in parts])
    return converted
