"""Words of many texts against frames of many videos, a block at a time, where a CPU scores.

What is padding is not multiplied, and no word twice. CLIP reads from left to right, so captions
that begin alike have the same embeddings there, to the bit: of the words of USRD's test captions,
42 in 100 stand so in an earlier one. Texts are put in order of their words, so that those that
begin alike stand together. Videos of like length share a block that is as long as its longest.

Each block of similarities is one matrix product into memory that is used again for the next, small
enough to be in the cache when a compiled loop reads it. A GPU, and whoever needs gradients, is
served better by array operations over larger blocks.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.compiled import compiled

_PAIRS_AT_ONCE: Final = 2**20
"""Words x frames of a block, 4 MiB: larger ones leave the cache before they are read."""

_VIDEOS_AT_ONCE: Final = 64
"""Videos of a block: the loops run along them."""

_FRAMES_AT_ONCE: Final = 2**12
"""Frames copied into the order of the blocks; the words of all texts pass by each such copy."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class TextRun(NamedTuple):
    """Texts of one block, and which of their words are the same.

    Attributes:
        texts: int64: which of all texts.
        starts: int64, one more than texts: where the words of each begin, and the end of all.
        words: int64, a word: which row of the block it is.
        rows: int64, a row of the block: where its word stands, in texts x L.
    """

    texts: Ints
    starts: Ints
    words: Ints
    rows: torch.Tensor


class VideoRun(NamedTuple):
    """Videos of like length.

    Attributes:
        videos: int64: which of all videos.
        length: Frames of the longest.
    """

    videos: torch.Tensor
    length: int


def compiled_loops_serve(*tensors: torch.Tensor) -> bool:
    """Return whether tensors are float32 on a CPU and no gradient is asked for."""
    return all(
        tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        and not (tensor.requires_grad and torch.is_grad_enabled())
        for tensor in tensors
    )


def text_runs(token_embeds: torch.Tensor, token_mask: torch.Tensor, columns: int) -> list[TextRun]:
    """Sort texts by their words and cut them into runs.

    Args:
        token_embeds: float32, T x L x C.
        token_mask: bool, T x L, True in front.
        columns: Of a block, for each video.

    Returns:
        Runs of as many rows as make one block with `_VIDEOS_AT_ONCE` videos, or of one text.
    """
    mask = token_mask.numpy()
    same = _first_of_the_same(token_embeds.numpy().view(np.int32), mask)
    order = np.lexsort(same.T[::-1])
    same, mask = same[order], mask[order]
    lengths = mask.sum(axis=1)
    new = ((same[1:] != same[:-1]) & mask[1:]).sum(axis=1)
    room = _PAIRS_AT_ONCE // (_VIDEOS_AT_ONCE * columns)
    runs, first, rows = [], 0, int(lengths[0])
    for text in range(1, len(order) + 1):
        more = int(new[text - 1]) if text < len(order) else room
        if rows + more <= room:
            rows += more
            continue
        words = same[first:text][mask[first:text]]
        distinct, rows_of_words = np.unique(words, return_inverse=True)
        starts = np.concatenate(([0], lengths[first:text].cumsum()))
        runs.append(TextRun(order[first:text], starts, rows_of_words, torch.from_numpy(distinct)))
        if text < len(order):
            first, rows = text, int(lengths[text])
    return runs


def video_runs(frame_mask: torch.Tensor) -> Iterator[list[VideoRun]]:
    """Sort videos by length and cut them into runs.

    Args:
        frame_mask: bool, V x F.

    Yields:
        Lists of runs that hold `_FRAMES_AT_ONCE` frames together, or a single run.
    """
    places = torch.arange(1, frame_mask.shape[1] + 1)
    lengths = (frame_mask * places).amax(dim=1)
    order = lengths.argsort(stable=True)
    together: list[VideoRun] = []
    for part in cut(len(order), _VIDEOS_AT_ONCE):
        run = VideoRun(order[part], int(lengths[order[part][-1]]))
        frames = sum(len(other.videos) * other.length for other in together)
        if together and frames + len(run.videos) * run.length > _FRAMES_AT_ONCE:
            yield together
            together = []
        together.append(run)
    if together:
        yield together


def block_size(runs: list[TextRun], columns: int) -> int:
    """Return the numbers in the largest block, of as many columns for each video."""
    return _VIDEOS_AT_ONCE * columns * max(len(run.rows) for run in runs)


def product(left: torch.Tensor, right: torch.Tensor, memory: torch.Tensor) -> Floats:
    """Multiply N x C by C x M into memory that is there."""
    out = memory[: len(left) * right.shape[1]].view(len(left), right.shape[1])
    found: Floats = torch.mm(left, right, out=out).numpy()
    return found


def _first_of_the_same(bits: NDArray[np.int32], mask: NDArray[np.bool_]) -> Ints:
    """Return the place of the first word that is the same to the bit for each; -1 for padding.

    Args:
        bits: int32, T x L x C.
        mask: bool, T x L.
    """
    hashes = np.zeros(mask.shape, np.int64)
    multipliers = np.random.default_rng(0).integers(2**62, size=bits.shape[2]) | 1
    _hash_words(bits, mask, multipliers, hashes)
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    same = first[inverse].reshape(mask.shape)
    same[~mask] = -1
    _take_back_what_differs(bits, same)
    return same


@compiled
def _hash_words(
    bits: NDArray[np.int32], mask: NDArray[np.bool_], multipliers: Ints, hashes: Ints
) -> None:
    for text in range(mask.shape[0]):
        for word in range(mask.shape[1]):
            if mask[text, word]:
                total = 0
                for channel in range(bits.shape[2]):
                    total += bits[text, word, channel] * multipliers[channel]
                hashes[text, word] = total


@compiled
def _take_back_what_differs(bits: NDArray[np.int32], same: Ints) -> None:
    """Let words stand for themselves that have another word's hash without being the same."""
    length = same.shape[1]
    for text in range(same.shape[0]):
        for word in range(length):
            place = text * length + word
            if same[text, word] in (-1, place):
                continue
            other, other_word = divmod(same[text, word], length)
            differ = np.int32(0)
            for channel in range(bits.shape[2]):
                differ |= bits[text, word, channel] ^ bits[other, other_word, channel]
            if differ:
                same[text, word] = place
