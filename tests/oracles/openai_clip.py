"""OpenAI's CLIP with vision transformers, written from its paper over a dict of tensors.

The dict has the names of OpenAI's archives. Attention is written out head by head; nothing of
open_clip or of torch's attention takes part.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Sizes:
    """What a CLIP is built with; heads are 64 wide in all that OpenAI published."""

    embed_dim: int
    image_size: int
    patch_size: int
    vision_width: int
    vision_layers: int
    text_width: int
    text_layers: int
    vision_heads: int
    text_heads: int
    context_length: int = 77
    vocab_size: int = 49408


VIT_B_32 = Sizes(512, 224, 32, 768, 12, 512, 12, 12, 8)
VIT_B_16 = Sizes(512, 224, 16, 768, 12, 512, 12, 12, 8)
VIT_L_14 = Sizes(768, 224, 14, 1024, 24, 768, 12, 16, 12)
SMALL = Sizes(32, 32, 16, 32, 2, 32, 2, 2, 2)
"""Of `tests.fixtures.small_clip`."""


def block_shapes(prefix, width):
    """Names and shapes of one residual attention block."""
    return {
        f"{prefix}.attn.in_proj_weight": (3 * width, width),
        f"{prefix}.attn.in_proj_bias": (3 * width,),
        f"{prefix}.attn.out_proj.weight": (width, width),
        f"{prefix}.attn.out_proj.bias": (width,),
        f"{prefix}.ln_1.weight": (width,),
        f"{prefix}.ln_1.bias": (width,),
        f"{prefix}.mlp.c_fc.weight": (4 * width, width),
        f"{prefix}.mlp.c_fc.bias": (4 * width,),
        f"{prefix}.mlp.c_proj.weight": (width, 4 * width),
        f"{prefix}.mlp.c_proj.bias": (width,),
        f"{prefix}.ln_2.weight": (width,),
        f"{prefix}.ln_2.bias": (width,),
    }


def transformer_shapes(prefix, width, layers):
    """Names and shapes of a stack of blocks."""
    return {
        name: shape
        for layer in range(layers)
        for name, shape in block_shapes(f"{prefix}.resblocks.{layer}", width).items()
    }


def norm_shapes(prefix, width):
    """Names and shapes of a layer norm."""
    return {f"{prefix}.weight": (width,), f"{prefix}.bias": (width,)}


def clip_shapes(sizes):
    """Names and shapes of a whole CLIP."""
    vision, text = sizes.vision_width, sizes.text_width
    patches = (sizes.image_size // sizes.patch_size) ** 2
    return {
        "positional_embedding": (sizes.context_length, text),
        "text_projection": (text, sizes.embed_dim),
        "logit_scale": (),
        "visual.class_embedding": (vision,),
        "visual.positional_embedding": (patches + 1, vision),
        "visual.proj": (vision, sizes.embed_dim),
        "visual.conv1.weight": (vision, 3, sizes.patch_size, sizes.patch_size),
        **norm_shapes("visual.ln_pre", vision),
        **transformer_shapes("visual.transformer", vision, sizes.vision_layers),
        **norm_shapes("visual.ln_post", vision),
        **transformer_shapes("transformer", text, sizes.text_layers),
        "token_embedding.weight": (sizes.vocab_size, text),
        **norm_shapes("ln_final", text),
    }


def random_tensors(shapes, seed=0):
    """Random tensors of these shapes, of a size at which no layer drowns the others.

    Matrices that act on vectors keep their length about; norms stand around 1, all else around 0.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, generator=generator)
        if name.endswith("logit_scale"):
            tensors[name] = torch.tensor(3.0)
        elif name.endswith("embedding.weight") or len(shape) == 1:
            is_norm = name.endswith(".weight")
            tensors[name] = 0.3 * value + (1.0 if is_norm and len(shape) == 1 else 0.0)
        else:
            tensors[name] = value / value[0].numel() ** 0.5
    return tensors


def quick_gelu(values):
    """The activation of everything OpenAI published."""
    return values * torch.sigmoid(1.702 * values)


def norm(tensors, prefix, values, eps=1e-5):
    """Layer norm, by its definition."""
    centred = values - values.mean(dim=-1, keepdim=True)
    scaled = centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt()
    return scaled * tensors[f"{prefix}.weight"] + tensors[f"{prefix}.bias"]


def linear(tensors, prefix, values):
    """A linear layer."""
    return values @ tensors[f"{prefix}.weight"].T + tensors[f"{prefix}.bias"]


def attention(tensors, prefix, values, heads, bias):
    """Multi-head self-attention over N x L x C; ``bias`` is added to the logits (N x L x L)."""
    packed = values @ tensors[f"{prefix}.in_proj_weight"].T + tensors[f"{prefix}.in_proj_bias"]
    queries, keys, contents = packed.chunk(3, dim=-1)
    width = values.shape[-1] // heads
    out = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        logits = queries[..., part] @ keys[..., part].transpose(1, 2) / width**0.5 + bias
        out.append(logits.softmax(dim=-1) @ contents[..., part])
    return linear(tensors, f"{prefix}.out_proj", torch.cat(out, dim=-1))


def transformer(tensors, prefix, values, heads, bias, *, eps=1e-5, activation=quick_gelu):
    """All blocks of a stack, norms before attention and MLP."""
    layer = 0
    while f"{prefix}.resblocks.{layer}.ln_1.weight" in tensors:
        block = f"{prefix}.resblocks.{layer}"
        attended = norm(tensors, f"{block}.ln_1", values, eps)
        values = values + attention(tensors, f"{block}.attn", attended, heads, bias)
        hidden = norm(tensors, f"{block}.ln_2", values, eps)
        hidden = activation(linear(tensors, f"{block}.mlp.c_fc", hidden))
        values = values + linear(tensors, f"{block}.mlp.c_proj", hidden)
        layer += 1
    return values


def patches_over_time(weight, pixels, frames_per_video):
    """CLIP4Clip's linear_patch 3d: a convolution over time, height and width of whole videos."""
    videos = pixels.unflatten(0, (-1, frames_per_video)).transpose(1, 2)
    side = weight.shape[-1]
    cut = functional.conv3d(videos, weight, stride=(1, side, side), padding=(1, 0, 0))
    return cut.transpose(1, 2).flatten(0, 1).flatten(2).transpose(1, 2)


def encode_image(tensors, sizes, pixels, *, activation=quick_gelu, frames_per_video=None):
    """Encode N x 3 x S x S, normalised: frames (N x C) and projected patches (N x P x C)."""
    visual = {
        name.removeprefix("visual."): value
        for name, value in tensors.items()
        if name.startswith("visual.")
    }
    patches = functional.unfold(pixels, sizes.patch_size, stride=sizes.patch_size).transpose(1, 2)
    hidden = patches @ tensors["visual.conv1.weight"].flatten(1).T
    if frames_per_video is not None:
        hidden = patches_over_time(tensors["visual.conv2.weight"], pixels, frames_per_video)
    first = tensors["visual.class_embedding"].expand(len(pixels), 1, -1)
    hidden = torch.cat([first, hidden], dim=1) + tensors["visual.positional_embedding"]
    hidden = norm(visual, "ln_pre", hidden)
    hidden = transformer(
        visual, "transformer", hidden, sizes.vision_heads, 0.0, activation=activation
    )
    embeds = norm(visual, "ln_post", hidden) @ tensors["visual.proj"]
    return embeds[:, 0], embeds[:, 1:]


def encode_text(tensors, sizes, tokens, *, activation=quick_gelu):
    """Encode T x L token ids: end-of-text embeddings (T x C) and words (T x L x C), projected."""
    length = tokens.shape[1]
    hidden = tensors["token_embedding.weight"][tokens] + tensors["positional_embedding"][:length]
    causal = torch.full((length, length), -torch.inf).triu(1)
    hidden = transformer(
        tensors, "transformer", hidden, sizes.text_heads, causal, activation=activation
    )
    words = norm(tensors, "ln_final", hidden) @ tensors["text_projection"]
    return words[torch.arange(len(tokens)), tokens.argmax(dim=-1)], words
