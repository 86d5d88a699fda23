"""X-CLIP's multi-grained similarity with attention over the similarity matrix, in blocks.

Every attention is the same: along one axis (words or frames) of a similarity matrix s,

    a = softmax(s / 0.01),    result = sum((a M) s),    M learned, initially the identity.

Padding is ignored: its softmax weight is 0, and its embeddings are 0, so that s is 0 where M moves
weight to a padded position.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import nn

from baselines.heads.grain_loops import add_up_grains, attend_over_frames, pad_for_loops
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
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.cpu import in_threads

TEMPERATURE: Final = 0.01

_CHUNK_ELEMENTS: Final = 2**20
"""Most elements of the largest intermediate tensor, words x frames of a block of pairs."""

_VIDEOS_AT_ONCE: Final = 256
"""Most videos of a block: their frames are read once for all the words of its texts."""


class _Columns(NamedTuple):
    """Videos of similar length in one block.

    Attributes:
        videos: int64: their rows among all videos.
        frame_mask: float32, frames x videos, 1 or 0 for padding.
        for_words: C x ((frames and the video) x videos), to be multiplied with words.
        for_sentences: The same, to be multiplied with sentences.
    """

    videos: Ints
    frame_mask: Floats
    for_words: torch.Tensor
    for_sentences: torch.Tensor


class MultiGrainedSimilarity(nn.Module):
    """The mean of four similarities: video or frames with sentence or words.

    Args:
        width: C.
        max_words: Most words of a text.
        max_frames: Most frames of a video.

    Source: X-CLIP (arXiv 2207.07285), sections 3.3 and 3.4, ``_loose_similarity`` and
        ``_attenion_over_fine_grained_sim_matrix``; parameters have the authors' names. differs:
        padding is ignored; in the authors' code padded words and black frames contribute.
    """

    def __init__(self, width: int, max_words: int, max_frames: int) -> None:
        """Initialise every matrix as the identity."""
        super().__init__()
        self.global_mat_weight = nn.Parameter(torch.eye(width))
        self.local_mat_weight = nn.Parameter(torch.eye(width))
        self.word_logit_weight = nn.Parameter(torch.eye(max_words))
        self.word_mat_weight = nn.Parameter(torch.eye(max_words))
        self.word_mat_weight2 = nn.Parameter(torch.eye(max_words))
        self.frame_logit_weight = nn.Parameter(torch.eye(max_frames))
        self.frame_mat_weight = nn.Parameter(torch.eye(max_frames))
        self.frame_mat_weight2 = nn.Parameter(torch.eye(max_frames))

    def forward(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score texts against videos.

        Args:
            texts: ``text_embeds`` (T x C, unit length), ``token_embeds`` (T x L x C, unit length, 0
                for padding) and ``token_mask`` (bool, T x L, True in front).
            videos: ``video_embeds`` (V x C, unit length), ``frame_embeds`` (V x F x C, unit length,
                0 for padding) and ``frame_mask`` (bool, V x F).

        Returns:
            T x V, before the logit scale.
        """
        if not len(texts["text_embeds"]) or not len(videos["video_embeds"]):
            return texts["text_embeds"] @ videos["video_embeds"].T
        if can_use_compiled_loops(*_numbers(texts), *_numbers(videos), *self.parameters()):
            return self._score_on_cpu(texts, videos)
        lengths = texts["token_mask"].sum(dim=1)
        # Texts of similar length share a block, which is as long as its longest.
        order = lengths.argsort(stable=True)
        num_videos, num_frames = videos["frame_mask"].shape
        pair_size = texts["token_mask"].shape[1] * num_frames
        columns = max(1, min(num_videos, _VIDEOS_AT_ONCE, _CHUNK_ELEMENTS // pair_size))
        chunk = max(1, _CHUNK_ELEMENTS // (pair_size * columns))
        galleries = [
            _videos_last({name: value[run] for name, value in videos.items()})
            for run in cut(num_videos, columns)
        ]
        rows = []
        for part in cut(len(order), chunk):
            run = order[part]
            longest = int(lengths[run[-1]])
            block = {
                "text_embeds": texts["text_embeds"][run],
                "token_embeds": texts["token_embeds"][run, :longest],
                "token_mask": texts["token_mask"][run, :longest],
            }
            rows.append(torch.cat([self._score_block(block, each) for each in galleries], dim=1))
        return torch.cat(rows)[order.argsort()]

    def _score_block(self, texts: Features, videos: Features) -> torch.Tensor:
        sentence, words = texts["text_embeds"], texts["token_embeds"]
        video, frames, frame_mask = (
            videos[name] for name in ("video_embeds", "frame_embeds", "frame_mask")
        )
        word_mask = texts["token_mask"][..., None]
        by_place = frames.flatten(0, 1).T

        video_sentence = sentence @ self.global_mat_weight @ video.T
        video_word = words @ video.T
        frame_sentence = (sentence @ by_place).view(-1, *frame_mask.shape)
        frame_word = words @ self.local_mat_weight @ by_place

        by_frame = _attend(frame_word, word_mask, self.word_mat_weight)
        frame_word = frame_word.view(*words.shape[:2], *frame_mask.shape)
        by_word = _attend(frame_word, frame_mask, self.frame_mat_weight)
        over_frames = _attend(by_frame.view_as(frame_sentence), frame_mask, self.frame_mat_weight2)
        over_words = _attend(by_word, word_mask, self.word_mat_weight2)
        return (
            video_sentence
            + _attend(video_word, word_mask, self.word_logit_weight)
            + _attend(frame_sentence, frame_mask, self.frame_logit_weight)
            + (over_frames + over_words) / 2
        ) / 4

    def _score_on_cpu(self, texts: Features, videos: Features) -> torch.Tensor:
        embeds, mask = texts["token_embeds"], texts["token_mask"]
        num_columns = videos["frame_mask"].shape[1] + 1
        scores = torch.empty(len(mask), len(videos["frame_mask"]))
        runs = text_runs(embeds, mask, num_columns)
        threads = torch.get_num_threads()
        memory, other_memory = (torch.empty(block_size(runs, num_columns)) for _ in range(2))
        frame_mat, *mixing = (
            pad_for_loops(matrix.detach().numpy())
            for matrix in (
                self.frame_mat_weight,
                self.word_mat_weight,
                self.word_mat_weight2,
                self.word_logit_weight,
                self.frame_mat_weight2,
                self.frame_logit_weight,
            )
        )
        for together in video_runs(videos["frame_mask"]):
            columns = [self._columns(videos, run.videos, run.length) for run in together]
            for run in runs:
                words, whole = embeds.flatten(0, 1)[run.rows], texts["text_embeds"][run.texts]
                for each in columns:
                    shape = (-1, len(each.frame_mask) + 1, len(each.videos))
                    pairs = product(words, each.for_words, memory).reshape(shape)
                    of_sentences = product(whole, each.for_sentences, other_memory).reshape(shape)
                    by_word = np.empty((len(pairs), shape[2]), np.float32)
                    in_threads(
                        attend_over_frames,
                        threads,
                        len(pairs),
                        pairs,
                        each.frame_mask,
                        frame_mat,
                        by_word,
                    )
                    in_threads(
                        add_up_grains,
                        threads,
                        len(run.texts),
                        run.starts,
                        run.words,
                        (pairs, of_sentences, by_word),
                        each.frame_mask,
                        tuple(mixing),
                        (run.texts, each.videos),
                        scores.numpy(),
                    )
        return scores

    def _columns(self, videos: Features, rows: torch.Tensor, length: int) -> _Columns:
        frames = videos["frame_embeds"][rows, :length].transpose(0, 1).flatten(0, 1)
        whole = videos["video_embeds"][rows]
        return _Columns(
            rows.numpy(),
            videos["frame_mask"][rows, :length].T.float().contiguous().numpy(),
            torch.cat((self.local_mat_weight @ frames.T, whole.T), dim=1),
            torch.cat((frames.T, self.global_mat_weight @ whole.T), dim=1),
        )


def _numbers(features: Features) -> list[torch.Tensor]:
    return [value for value in features.values() if value.is_floating_point()]


def _videos_last(videos: Features) -> Features:
    """Return frames as F x V x C and their mask as F x V.

    Videos are then the last axis of every similarity matrix, so that operations along the few words
    or frames run over many videos at once without copies.
    """
    return {
        "video_embeds": videos["video_embeds"],
        "frame_embeds": videos["frame_embeds"].transpose(0, 1).contiguous(),
        "frame_mask": videos["frame_mask"].T,
    }


def _attend(scores: torch.Tensor, mask: torch.Tensor, mixing: torch.Tensor) -> torch.Tensor:
    """Attend over the second to last axis of a similarity matrix and remove it.

    For a shorter axis, a corner of the mixing matrix is enough, since padding has weight 0.
    """
    length = scores.shape[-2]
    shares = torch.softmax((scores / TEMPERATURE).masked_fill_(~mask, -torch.inf), dim=-2)
    # Expanded to every matrix, because with a single corner torch would copy all shares.
    corners = mixing[:length, :length].T.expand(*shares.shape[:-2], -1, -1)
    return ((corners @ shares) * scores).sum(dim=-2)
