"""The two losses of the semantic branch."""

import torch
from torch.nn import functional

from msam.semantics import Semantics


def distribution_loss(videos: Semantics, texts: Semantics) -> torch.Tensor:
    """Return L_kl: KL( N(video) || N(text) ) of matching pairs.

    Args:
        videos: Semantics of B videos.
        texts: Semantics of the B captions that belong to them.

    Returns:
        A scalar: summed over slots and channels, averaged over the batch.

    Source: arXiv 2510.15470, msam-spec section 3.
    """
    ratio = videos.spread / texts.spread
    shift = (texts.mean - videos.mean) / texts.spread
    divergence = 0.5 * (ratio**2 + shift**2 - 1 - 2 * torch.log(ratio))
    return divergence.sum(dim=(1, 2)).mean()


def diversity_loss(semantics: Semantics) -> torch.Tensor:
    """Return L_div of one modality: how alike the slots of each sample are.

    Args:
        semantics: Semantics of B samples.

    Returns:
        A scalar, in 0..1: the mean of |cosine(slots) - I|.

    Source: arXiv 2510.15470, msam-spec section 3.
    """
    slots = functional.normalize(semantics.embeds, dim=-1)
    cosine = slots @ slots.transpose(1, 2)
    identity = torch.eye(slots.shape[1], device=slots.device, dtype=slots.dtype)
    return (cosine - identity).abs().mean()
