"""Frames and words of batches, which are padded at the end."""

import torch
from torch.nn import functional


def spread_over_frames(values: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:
    """Arrange the values of existing frames as videos x frames.

    Args:
        values: N x ..., of the N frames with True in the mask, in order.
        frame_mask: bool, V x F.

    Returns:
        V x F x ..., 0 for padding.
    """
    spread = values.new_zeros(*frame_mask.shape, *values.shape[1:])
    spread[frame_mask] = values
    return spread


def padded_words(
    word_embeds: torch.Tensor, word_mask: torch.Tensor, max_words: int
) -> dict[str, torch.Tensor]:
    """Pad words at the end, so that batches of captions can be joined.

    Args:
        word_embeds: T x L' x C.
        word_mask: bool, T x L'.
        max_words: L, at least L'.

    Returns:
        ``token_embeds`` (T x L x C) and ``token_mask`` (bool, T x L).
    """
    missing = max_words - word_embeds.shape[1]
    return {
        "token_embeds": functional.pad(word_embeds, (0, 0, 0, missing)),
        "token_mask": functional.pad(word_mask, (0, missing)),
    }


def masked_mean(frame_embeds: torch.Tensor, frame_mask: torch.Tensor) -> torch.Tensor:
    """Average over the frames without padding.

    Args:
        frame_embeds: V x F x C.
        frame_mask: bool, V x F, at least one True a row.

    Returns:
        V x C.
    """
    weights = frame_mask.to(frame_embeds.dtype)[..., None]
    return (frame_embeds * weights).sum(dim=1) / weights.sum(dim=1)
