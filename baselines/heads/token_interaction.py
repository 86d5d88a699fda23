"""DRL's weighted token interaction (WTI), scored in blocks of bounded size.

Words look for their best frame and frames for their best word. A padded place is filled with a copy
of one that is there, so that no maximum can see it, and gets weight 0: nothing the size of all
pairs need be masked.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from baselines.encoder.initial_weights import draw_weights
from baselines.heads.word_frame_blocks import (
    Floats,
    Ints,
    block_size,
    compiled_loops_serve,
    product,
    text_runs,
    video_runs,
)
from dvtr_bench.runtime.compiled import compiled, in_threads

_CHUNK_ELEMENTS: Final = 2**22
"""Numbers in the largest intermediate tensor, words x frames of a block of pairs."""

_LONGEST_TEXT_RUN: Final = 64
"""Texts of one block, at most: those of a run are cut at its longest, and runs are by length."""


class TokenWeights(nn.Module):
    """How much each token (a word or a frame) counts: a small network and a softmax.

    Args:
        width: C.

    Source: DRL ``text_weight_fc`` and ``video_weight_fc`` with ``wti_arch=2``, its start included
        (`draw_weights`). differs: the last layer has no bias, since it adds the same to every token
        and the softmax takes it away.
    """

    def __init__(self, width: int) -> None:
        """Build the two layers."""
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, 1, bias=False)
        draw_weights(self)

    def forward(self, embeds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Weigh tokens.

        Args:
            embeds: N x K x C, not normalised.
            mask: bool, N x K, at least one True a row.

        Returns:
            N x K, summing to 1; 0 where the mask is False.
        """
        there = self.fc2(torch.relu(self.fc1(embeds[mask])))[..., 0]
        logits = torch.full_like(embeds[..., 0], -torch.inf, dtype=there.dtype)
        logits[mask] = there
        return torch.softmax(logits, dim=-1)


def unit_tokens(embeds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return tokens of unit length, each padded place a copy of the first token that is there.

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
    """Score by the weighted mean, over words and over frames, of the best match of each.

    Args:
        token_embeds: T x L x C, as `unit_tokens` returns them.
        token_weights: T x L, 0 for padding.
        token_mask: bool, T x L, True in front.
        frame_embeds: V x F x C, as `unit_tokens` returns them.
        frame_weights: V x F, 0 for padding.
        frame_mask: bool, V x F.

    Returns:
        T x V, in -1..1, before the logit scale.

    Source: DRL (arXiv 2203.07111), ``wti_interaction``. differs: a padded token
        gives no similarity, where the authors let it give 0 to the maximum.
    """
    if not len(token_embeds) or not len(frame_embeds):
        return token_embeds.new_zeros(len(token_embeds), len(frame_embeds))
    if compiled_loops_serve(token_embeds, token_weights, frame_embeds, frame_weights):
        return _score_on_cpu(
            token_embeds, token_weights, token_mask, frame_embeds, frame_weights, frame_mask
        )
    lengths = token_mask.sum(dim=1)
    order = lengths.argsort(stable=True)
    blocks = []
    for start in range(0, len(order), _LONGEST_TEXT_RUN):
        run = order[start : start + _LONGEST_TEXT_RUN]
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
    # Videos last, so that both maxima run over rows of memory.
    by_place = frames.transpose(0, 1)
    pairs = tokens.flatten(0, 1) @ by_place.flatten(0, 1).T
    pairs = pairs.view(*tokens.shape[:2], *by_place.shape[:2])
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
    for together in video_runs(frame_mask):
        columns = []
        for videos, length in together:
            by_place = frame_embeds[videos, :length].permute(2, 1, 0).flatten(1)
            shares = frame_weights[videos, :length].T.contiguous().numpy()
            columns.append((videos.numpy(), by_place, shares))
        for run in texts:
            words = token_embeds.flatten(0, 1)[run.rows]
            weights = token_weights[run.texts][token_mask[run.texts]].numpy()
            for places, by_place, shares in columns:
                pairs = product(words, by_place, memory).reshape(len(words), *shares.shape)
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
    """Return what the best frame of each video is to each word; NaN where any pair is NaN."""
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
