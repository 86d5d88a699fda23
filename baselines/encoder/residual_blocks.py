"""CLIP's transformer blocks of open_clip, run with fewer passes over memory.

The numbers equal open_clip's except for rounding. Besides the matrix products:

- QuickGELU, ``x * sigmoid(1.702 x)``, is ``silu(1.702 x) / 1.702``, and both factors go into the
  matrix products on either side: one pass in place of three, two tensors kept for the way back in
  place of three.
- Queries, keys and values are read where the one projection has written them.
- Where only the class token is looked at behind the last block, that block is run for it alone:
  the other tokens give their keys and values.
"""

from typing import Any, Final

import torch
from open_clip.transformer import (
    QuickGELU,
    ResidualAttentionBlock,
    Transformer,
    VisionTransformer,
)
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_QUICK_GELU: Final = 1.702


def run_blocks(
    transformer: Transformer,
    hidden: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    *,
    first_alone: bool = False,
) -> torch.Tensor:
    """Run the blocks of a transformer of open_clip.

    Args:
        transformer: The transformer; one of other blocks than CLIP's runs as it is.
        hidden: N x L x C.
        attention_mask: L x L, or N x 1 x L x L; added to what the softmax takes.
        first_alone: Whether only the first of the L tokens is looked at afterwards.

    Returns:
        N x L x C, or N x 1 x C with ``first_alone`` where that is less work.
    """
    plain = all(type(block) is ResidualAttentionBlock for block in transformer.resblocks)
    if not plain or not transformer.batch_first:
        out: torch.Tensor = transformer(hidden, attn_mask=attention_mask)
        return out
    last = transformer.resblocks[-1]
    for block in transformer.resblocks:
        arguments = block, hidden, attention_mask, first_alone and block is last
        if transformer.grad_checkpointing:
            hidden = checkpoint(_run_block, *arguments, use_reentrant=False)
        else:
            hidden = _run_block(*arguments)
    return hidden


def encode_images(visual: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Encode images with an image tower of open_clip.

    Args:
        visual: The tower; one whose output is not its class token, projected, runs as it is.
        images: N x 3 x height x width, normalised.

    Returns:
        N x C.
    """
    embeds: torch.Tensor
    if (
        not isinstance(visual, VisionTransformer)
        or visual.pool_type != "tok"
        or visual.attn_pool is not None
        or visual.proj is None
    ):
        found = visual(images)
        # A CoCa's tower gives its tokens too.
        embeds = found[0] if isinstance(found, tuple) else found
        return embeds
    hidden = run_blocks(visual.transformer, visual._embeds(images), first_alone=True)
    embeds = visual.ln_post(hidden[:, 0]) @ visual.proj
    return embeds


def _run_block(
    block: Any, hidden: torch.Tensor, attention_mask: torch.Tensor | None, first_alone: bool
) -> torch.Tensor:
    normed = block.ln_1(hidden)
    if first_alone:
        hidden = hidden[:, :1]
    hidden = hidden + block.ls_1(_attend(block.attn, normed, attention_mask, first_alone))
    out: torch.Tensor = hidden + block.ls_2(_run_mlp(block.mlp, block.ln_2(hidden)))
    return out


def _attend(
    attention: nn.MultiheadAttention,
    normed: torch.Tensor,
    attention_mask: torch.Tensor | None,
    first_alone: bool,
) -> torch.Tensor:
    heads, width = attention.num_heads, attention.embed_dim
    weight, bias = attention.in_proj_weight, attention.in_proj_bias

    def project(tokens: torch.Tensor, first: int, last: int) -> list[torch.Tensor]:
        rows = slice(first * width, last * width)
        projected = functional.linear(tokens, weight[rows], bias[rows])
        # N x L x parts x heads x D, of which each part is N x heads x L x D.
        split = projected.view(*tokens.shape[:-1], last - first, heads, width // heads)
        return [part.transpose(1, 2) for part in split.unbind(dim=2)]

    if first_alone:
        queries, keys, values = *project(normed[:, :1], 0, 1), *project(normed, 1, 3)
    else:
        queries, keys, values = project(normed, 0, 3)
    if attention_mask is not None:
        attention_mask = attention_mask[..., : queries.shape[2], :].to(queries.dtype)
    attended = functional.scaled_dot_product_attention(queries, keys, values, attention_mask)
    out: torch.Tensor = attention.out_proj(attended.transpose(1, 2).flatten(2))
    return out


def _run_mlp(mlp: Any, hidden: torch.Tensor) -> torch.Tensor:
    if not isinstance(mlp.gelu, QuickGELU):
        out: torch.Tensor = mlp(hidden)
        return out
    inner = torch.addmm(
        mlp.c_fc.bias,
        hidden.flatten(0, -2),
        mlp.c_fc.weight.T,
        beta=_QUICK_GELU,
        alpha=_QUICK_GELU,
    )
    out = torch.addmm(
        mlp.c_proj.bias, functional.silu(inner), mlp.c_proj.weight.T, alpha=1 / _QUICK_GELU
    )
    return out.view(hidden.shape)
