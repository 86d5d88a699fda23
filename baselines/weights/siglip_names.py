"""Conversion of SigLIP weights of Hugging Face's transformers to the names of open_clip."""

from collections.abc import Mapping
from typing import Final

import torch

MARK: Final = "vision_model.head.probe"
"""A name that only a SigLIP of transformers has."""

POSITION_NUMBERS: Final = (
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)

_OUTSIDE: Final = {
    "logit_scale": "logit_scale",
    "logit_bias": "logit_bias",
    "text_model.embeddings.token_embedding.weight": "text.token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "text.positional_embedding",
    "text_model.final_layer_norm.weight": "text.ln_final.weight",
    "text_model.final_layer_norm.bias": "text.ln_final.bias",
    "text_model.head.weight": "text.text_projection.weight",
    "text_model.head.bias": "text.text_projection.bias",
    "vision_model.embeddings.patch_embedding.weight": "visual.trunk.patch_embed.proj.weight",
    "vision_model.embeddings.patch_embedding.bias": "visual.trunk.patch_embed.proj.bias",
    "vision_model.embeddings.position_embedding.weight": "visual.trunk.pos_embed",
    "vision_model.post_layernorm.weight": "visual.trunk.norm.weight",
    "vision_model.post_layernorm.bias": "visual.trunk.norm.bias",
    "vision_model.head.probe": "visual.trunk.attn_pool.latent",
    "vision_model.head.layernorm.weight": "visual.trunk.attn_pool.norm.weight",
    "vision_model.head.layernorm.bias": "visual.trunk.attn_pool.norm.bias",
    "vision_model.head.attention.out_proj.weight": "visual.trunk.attn_pool.proj.weight",
    "vision_model.head.attention.out_proj.bias": "visual.trunk.attn_pool.proj.bias",
    "vision_model.head.mlp.fc1.weight": "visual.trunk.attn_pool.mlp.fc1.weight",
    "vision_model.head.mlp.fc1.bias": "visual.trunk.attn_pool.mlp.fc1.bias",
    "vision_model.head.mlp.fc2.weight": "visual.trunk.attn_pool.mlp.fc2.weight",
    "vision_model.head.mlp.fc2.bias": "visual.trunk.attn_pool.mlp.fc2.bias",
}

_POOLING: Final = "vision_model.head.attention.in_proj_"
"""What is one tensor in transformers is the query's and that of keys and values in timm."""

_STACKS: Final = {
    "text_model.encoder.layers.": (
        "text.transformer.resblocks.",
        {
            "layer_norm1": "ln_1",
            "layer_norm2": "ln_2",
            "self_attn.out_proj": "attn.out_proj",
            "mlp.fc1": "mlp.c_fc",
            "mlp.fc2": "mlp.c_proj",
        },
        "attn.in_proj_",
    ),
    "vision_model.encoder.layers.": (
        "visual.trunk.blocks.",
        {
            "layer_norm1": "norm1",
            "layer_norm2": "norm2",
            "self_attn.out_proj": "attn.proj",
            "mlp.fc1": "mlp.fc1",
            "mlp.fc2": "mlp.fc2",
        },
        "attn.qkv.",
    ),
}

_PACKED: Final = ("q", "k", "v")


def open_clip_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convert the tensors of a SigLIP of transformers.

    Args:
        tensors: Tensors by their names in transformers.

    Returns:
        Tensors by the names of open_clip's ``ViT-*-SigLIP*``. Those without one keep their names.

    Source: transformers ``SiglipModel``; timm's ``vit_*_siglip_*`` and open_clip's text tower,
        which compute the same.
    """
    converted: dict[str, torch.Tensor] = {}
    packed: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(_POOLING):
            kind, width = name.removeprefix(_POOLING), len(value) // 3
            converted[f"visual.trunk.attn_pool.q.{kind}"] = value[:width]
            converted[f"visual.trunk.attn_pool.kv.{kind}"] = value[width:]
        elif name == "vision_model.embeddings.position_embedding.weight":
            converted[_OUTSIDE[name]] = value[None]
        elif name in _OUTSIDE:
            converted[_OUTSIDE[name]] = value
        elif place := _place_in_block(name):
            new_name, part = place
            if part:
                packed.setdefault(new_name, {})[part] = value
            else:
                converted[new_name] = value
        elif name not in POSITION_NUMBERS:
            converted[name] = value
    for new_name, parts in packed.items():
        converted[new_name] = torch.cat([parts[letter] for letter in _PACKED if letter in parts])
    return converted


def _place_in_block(name: str) -> tuple[str, str] | None:
    """Return the new name of a tensor of a block, and which projection it is of a packed one."""
    for prefix, (new_prefix, parts, packed) in _STACKS.items():
        layer, dot, rest = name.removeprefix(prefix).partition(".")
        if not name.startswith(prefix) or not dot:
            continue
        part, _, kind = rest.rpartition(".")
        if part in parts:
            return f"{new_prefix}{layer}.{parts[part]}.{kind}", ""
        if part in {f"self_attn.{letter}_proj" for letter in _PACKED}:
            return f"{new_prefix}{layer}.{packed}{kind}", part.removeprefix("self_attn.")[0]
    return None
