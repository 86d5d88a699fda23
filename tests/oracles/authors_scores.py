"""Scores of the authors' models, from tensors by the authors' names alone; none of our models."""

import torch
from torch.nn import functional

from tests.oracles.direct_fusion_pooling import direct_fusion_similarity
from tests.oracles.direct_wti import direct_wti_similarity
from tests.oracles.direct_xclip import direct_xclip_similarity
from tests.oracles.direct_xpool import direct_xpool_similarity
from tests.oracles.openai_clip import (
    encode_image,
    encode_text,
    linear,
    norm,
    quick_gelu,
    transformer,
)

NORM_EPSILON = 1e-12
"""Of CLIP4Clip's own layer norms; those of CLIP have 1e-5."""


def under(tensors, prefix):
    """The tensors below a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def openai_of_huggingface(clip):
    """OpenAI's tensors of a CLIP of transformers, one name after the other."""
    found = {
        "positional_embedding": clip["text_model.embeddings.position_embedding.weight"],
        "text_projection": clip["text_projection.weight"].T,
        "logit_scale": clip["logit_scale"],
        "token_embedding.weight": clip["text_model.embeddings.token_embedding.weight"],
        "visual.class_embedding": clip["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": clip["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": clip["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": clip["visual_projection.weight"].T,
    }
    for kind in ("weight", "bias"):
        found[f"ln_final.{kind}"] = clip[f"text_model.final_layer_norm.{kind}"]
        found[f"visual.ln_pre.{kind}"] = clip[f"vision_model.pre_layrnorm.{kind}"]
        found[f"visual.ln_post.{kind}"] = clip[f"vision_model.post_layernorm.{kind}"]
        for side, ours in (("text_model", ""), ("vision_model", "visual.")):
            layer = 0
            while (block := f"{side}.encoder.layers.{layer}") + ".layer_norm1.bias" in clip:
                place = f"{ours}transformer.resblocks.{layer}"
                found[f"{place}.attn.in_proj_{kind}"] = torch.cat(
                    [clip[f"{block}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
                )
                found[f"{place}.attn.out_proj.{kind}"] = clip[f"{block}.self_attn.out_proj.{kind}"]
                found[f"{place}.ln_1.{kind}"] = clip[f"{block}.layer_norm1.{kind}"]
                found[f"{place}.ln_2.{kind}"] = clip[f"{block}.layer_norm2.{kind}"]
                found[f"{place}.mlp.c_fc.{kind}"] = clip[f"{block}.mlp.fc1.{kind}"]
                found[f"{place}.mlp.c_proj.{kind}"] = clip[f"{block}.mlp.fc2.{kind}"]
                layer += 1
    return found


def authors_similarity(model, tensors, sizes, tokens, pixels, mask):
    """Score texts against videos as the authors' ``model`` does, without the logit scale.

    Args: ``tokens`` T x L, ``pixels`` V x F x 3 x S x S normalised as CLIP does and 0 where there
    is no frame, ``mask`` V x F. CLIP encodes padding like everything else; what a model does with
    it is below.
    """
    clip = under(tensors, "clip.")
    if "text_projection.weight" in clip:
        clip = openai_of_huggingface(clip)
    texts, words = encode_text(clip, sizes, tokens)
    over_time = mask.shape[1] if "visual.conv2.weight" in clip else None
    encoded = encode_image(clip, sizes, pixels.flatten(0, 1), frames_per_video=over_time)
    frames = encoded[0].view(*mask.shape, -1)
    word_mask = torch.arange(tokens.shape[1]) <= tokens.argmax(dim=-1)[:, None]
    given = {"texts": texts, "words": words, "word_mask": word_mask, "frames": frames, "mask": mask}
    return _SCORES[model](tensors, sizes.text_heads, **given)


def mean_of_units(frames, mask):
    """The mean of unit frames."""
    return (functional.normalize(frames, dim=-1) * mask[..., None]).sum(1) / mask.sum(1)[:, None]


def cosines(texts, videos):
    return functional.normalize(texts, dim=-1) @ functional.normalize(videos, dim=-1).T


def in_time(tensors, heads, frames, mask):
    """CLIP4Clip's transformer over frames, its input added."""
    positions = tensors["frame_position_embeddings.weight"][: frames.shape[1]]
    bias = torch.where(mask, 0.0, -1e6)[:, None, :]
    hidden = transformer(
        tensors, "transformerClip", frames + positions, heads, bias, eps=NORM_EPSILON
    )
    return hidden + frames


def meanp(tensors, heads, *, texts, frames, mask, **_):
    return cosines(texts, mean_of_units(frames, mask))


def seqtransf(tensors, heads, *, texts, frames, mask, **_):
    return cosines(texts, mean_of_units(in_time(tensors, heads, frames, mask), mask))


def seqlstm(tensors, heads, *, texts, frames, mask, **_):
    weights = under(tensors, "lstm_visual.")
    hidden = cell = torch.zeros(len(frames), frames.shape[-1])
    steps = []
    for frame in frames.unbind(1):
        gates = frame @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]
        gates = gates + hidden @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]
        enter, keep, content, leave = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(content)
        hidden = torch.sigmoid(leave) * torch.tanh(cell)
        steps.append(hidden)
    return cosines(texts, mean_of_units(torch.stack(steps, dim=1) + frames, mask))


def tighttransf(tensors, heads, *, texts, frames, mask, **_):
    positions = tensors["cross.embeddings.position_embeddings.weight"]
    rows = []
    for text in texts:
        sequence = torch.cat([text.expand(len(frames), 1, -1), frames], dim=1)
        sequence = sequence + positions[: sequence.shape[1]]
        there = functional.pad(mask, (1, 0), value=True)
        bias = torch.where(there, 0.0, -1e6)[:, None, :]
        hidden = transformer(tensors, "cross.transformer", sequence, heads, bias, eps=NORM_EPSILON)
        first = norm(tensors, "cross.pooler.ln_pool", hidden[:, 0], NORM_EPSILON)
        pooled = quick_gelu(linear(tensors, "cross.pooler.dense", first))
        rows.append(linear(tensors, "similarity_dense", pooled)[:, 0])
    return torch.stack(rows)


def xclip(tensors, heads, *, texts, words, word_mask, frames, mask):
    video = mean_of_units(in_time(tensors, heads, frames, mask), mask)
    matrices = {name: value for name, value in tensors.items() if "_mat_weight" in name}
    matrices |= {name: value for name, value in tensors.items() if "_logit_weight" in name}
    return direct_xclip_similarity(matrices, texts, words, word_mask, video, frames, mask)


def drl_wti(tensors, heads, *, words, word_mask, frames, mask, **_):
    def logits(side, embeds):
        hidden = torch.relu(linear(tensors, f"{side}_weight_fc.0", embeds))
        return linear(tensors, f"{side}_weight_fc.2", hidden)[..., 0]

    frames = in_time(tensors, heads, frames, mask)
    return direct_wti_similarity(
        words, logits("text", words), word_mask, frames, logits("video", frames), mask
    )


def xpool(tensors, heads, *, texts, frames, mask, **_):
    return direct_xpool_similarity(under(tensors, "pool_frames."), texts, frames, mask)


def msam(tensors, heads, *, texts, frames, mask, **_):
    def gate(pooled):
        hidden = torch.relu(linear(tensors, "select.afp.attention_fc.0", pooled))
        return linear(tensors, "select.afp.attention_fc.2", hidden)

    frames = functional.normalize(in_time(tensors, heads, frames, mask), dim=-1)
    texts = functional.normalize(texts, dim=-1)
    # The release masks padding in time, not in the pooling.
    return direct_fusion_similarity(texts, frames, torch.ones_like(mask), gate, len(texts))


_SCORES = {
    "clip4clip_meanp": meanp,
    "clip4clip_seqlstm": seqlstm,
    "clip4clip_seqtransf": seqtransf,
    "clip4clip_tighttransf": tighttransf,
    "xclip": xclip,
    "drl_wti": drl_wti,
    "xpool": xpool,
    "msam": msam,
}
