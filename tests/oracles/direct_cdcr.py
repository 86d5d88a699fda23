"""DRL's channel decorrelation as its formulas are written: loops over tokens and channels."""

import numpy as np


def unit(vector):
    return vector / np.linalg.norm(vector)


def matches(texts, videos):
    """Each word with its best frame, and each frame with its best word, of every pair.

    Texts and videos are lists of arrays, tokens x C, without padding.
    """
    words, frames = [], []
    for text, video in zip(texts, videos, strict=True):
        text, video = [unit(one) for one in text], [unit(one) for one in video]
        for word in text:
            words.append((word, max(video, key=lambda frame, word=word: frame @ word)))
        for frame in video:
            frames.append((frame, max(text, key=lambda word, frame=frame: word @ frame)))
    return words, frames


def correlation(pairs, shares):
    """C x C: channel c of one side with channel d of the other, weighed by ``shares``."""
    one, other = (np.stack(side) for side in zip(*pairs, strict=True))

    def standardised(side):
        return (side - side.mean(axis=0)) / side.std(axis=0, ddof=1)

    one, other = standardised(one), standardised(other)
    width = one.shape[1]
    return np.array(
        [
            [sum(s * a[c] * b[d] for s, a, b in zip(shares, one, other, strict=True))
             for d in range(width)]
            for c in range(width)
        ]
    )  # fmt: skip


def direct_cdcr(texts, videos, text_weights, video_weights, *, weighted, on, off):
    """The loss; weights are lists of arrays that sum to 1 for each text and video."""
    words, frames = matches(texts, videos)
    count = len(texts)
    if weighted:
        word_shares = np.concatenate(text_weights) / count
        frame_shares = np.concatenate(video_weights) / count
    else:
        word_shares = np.full(len(words), 1 / len(words))
        frame_shares = np.full(len(frames), 1 / len(frames))
    found = (correlation(words, word_shares) + correlation(frames, frame_shares)) / 2
    return decorrelation(found, on, off)


def decorrelation(found, on, off):
    loss = 0.0
    for c in range(len(found)):
        for d in range(len(found)):
            loss += on * (1 - found[c, c]) ** 2 if c == d else off * found[c, d] ** 2
    return loss
