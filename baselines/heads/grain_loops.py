"""Compiled loops for X-CLIP's attention over a block of similarities.

With array operations, every step (softmax, mixing, sum) would read and write the block in memory;
these loops keep it in the cache. Videos are the last axis of all arrays, so that each inner loop
runs over many videos.
"""

from typing import Any, Final

import numpy as np

from baselines.heads.word_frame_blocks import Floats, Ints
from dvtr_bench.runtime.cpu import compiled

_STEP: Final = 4
"""Number of positions mixed at once; matrices are padded with 0 to a multiple of it."""


def pad_for_loops(mixing: Floats) -> Floats:
    """Pad a square matrix with rows and columns of 0, as the loops need it."""
    missing = -len(mixing) % _STEP
    return np.pad(mixing, ((0, missing), (0, missing)))


@compiled
def attend_over_frames(
    first: int, last: int, pairs: Floats, mask: Floats, mixing: Floats, out: Floats
) -> None:
    """For each word, attend over the frames of each video.

    Args:
        first: First row to compute.
        last: End of the rows to compute (exclusive).
        pairs: float32, rows x (at least frames) x videos.
        mask: float32, frames x videos, 1 or 0 for padding.
        mixing: float32, at least frames x frames, from `pad_for_loops`.
        out: float32, rows x videos: the result is written here.
    """
    num_frames, num_videos = mask.shape
    scores = np.zeros((len(mixing), num_videos), np.float32)
    buffers = _buffers(*scores.shape)
    for row in range(first, last):
        for frame in range(num_frames):
            for video in range(num_videos):
                scores[frame, video] = pairs[row, frame, video]
        _attend(scores, mask, num_frames, mixing, buffers, out[row])


@compiled
def add_up_grains(
    first: int,
    last: int,
    starts: Ints,
    words: Ints,
    similarities: tuple[Floats, Floats, Floats],
    mask: Floats,
    mixing: tuple[Floats, Floats, Floats, Floats, Floats],
    positions: tuple[Ints, Ints],
    scores: Floats,
) -> None:
    """Score each text against each video by the mean of the four similarities.

    Args:
        first: First text to score.
        last: End of the texts to score (exclusive).
        starts: int64: the start of each text's words in ``words``, and the end of the last.
        words: int64: the row of the similarities of each word.
        similarities: float32: of words with frames and, last, the video (rows x frames + 1 x
            videos); of sentences with the same; of words with each video's frames after attention
            (rows x videos).
        mask: float32, frames x videos, 1 or 0 for padding.
        mixing: Matrices from `pad_for_loops`: over words for each frame, over words after frames,
            over words with the video, over frames after words, over frames with the sentence.
        positions: int64: rows and columns of the texts and videos in ``scores``.
        scores: float32, all texts x all videos: the result is written here.
    """
    pairs, whole, by_word = similarities
    word_mat, word_mat2, word_logit, frame_mat2, frame_logit = mixing
    texts, videos = positions
    num_frames, num_videos = mask.shape
    most = max(len(word_mat), len(frame_mat2))
    values = np.zeros((most, num_videos), np.float32)
    buffers = _buffers(*values.shape)
    by_frame = np.zeros((most, num_videos), np.float32)
    ones = np.ones((most, num_videos), np.float32)
    over_words, over_frames, with_video, with_sentence, _ = _buffers(1, num_videos)
    for text in range(first, last):
        mine = words[starts[text] : starts[text + 1]]
        count = len(mine)
        values[count:] = 0.0
        for frame in range(num_frames):
            for position in range(count):
                for video in range(num_videos):
                    values[position, video] = pairs[mine[position], frame, video]
            _attend(values, ones, count, word_mat, buffers, by_frame[frame])
        for position in range(count):
            for video in range(num_videos):
                values[position, video] = pairs[mine[position], num_frames, video]
        _attend(values, ones, count, word_logit, buffers, with_video)
        for position in range(count):
            for video in range(num_videos):
                values[position, video] = by_word[mine[position], video]
        _attend(values, ones, count, word_mat2, buffers, over_words)
        _attend(by_frame, mask, num_frames, frame_mat2, buffers, over_frames)
        values[num_frames:] = 0.0
        for frame in range(num_frames):
            for video in range(num_videos):
                values[frame, video] = whole[text, frame, video]
        _attend(values, mask, num_frames, frame_logit, buffers, with_sentence)
        for video in range(num_videos):
            fine = (over_frames[video] + over_words[video]) / np.float32(2.0)
            total = whole[text, num_frames, video] + with_video[video] + with_sentence[video] + fine
            scores[texts[text], videos[video]] = total / np.float32(4.0)


@compiled
def _buffers(num_positions: int, num_videos: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Allocate the working memory of `_attend`; rows of one array would be slower."""
    line = np.empty(num_videos, np.float32)
    return (
        line,
        np.empty_like(line),
        np.empty_like(line),
        np.empty_like(line),
        np.empty((num_positions, num_videos), np.float32),
    )


@compiled
def _attend(
    scores: Floats,
    mask: Floats,
    count: int,
    mixing: Floats,
    buffers: tuple[Floats, Floats, Floats, Floats, Floats],
    out: Floats,
) -> None:
    """Attend over the first ``count`` positions of each video: ``sum((a M) s)``.

    The following rows of the scores are 0 up to the next multiple of `_STEP`.
    """
    num_videos = scores.shape[1]
    greatest, total, weighted_sum, mixed, shares = buffers
    greatest[:] = -np.inf
    for position in range(count):
        for video in range(num_videos):
            score = scores[position, video] if mask[position, video] > 0 else np.float32(-np.inf)
            best = greatest[video]
            greatest[video] = score if score > best else best
    total[:] = 0.0
    weighted_sum[:] = 0.0
    for position in range(count):
        for video in range(num_videos):
            # A padded score may be above the greatest of the others.
            counts = mask[position, video] > 0
            power = np.float32(100.0) * (scores[position, video] - greatest[video])
            share = _exp(power if counts else np.float32(-87.0)) * mask[position, video]
            shares[position, video] = share
            total[video] += share
    for position in range(count):
        mixed[:] = 0.0
        for other in range(0, count, _STEP):
            m0, m1, m2, m3 = (
                mixing[position, other],
                mixing[position, other + 1],
                mixing[position, other + 2],
                mixing[position, other + 3],
            )
            for video in range(num_videos):
                mixed[video] += (
                    m0 * scores[other, video]
                    + m1 * scores[other + 1, video]
                    + m2 * scores[other + 2, video]
                    + m3 * scores[other + 3, video]
                )
        for video in range(num_videos):
            weighted_sum[video] += shares[position, video] * mixed[video]
    for video in range(num_videos):
        out[video] = weighted_sum[video] / total[video]


@compiled
def _exp(power: Any) -> Any:
    """Return the exponential of a number up to 0; NaN for NaN.

    A compiler can vectorise this polynomial, but not a call of the C library.

    Source: coefficients of Cephes ``expf``; the relative error is at most 2^-23.
    """
    power = np.float32(-87.0) if power < np.float32(-87.0) else power
    whole = np.floor(power * np.float32(1.44269504) + np.float32(0.5))
    rest = power - whole * np.float32(0.693359375) - whole * np.float32(-2.12194440e-4)
    series = np.float32(1.9875691500e-4)
    series = series * rest + np.float32(1.3981999507e-3)
    series = series * rest + np.float32(8.3334519073e-3)
    series = series * rest + np.float32(4.1665795894e-2)
    series = series * rest + np.float32(1.6666665459e-1)
    series = series * rest + np.float32(5.0000001201e-1)
    series = series * rest * rest + rest + np.float32(1.0)
    exponent = np.int32(whole) + np.int32(127)
    return series * np.int32(exponent << np.int32(23)).view(np.float32)
