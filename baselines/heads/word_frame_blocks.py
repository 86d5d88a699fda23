"""Blocks of similarities between words of texts and frames of videos, for scoring on a CPU.

Padding is not multiplied, and no word is multiplied twice. CLIP's text tower is causal, so captions
with the same beginning have bit-identical embeddings there: 42% of the words of USRD's test
captions repeat a word of an earlier one. Texts are sorted by their words, so that those with the
same beginning are in the same block. Videos of similar length share a block, which is as long as
its longest.

Each block is one matrix product into reused memory, small enough to stay in the cache until a
compiled loop reads it. On a GPU, or with gradients, array operations over larger blocks are faster.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.cpu import compiled

_PAIRS_AT_ONCE: Final = 2**20
"""Words x frames of a block, 4 MiB: larger blocks would not stay in the cache."""

_VIDEOS_AT_ONCE: Final = 64
"""Videos of a block, over which the inner loops run."""

_FRAMES_AT_ONCE: Final = 2**12
"""Frames that are copied into the order of blocks at once, and used for all texts."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class TextRun(NamedTuple):
    """The texts of one block, with repeated words listed once.

    Attributes:
        texts: int64: their rows among all texts.
        starts: int64: the start of each text's words in ``words``, and the end of the last.
        words: int64, one a word: its row in the block.
        rows: int64, one a row of the block: the position of its word in texts x L.
    """

    texts: Ints
    starts: Ints
    words: Ints
    rows: torch.Tensor


class VideoRun(NamedTuple):
    """Videos of similar length.

    Attributes:
        videos: int64: their rows among all videos.
        length: Number of frames of the longest.
    """

    videos: torch.Tensor
    length: int


def can_use_compiled_loops(*tensors: torch.Tensor) -> bool:
    """Return whether all tensors are float32 on a CPU and none needs a gradient."""
    return all(
        tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        and not (tensor.requires_grad and torch.is_grad_enabled())
        for tensor in tensors
    )


def text_runs(token_embeds: torch.Tensor, token_mask: torch.Tensor, columns: int) -> list[TextRun]:
    """Sort texts by their words and divide them into blocks.

    Args:
        token_embeds: float32, T x L x C.
        token_mask: bool, T x L, padding last.
        columns: Columns of a block for each video.

    Returns:
        Runs of at least one text, with as many rows as fit into a block with `_VIDEOS_AT_ONCE`
        videos.
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
    """Sort videos by length and divide them into blocks.

    Args:
        frame_mask: bool, V x F.

    Yields:
        Lists of runs with at most `_FRAMES_AT_ONCE` frames group, or of a single run.
    """
    frame_numbers = torch.arange(1, frame_mask.shape[1] + 1)
    lengths = (frame_mask * frame_numbers).amax(dim=1)
    order = lengths.argsort(stable=True)
    group: list[VideoRun] = []
    for part in cut(len(order), _VIDEOS_AT_ONCE):
        run = VideoRun(order[part], int(lengths[order[part][-1]]))
        frames = sum(len(other.videos) * other.length for other in group)
        if group and frames + len(run.videos) * run.length > _FRAMES_AT_ONCE:
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def block_size(runs: list[TextRun], columns: int) -> int:
    """Return the number of elements of the largest block, given the columns for each video."""
    return _VIDEOS_AT_ONCE * columns * max(len(run.rows) for run in runs)


def product(left: torch.Tensor, right: torch.Tensor, memory: torch.Tensor) -> Floats:
    """Multiply N x C by C x M into existing memory."""
    out = memory[: len(left) * right.shape[1]].view(len(left), right.shape[1])
    multiplied: Floats = torch.mm(left, right, out=out).numpy()
    return multiplied


def _first_of_the_same(bits: NDArray[np.int32], mask: NDArray[np.bool_]) -> Ints:
    """Return for each word the position of the first bit-identical word; -1 for padding.

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
    _undo_hash_collisions(bits, same)
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
def _undo_hash_collisions(bits: NDArray[np.int32], same: Ints) -> None:
    """Give a word its own position if it differs from the word with the same hash."""
    length = same.shape[1]
    for text in range(same.shape[0]):
        for word in range(length):
            position = text * length + word
            if same[text, word] in (-1, position):
                continue
            other, other_word = divmod(same[text, word], length)
            differ = np.int32(0)
            for channel in range(bits.shape[2]):
                differ |= bits[text, word, channel] ^ bits[other, other_word, channel]
            if differ:
                same[text, word] = position
