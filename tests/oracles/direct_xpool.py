"""X-Pool's pooling as its steps are written down: captions x videos x width and all."""

import torch
from torch.nn import functional


def direct_pooled(parameters, text_embeds, frame_embeds, frame_mask):
    """V x T x C; ``parameters`` by the authors' names, the keys' bias with or without."""

    def norm(values, name):
        return functional.layer_norm(
            values,
            values.shape[-1:],
            parameters[f"{name}.weight"],
            parameters[f"{name}.bias"],
        )

    def project(values, name):
        return functional.linear(
            values, parameters[f"{name}.weight"], parameters.get(f"{name}.bias")
        )

    texts, frames = norm(text_embeds, "layer_norm1"), norm(frame_embeds, "layer_norm1")
    logits = torch.einsum(
        "vfc,tc->vtf", project(frames, "cross_attn.k_proj"), project(texts, "cross_attn.q_proj")
    )
    logits = logits / text_embeds.shape[-1] ** 0.5
    weights = logits.masked_fill(~frame_mask[:, None, :], -torch.inf).softmax(dim=-1)
    attended = torch.einsum("vtf,vfc->vtc", weights, project(frames, "cross_attn.v_proj"))
    attended = norm(project(attended, "cross_attn.out_proj"), "layer_norm2")
    return norm(attended + project(attended, "linear_proj"), "layer_norm3")


def direct_xpool_similarity(parameters, text_embeds, frame_embeds, frame_mask):
    """T x V cosines."""
    pooled = direct_pooled(parameters, text_embeds, frame_embeds, frame_mask)
    return torch.einsum(
        "vtc,tc->tv",
        functional.normalize(pooled, dim=-1),
        functional.normalize(text_embeds, dim=-1),
    )
