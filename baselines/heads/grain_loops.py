"""X-CLIP's attention over a block of similarities, compiled: each number is read in the cache.

By array operations every step (softmax, mixing, sum) reads and writes the block from memory.
Videos are the last axis of everything here, so that each loop runs along many of them at once.
"""

from typing import Any, Final

import numpy as np

from baselines.heads.word_frame_blocks import Floats, Ints
from dvtr_bench.runtime.compiled import compiled

_STEP: Final = 4
"""Places that are mixed in one go; matrices are filled up with 0 to a multiple of it."""


def filled_up(mixing: Floats) -> Floats:
    """Return a square matrix with rows and columns of 0 behind, as many as the loops need."""
    more = -len(mixing) % _STEP
    return np.pad(mixing, ((0, more), (0, more)))


@compiled
def attend_over_frames(
    first: int, last: int, pairs: Floats, there: Floats, mixing: Floats, out: Floats
) -> None:
    """Attend over the frames of each video, as each word sees them.

    Args:
        first: Of the rows to do.
        last: Behind the last.
        pairs: float32, rows x (frames and more) x videos.
        there: float32, frames x videos, 1 or 0.
        mixing: float32, at least frames x frames, as `filled_up` returns it.
        out: float32, rows x videos.
    """
    num_frames, num_videos = there.shape
    scores = np.zeros((len(mixing), num_videos), np.float32)
    rooms = _rooms(*scores.shape)
    for row in range(first, last):
        for frame in range(num_frames):
            for video in range(num_videos):
                scores[frame, video] = pairs[row, frame, video]
        _attend(scores, there, num_frames, mixing, rooms, out[row])


@compiled
def add_up_grains(
    first: int,
    last: int,
    starts: Ints,
    words: Ints,
    similarities: tuple[Floats, Floats, Floats],
    there: Floats,
    mixing: tuple[Floats, Floats, Floats, Floats, Floats],
    places: tuple[Ints, Ints],
    scores: Floats,
) -> None:
    """Score each text against each video by the four similarities.

    Args:
        first: Of the texts to do.
        last: Behind the last.
        starts: int64, where the words of each text begin in ``words``, and the end of all.
        words: int64: which row of the similarities each word is.
        similarities: float32: of words with frames and, last, the video (rows x frames + 1 x
            videos); of sentences with the same; of words with frames that are attended over (rows x
            videos).
        there: float32, frames x videos, 1 or 0.
        mixing: For words, over words behind frames, for words with the video; for frames behind
            words, for frames with the sentence. As `filled_up` returns them.
        places: int64: which row and column of ``scores`` the texts and videos are.
        scores: float32, of all texts and videos.
    """
    pairs, whole, by_word = similarities
    word_mat, word_mat2, word_logit, frame_mat2, frame_logit = mixing
    texts, videos = places
    num_frames, num_videos = there.shape
    most = max(len(word_mat), len(frame_mat2))
    values = np.zeros((most, num_videos), np.float32)
    rooms = _rooms(*values.shape)
    by_frame = np.zeros((most, num_videos), np.float32)
    ones = np.ones((most, num_videos), np.float32)
    over_words, over_frames, with_video, with_sentence, _ = _rooms(1, num_videos)
    for text in range(first, last):
        mine = words[starts[text] : starts[text + 1]]
        count = len(mine)
        values[count:] = 0.0
        for frame in range(num_frames):
            for place in range(count):
                for video in range(num_videos):
                    values[place, video] = pairs[mine[place], frame, video]
            _attend(values, ones, count, word_mat, rooms, by_frame[frame])
        for place in range(count):
            for video in range(num_videos):
                values[place, video] = pairs[mine[place], num_frames, video]
        _attend(values, ones, count, word_logit, rooms, with_video)
        for place in range(count):
            for video in range(num_videos):
                values[place, video] = by_word[mine[place], video]
        _attend(values, ones, count, word_mat2, rooms, over_words)
        _attend(by_frame, there, num_frames, frame_mat2, rooms, over_frames)
        values[num_frames:] = 0.0
        for frame in range(num_frames):
            for video in range(num_videos):
                values[frame, video] = whole[text, frame, video]
        _attend(values, there, num_frames, frame_logit, rooms, with_sentence)
        for video in range(num_videos):
            fine = (over_frames[video] + over_words[video]) / np.float32(2.0)
            total = whole[text, num_frames, video] + with_video[video] + with_sentence[video] + fine
            scores[texts[text], videos[video]] = total / np.float32(4.0)


@compiled
def _rooms(num_places: int, num_videos: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return memory for `_attend`, each by itself: as rows of one array are slow."""
    line = np.empty(num_videos, np.float32)
    return (
        line,
        np.empty_like(line),
        np.empty_like(line),
        np.empty_like(line),
        np.empty((num_places, num_videos), np.float32),
    )


@compiled
def _attend(
    scores: Floats,
    there: Floats,
    count: int,
    mixing: Floats,
    rooms: tuple[Floats, Floats, Floats, Floats, Floats],
    out: Floats,
) -> None:
    """Attend over the first ``count`` places of each video: ``sum((a M) s)``.

    Rows of the scores behind are 0 up to the next multiple of `_STEP`.
    """
    num_videos = scores.shape[1]
    greatest, total, found, mixed, shares = rooms
    greatest[:] = -np.inf
    for place in range(count):
        for video in range(num_videos):
            score = scores[place, video] if there[place, video] > 0 else np.float32(-np.inf)
            best = greatest[video]
            greatest[video] = score if score > best else best
    total[:] = 0.0
    found[:] = 0.0
    for place in range(count):
        for video in range(num_videos):
            # What is not there may be above the greatest that is.
            counts = there[place, video] > 0
            power = np.float32(100.0) * (scores[place, video] - greatest[video])
            share = _exp(power if counts else np.float32(-87.0)) * there[place, video]
            shares[place, video] = share
            total[video] += share
    for place in range(count):
        mixed[:] = 0.0
        for other in range(0, count, _STEP):
            m0, m1, m2, m3 = (
                mixing[place, other],
                mixing[place, other + 1],
                mixing[place, other + 2],
                mixing[place, other + 3],
            )
            for video in range(num_videos):
                mixed[video] += (
                    m0 * scores[other, video]
                    + m1 * scores[other + 1, video]
                    + m2 * scores[other + 2, video]
                    + m3 * scores[other + 3, video]
                )
        for video in range(num_videos):
            found[video] += shares[place, video] * mixed[video]
    for video in range(num_videos):
        out[video] = found[video] / total[video]


@compiled
def _exp(power: Any) -> Any:
    """Return e to the power of numbers up to 0, NaN for NaN.

    In terms that run along many numbers at once, as a call of the C library does not.

    Source: Cephes ``expf``: its coefficients; the greatest error is 1 in 2^23.
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
