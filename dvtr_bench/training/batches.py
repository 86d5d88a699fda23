"""Draw the captions, clips and frames of each step, from seed and epoch only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dvtr_bench.errors import InputError

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.training.recipe import Recipe

_EPOCHS_A_SEED = 1_000_003
"""Keeps the streams of neighbouring seeds and epochs apart."""


@dataclass(frozen=True)
class Batch:
    """The pairs of one step.

    Attributes:
        captions: Indices of its captions.
        clips: Indices of its clips, each once.
        clip_of_caption: For each caption, the index of its clip in ``clips``.
    """

    captions: list[int]
    clips: list[int]
    clip_of_caption: list[int]


def epoch_generator(recipe: "Recipe", epoch: int) -> torch.Generator:
    """Return the random generator of an epoch, which depends only on seed and epoch."""
    return torch.Generator().manual_seed(recipe.seed * _EPOCHS_A_SEED + epoch)


def epoch_batches(
    split: "RetrievalSplit", recipe: "Recipe", generator: torch.Generator
) -> list[Batch]:
    """Draw the batches of an epoch.

    The last, short batch is left out, as in the authors' code; if there are fewer pairs than the
    batch size, they form one batch.

    Args:
        split: The training split.
        recipe: Says batch size and pairs.
        generator: Of the epoch.

    Returns:
        The batches.

    Raises:
        InputError: Fewer than two pairs.
    """
    owner = split.caption_video_index.tolist()
    if recipe.pairs == "all":
        pairs = torch.randperm(len(owner), generator=generator).tolist()
    else:
        pairs = _one_caption_per_video(owner, generator)
    if len(pairs) < 2:
        raise InputError(
            f"the {split.name} split of {split.dataset_name} has {len(pairs)} pairs to train on: "
            "a contrastive loss needs at least two"
        )
    size = min(recipe.batch_size, len(pairs))
    return [
        _batch(pairs[start : start + size], owner)
        for start in range(0, len(pairs) - size + 1, size)
    ]


def steps_in_epoch(split: "RetrievalSplit", recipe: "Recipe") -> int:
    """Return how many batches `epoch_batches` draws."""
    return len(epoch_batches(split, recipe, epoch_generator(recipe, 0)))


def draw_frames(frame_mask: torch.Tensor, count: int, chances: torch.Tensor) -> torch.Tensor:
    """Draw random frames of each clip, without repeats and in order of time.

    Args:
        frame_mask: bool, V x F.
        count: Frames to draw; F if it is larger.
        chances: float, V x F, random numbers from 0..1; the frames with the highest are taken.

    Returns:
        int64, V x count: indices of frames; padding is taken only if a clip has too few frames.
    """
    chosen = chances.masked_fill(~frame_mask, -1.0).topk(min(count, frame_mask.shape[1])).indices
    return chosen.sort(dim=1).values


def _one_caption_per_video(owner: list[int], generator: torch.Generator) -> list[int]:
    shuffled = torch.randperm(len(owner), generator=generator).tolist()
    first: dict[int, int] = {}
    for caption in shuffled:
        first.setdefault(owner[caption], caption)
    return list(first.values())


def _batch(captions: list[int], owner: list[int]) -> Batch:
    clip_indices: dict[int, int] = {}
    for caption in captions:
        clip_indices.setdefault(owner[caption], len(clip_indices))
    return Batch(
        captions, list(clip_indices), [clip_indices[owner[caption]] for caption in captions]
    )
