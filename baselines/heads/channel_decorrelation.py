"""DRL's channel decorrelation regularisation (CDCR), a part of its loss."""

from typing import Final, Literal

import torch

from dvtr_bench.models.retriever import Features

Cdcr = Literal["weighted", "matched", "random", "off"]
"""Which tokens of matching pairs are compared; the authors' ``--cdcr`` 3, 2, 1 and 0."""

_LEAST_STD: Final = 1e-6


def decorrelation_loss(
    correlation: torch.Tensor, on_diagonal: float, off_diagonal: float
) -> torch.Tensor:
    """Return how far the channels of two sides are from saying the same, each for itself.

    Args:
        correlation: C x C, from `token_correlation`.
        on_diagonal: Weight of channels that do not agree.
        off_diagonal: Weight of different channels that do.

    Returns:
        A scalar: on_diagonal * sum((1 - c_ii)^2) + off_diagonal * sum of the other c_ij^2.

    Source: DRL (arXiv 2203.07111), "Channel DeCorrelation Regularization".

    Example:
        >>> decorrelation_loss(torch.tensor([[0.5, 2.0], [0.0, 1.0]]), 1.0, 0.1).item()
        0.6499999761581421
    """
    diagonal = torch.diagonal(correlation)
    others = correlation.square().sum() - diagonal.square().sum()
    return on_diagonal * (diagonal - 1).square().sum() + off_diagonal * others


def token_correlation(texts: Features, videos: Features, kind: Cdcr) -> torch.Tensor:
    """Return the correlation of the channels of matching tokens over a batch.

    Args:
        texts: ``token_embeds`` (B x L x C, unit length), ``token_weights`` (B x L, summing to 1)
            and ``token_mask`` (bool, B x L) of B texts.
        videos: ``frame_embeds`` (B x F x C, unit length), ``frame_weights`` and ``frame_mask`` of
            their videos, in the same order.
        kind: ``matched`` compares each word with its best frame and each frame with its best word,
            all alike; ``weighted`` weighs them as the interaction does; ``random`` compares one
            word of each text with one frame of its video.

    Returns:
        C x C.

    Source: DRL ``wti_interaction`` with ``cdcr`` 1 to 3. differs: padding takes no part in a match;
        a channel that is the same for all tokens counts 0, where theirs gives NaN.
    """
    words, word_mask = texts["token_embeds"], texts["token_mask"]
    frames, frame_mask = videos["frame_embeds"], videos["frame_mask"]
    rows = torch.arange(len(words), device=words.device)
    if kind == "random":
        chosen = words[rows, _random_place(word_mask)], frames[rows, _random_place(frame_mask)]
        return _correlation(*chosen, torch.full_like(rows, 1 / len(rows), dtype=words.dtype))
    pairs = torch.einsum("blc,bfc->blf", words, frames)
    pairs = pairs.masked_fill(~(word_mask[:, :, None] & frame_mask[:, None, :]), -torch.inf)
    frame_of_word, word_of_frame = pairs.argmax(dim=2), pairs.argmax(dim=1)
    sides = (
        (words, frames[rows[:, None], frame_of_word], texts["token_weights"], word_mask),
        (frames, words[rows[:, None], word_of_frame], videos["frame_weights"], frame_mask),
    )
    correlation = words.new_zeros(words.shape[2], words.shape[2])
    for own, best, weights, mask in sides:
        shares = weights[mask] / len(rows)
        if kind == "matched":
            shares = torch.full_like(shares, 1 / len(shares))
        correlation = correlation + _correlation(own[mask], best[mask], shares) / 2
    return correlation


def _correlation(one: torch.Tensor, other: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    return (_standardised(one) * shares[:, None]).T @ _standardised(other)


def _standardised(tokens: torch.Tensor) -> torch.Tensor:
    return (tokens - tokens.mean(dim=0)) / tokens.std(dim=0).clamp_min(_LEAST_STD)


def _random_place(mask: torch.Tensor) -> torch.Tensor:
    chances = torch.rand(mask.shape, device=mask.device)
    return chances.masked_fill(~mask, -1.0).argmax(dim=1)
