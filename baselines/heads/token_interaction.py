"""DRL's weighted token interaction (WTI), in blocks of bounded size, and its regularisation (CDCR).

Each word is matched with its best frame, and each frame with its best word. Padding is filled with
a copy of another token, so that it changes no maximum, and has weight 0. So no mask of the size of
all pairs is needed.
"""

from itertools import pairwise
from typing import Final, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from baselines.encoder.initial_weights import draw_weights
from baselines.heads.word_frame_blocks import (
    Floats,
    Ints,
    block_size,
    can_use_compiled_loops,
    product,
    text_runs,
    video_runs,
)
from dvtr_bench.models.retriever import Features
from dvtr_bench.runtime.cpu import compiled, in_threads

_CHUNK_ELEMENTS: Final = 2**22
"""Most elements of the largest intermediate tensor, words x frames of a block of pairs."""

_TEXTS_AT_ONCE: Final = 64
"""Most texts of a block. Texts are sorted by length, and a block is as long as its longest."""


class TokenWeights(nn.Module):
    """Weights of tokens (words or frames): a small network and a softmax.

    Args:
        width: C.
        layers: Number of linear layers, with ReLU between them.

    Source: DRL ``text_weight_fc`` and ``video_weight_fc`` with ``wti_arch`` 1 to 3, with its
        initialisation (`draw_weights`). differs: the last layer has no bias, which would add the
        same to every token and be cancelled by the softmax.
    """

    def __init__(self, width: int, layers: int = 2) -> None:
        """Create the layers, called fc1, fc2 and so on."""
        super().__init__()
        for number in range(1, layers):
            self.add_module(f"fc{number}", nn.Linear(width, width))
        self.add_module(f"fc{layers}", nn.Linear(width, 1, bias=False))
        draw_weights(self)

    def forward(self, embeds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Compute the weights of tokens.

        Args:
            embeds: N x K x C, not normalised.
            mask: bool, N x K, at least one True a row.

        Returns:
            N x K, with sum 1; 0 where the mask is False.
        """
        *hidden_layers, last = self.children()
        hidden = embeds[mask]
        for layer in hidden_layers:
            hidden = torch.relu(layer(hidden))
        token_logits = last(hidden)[..., 0]
        logits = torch.full_like(embeds[..., 0], -torch.inf, dtype=token_logits.dtype)
        logits[mask] = token_logits
        return torch.softmax(logits, dim=-1)


def unit_tokens(embeds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Normalise tokens and fill padding with a copy of the first token.

    Args:
        embeds: N x K x C.
        mask: bool, N x K, at least one True a row.

    Returns:
        N x K x C.
    """
    unit = functional.normalize(embeds, dim=-1)
    rows = torch.arange(len(mask), device=mask.device)
    first = unit[rows, mask.int().argmax(dim=1)]
    return torch.where(mask[..., None], unit, first[:, None])


def weighted_token_similarity(
    token_embeds: torch.Tensor,
    token_weights: torch.Tensor,
    token_mask: torch.Tensor,
    frame_embeds: torch.Tensor,
    frame_weights: torch.Tensor,
    frame_mask: torch.Tensor,
) -> torch.Tensor:
    """Score by the weighted mean of best matches, over words and over frames.

    Args:
        token_embeds: T x L x C, from `unit_tokens`.
        token_weights: T x L, 0 for padding.
        token_mask: bool, T x L, padding last.
        frame_embeds: V x F x C, from `unit_tokens`.
        frame_weights: V x F, 0 for padding.
        frame_mask: bool, V x F.

    Returns:
        T x V, in -1..1, before the logit scale.

    Source: DRL (arXiv 2203.07111), ``wti_interaction``. differs: padding is ignored; in the
        authors' code it contributes a similarity of 0 to the maximum.
    """
    if not len(token_embeds) or not len(frame_embeds):
        return token_embeds.new_zeros(len(token_embeds), len(frame_embeds))
    if can_use_compiled_loops(token_embeds, token_weights, frame_embeds, frame_weights):
        return _score_on_cpu(
            token_embeds, token_weights, token_mask, frame_embeds, frame_weights, frame_mask
        )
    lengths = token_mask.sum(dim=1)
    order = lengths.argsort(stable=True)
    blocks = []
    for start in range(0, len(order), _TEXTS_AT_ONCE):
        run = order[start : start + _TEXTS_AT_ONCE]
        longest = int(lengths[run[-1]])
        tokens, weights = token_embeds[run, :longest], token_weights[run, :longest]
        chunk = max(1, _CHUNK_ELEMENTS // (len(run) * longest * frame_embeds.shape[1]))
        columns = [
            _score_block(tokens, weights, frame_embeds[first:last], frame_weights[first:last])
            for first, last in pairwise([*range(0, len(frame_embeds), chunk), len(frame_embeds)])
        ]
        blocks.append(torch.cat(columns, dim=1))
    return torch.cat(blocks)[order.argsort()]


def _score_block(
    tokens: torch.Tensor,
    token_weights: torch.Tensor,
    frames: torch.Tensor,
    frame_weights: torch.Tensor,
) -> torch.Tensor:
    # Videos are the last axis, so that both maxima run over contiguous memory.
    by_frame = frames.transpose(0, 1)
    pairs = tokens.flatten(0, 1) @ by_frame.flatten(0, 1).T
    pairs = pairs.view(*tokens.shape[:2], *by_frame.shape[:2])
    t2v = torch.einsum("tlv,tl->tv", pairs.amax(dim=2), token_weights)
    v2t = torch.einsum("tfv,vf->tv", pairs.amax(dim=1), frame_weights)
    return (t2v + v2t) / 2


def _score_on_cpu(
    token_embeds: torch.Tensor,
    token_weights: torch.Tensor,
    token_mask: torch.Tensor,
    frame_embeds: torch.Tensor,
    frame_weights: torch.Tensor,
    frame_mask: torch.Tensor,
) -> torch.Tensor:
    num_frames, threads = frame_mask.shape[1], torch.get_num_threads()
    scores = torch.empty(len(token_embeds), len(frame_embeds))
    texts = text_runs(token_embeds, token_mask, num_frames)
    memory = torch.empty(block_size(texts, num_frames))
    for video_group in video_runs(frame_mask):
        columns = []
        for videos, length in video_group:
            by_frame = frame_embeds[videos, :length].permute(2, 1, 0).flatten(1)
            shares = frame_weights[videos, :length].T.contiguous().numpy()
            columns.append((videos.numpy(), by_frame, shares))
        for run in texts:
            words = token_embeds.flatten(0, 1)[run.rows]
            weights = token_weights[run.texts][token_mask[run.texts]].numpy()
            for places, by_frame, shares in columns:
                pairs = product(words, by_frame, memory).reshape(len(words), *shares.shape)
                best_frame = np.empty((len(words), len(places)), np.float32)
                in_threads(_find_best_frames, threads, len(words), pairs, best_frame)
                in_threads(
                    _weigh_best_matches,
                    threads,
                    len(run.texts),
                    run.starts,
                    run.words,
                    (pairs, best_frame),
                    (weights, shares),
                    (run.texts, places),
                    scores.numpy(),
                )
    return scores


@compiled
def _find_best_frames(first: int, last: int, pairs: Floats, best_frame: Floats) -> None:
    """Write each word's greatest similarity with a frame of each video; NaN if any is NaN."""
    _, num_frames, num_videos = pairs.shape
    for row in range(first, last):
        for video in range(num_videos):
            best_frame[row, video] = pairs[row, 0, video]
        for frame in range(1, num_frames):
            for video in range(num_videos):
                pair, best = pairs[row, frame, video], best_frame[row, video]
                best_frame[row, video] = pair if pair > best or pair != pair else best


@compiled
def _weigh_best_matches(
    first: int,
    last: int,
    starts: Ints,
    words: Ints,
    similarities: tuple[Floats, Floats],
    weights: tuple[Floats, Floats],
    places: tuple[Ints, Ints],
    scores: Floats,
) -> None:
    pairs, best_frame = similarities
    token_weights, frame_weights = weights
    texts, videos = places
    num_frames, num_videos = frame_weights.shape
    best_word = np.empty((num_frames, num_videos), np.float32)
    total = np.empty(num_videos, np.float32)
    for text in range(first, last):
        best_word[:] = -np.inf
        total[:] = 0.0
        for word in range(starts[text], starts[text + 1]):
            row, weight = words[word], token_weights[word]
            for video in range(num_videos):
                total[video] += weight * best_frame[row, video]
            for frame in range(num_frames):
                for video in range(num_videos):
                    pair, best = pairs[row, frame, video], best_word[frame, video]
                    best_word[frame, video] = pair if pair > best or pair != pair else best
        for frame in range(num_frames):
            for video in range(num_videos):
                total[video] += frame_weights[frame, video] * best_word[frame, video]
        for video in range(num_videos):
            scores[texts[text], videos[video]] = total[video] / np.float32(2.0)


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
