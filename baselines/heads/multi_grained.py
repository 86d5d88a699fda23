"""X-CLIP's multi-grained similarity and its attention over the similarity matrix, in blocks.

Every step is the same: along one axis of a matrix of similarities s (words, or frames),

    a = softmax(s / 0.01),    result = sum((a M) s),    M learned, the identity at the start.

Padding takes no part: it gets no share of the softmax, and embeddings of 0 make its s 0, so that
what M moves to a padded place is multiplied by 0.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import nn

from baselines.heads.grain_loops import add_up_grains, attend_over_frames, filled_up
from baselines.heads.word_frame_blocks import (
    Floats,
    Ints,
    block_size,
    compiled_loops_serve,
    product,
    text_runs,
    video_runs,
)
from dvtr_bench.models.retriever import Features
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.compiled import in_threads

TEMPERATURE: Final = 0.01

_CHUNK_ELEMENTS: Final = 2**20
"""Numbers in the largest intermediate tensor: words x frames of a block of pairs."""

_VIDEOS_AT_ONCE: Final = 256
"""Videos of a block, at most: their frames are read once for all the words of its texts."""


class _Columns(NamedTuple):
    """Videos of like length, as a block takes them; the last axis of tensors is frames x videos.

    Attributes:
        videos: int64: which of all videos.
        there: float32, frames x videos, 1 or 0.
        for_words: C x ((frames and the video) x videos), through the matrix of words and frames.
        for_sentences: The same, through the matrix of sentences and videos.
    """

    videos: Ints
    there: Floats
    for_words: torch.Tensor
    for_sentences: torch.Tensor


class MultiGrainedSimilarity(nn.Module):
    """The mean of four similarities: video or frames with sentence or words.

    Args:
        width: C.
        max_words: Words of a text, at most.
        max_frames: Frames of a video, at most.

    Source: X-CLIP (arXiv 2207.07285), sections 3.3 and 3.4, ``_loose_similarity`` and
        ``_attenion_over_fine_grained_sim_matrix``; parameters have the authors' names. differs:
        padding takes no part, where the authors let padded words and black frames take part.
    """

    def __init__(self, width: int, max_words: int, max_frames: int) -> None:
        """Start every matrix as the identity."""
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
        if compiled_loops_serve(*_numbers(texts), *_numbers(videos), *self.parameters()):
            return self._score_on_cpu(texts, videos)
        lengths = texts["token_mask"].sum(dim=1)
        # Texts of like length stand together, and a block is as long as its longest.
        order = lengths.argsort(stable=True)
        num_videos, num_frames = videos["frame_mask"].shape
        places = texts["token_mask"].shape[1] * num_frames
        columns = max(1, min(num_videos, _VIDEOS_AT_ONCE, _CHUNK_ELEMENTS // places))
        chunk = max(1, _CHUNK_ELEMENTS // (places * columns))
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
            filled_up(matrix.detach().numpy())
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
                    shape = (-1, len(each.there) + 1, len(each.videos))
                    pairs = product(words, each.for_words, memory).reshape(shape)
                    of_sentences = product(whole, each.for_sentences, other_memory).reshape(shape)
                    by_word = np.empty((len(pairs), shape[2]), np.float32)
                    in_threads(
                        attend_over_frames,
                        threads,
                        len(pairs),
                        pairs,
                        each.there,
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
                        each.there,
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

    Videos are then the last axis of every matrix of similarities: what runs along the few words or
    frames runs along many videos at once, and nothing need be copied to be attended over.
    """
    return {
        "video_embeds": videos["video_embeds"],
        "frame_embeds": videos["frame_embeds"].transpose(0, 1).contiguous(),
        "frame_mask": videos["frame_mask"].T,
    }


def _attend(scores: torch.Tensor, mask: torch.Tensor, mixing: torch.Tensor) -> torch.Tensor:
    """Attend over the axis before the last of a matrix of similarities, which goes away.

    A corner of the mixing matrix is enough for a shorter axis: padding has no share to be moved.
    """
    length = scores.shape[-2]
    shares = torch.softmax((scores / TEMPERATURE).masked_fill_(~mask, -torch.inf), dim=-2)
    # One corner for each matrix: with a single one torch would copy all the shares.
    corners = mixing[:length, :length].T.expand(*shares.shape[:-2], -1, -1)
    return ((corners @ shares) * scores).sum(dim=-2)
