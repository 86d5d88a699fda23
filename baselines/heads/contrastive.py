"""The contrastive loss of CLIP."""

import torch
from torch.nn import functional


def symmetric_info_nce(logits: torch.Tensor) -> torch.Tensor:
    """Return the mean of text-to-video and video-to-text cross entropy.

    Args:
        logits: B x B, texts x videos; row i and column i belong together. Two captions of one video
            in a batch are negatives of each other, as in the authors' code.

    Returns:
        A scalar.

    Source: CLIP4Clip ``CrossEn``, applied to the matrix and its transpose.

    Example:
        >>> round(symmetric_info_nce(torch.zeros(2, 2)).item(), 4)
        0.6931
    """
    target = torch.arange(len(logits), device=logits.device)
    t2v = functional.cross_entropy(logits, target)
    v2t = functional.cross_entropy(logits.T, target)
    return (t2v + v2t) / 2
