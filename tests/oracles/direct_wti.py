"""Weighted token interaction as its steps are written down: words x frames of all pairs at once."""

import torch
from torch.nn import functional


def direct_wti_similarity(
    token_embeds, token_logits, token_mask, frame_embeds, frame_logits, frame_mask
):
    """T x V; embeddings not normalised, logits those of the weights before their softmax."""
    token_weights = token_logits.masked_fill(~token_mask, -torch.inf).softmax(dim=-1)
    frame_weights = frame_logits.masked_fill(~frame_mask, -torch.inf).softmax(dim=-1)
    pairs = torch.einsum(
        "tlc,vfc->tvlf",
        functional.normalize(token_embeds, dim=-1),
        functional.normalize(frame_embeds, dim=-1),
    )
    there = token_mask[:, None, :, None] & frame_mask[None, :, None, :]
    pairs = pairs.masked_fill(~there, -2.0)
    t2v = torch.einsum("tvl,tl->tv", pairs.max(dim=3).values, token_weights)
    v2t = torch.einsum("tvf,vf->tv", pairs.max(dim=2).values, frame_weights)
    return (t2v + v2t) / 2
