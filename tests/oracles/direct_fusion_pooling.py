"""MSAM's fusion pooling as its steps are written down: captions x videos x width and all."""

import torch
from torch.nn import functional


def direct_fusion_similarity(text_embeds, frame_embeds, frame_mask, gate_mlp, text_block):
    """Steps 1 to 8, one block of texts after the other; T x V."""
    return torch.cat(
        [
            _one_block(block, frame_embeds, frame_mask, gate_mlp)
            for block in text_embeds.split(text_block)
        ]
    )


def pooled_by_text(text_embeds, frame_embeds, frame_mask):
    """Steps 1 to 3: V x T x C."""
    scores = torch.einsum("vfc,tc->vft", frame_embeds, text_embeds) / 0.01
    scores[~frame_mask] = -torch.inf
    return torch.einsum("vft,vfc->vtc", scores.softmax(dim=1), frame_embeds)


def seen_by_block(text_embeds, pooled):
    """Steps 4 and 5: V x C."""
    shares = (torch.einsum("vtc,tc->vt", pooled, text_embeds) / 0.01).softmax(dim=1)
    return torch.einsum("vt,vtc->vc", shares, pooled)


def fuse(text_embeds, pooled, seen, gate_mlp):
    """Steps 6 to 8: T x V."""
    gate = torch.sigmoid(gate_mlp(pooled)) / 0.7
    fused = gate * pooled + (1 - gate) * seen[:, None] + pooled
    return 0.4 * torch.einsum("vtc,tc->tv", functional.normalize(fused, dim=-1), text_embeds)


def _one_block(text_embeds, frame_embeds, frame_mask, gate_mlp):
    pooled = pooled_by_text(text_embeds, frame_embeds, frame_mask)
    return fuse(text_embeds, pooled, seen_by_block(text_embeds, pooled), gate_mlp)
