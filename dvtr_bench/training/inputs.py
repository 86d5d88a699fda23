"""Training inputs from splits: tokens and pixels, or the outputs of frozen towers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import torch

from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.training.clips import PixelClips
from dvtr_bench.training.published_features import read_published
from dvtr_bench.training.towers import tower_features

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Side
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.recipe import Freeze, Origin

DEFAULT_CACHE_BYTES: Final = 2 * 1024**3


class Items(Protocol):
    """A source of batches of captions or of clips."""

    @property
    def encoded(self) -> bool:
        """Whether they are outputs of a tower, not tokens or pixels."""
        ...

    def __len__(self) -> int:
        """Return the number of items."""
        ...

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return the features of some items, in the order of ``indices``, on the CPU."""
        ...


@dataclass(frozen=True, eq=False)
class Held:
    """Items whose features are all in memory.

    Attributes:
        features: Named tensors, one row per item.
        encoded: Whether they are outputs of a tower.
    """

    features: "Features"
    encoded: bool

    def __len__(self) -> int:
        """Return the number of items."""
        return len(next(iter(self.features.values())))

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return the rows of some items."""
        rows = torch.tensor(indices, dtype=torch.int64)
        return {name: value[rows] for name, value in self.features.items()}


@dataclass(frozen=True, eq=False)
class SplitInputs:
    """Training inputs from one split.

    Attributes:
        captions: ``tokens`` (int64, T x L) if the text tower is trained; the outputs of
            `Trainable.encode_tokens` if it is frozen.
        clips: ``pixels`` and ``frame_mask`` if the image tower is trained; the outputs of
            `Trainable.encode_frames` if it is frozen.
    """

    captions: Items
    clips: Items


def prepare_inputs(
    model: "Trainable",
    splits: "tuple[RetrievalSplit, RetrievalSplit]",
    freeze: "Freeze",
    *,
    features: "Origin" = "own",
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    processes: "Processes" = ALONE,
    show_progress: bool = True,
) -> tuple[SplitInputs, SplitInputs]:
    """Prepare the inputs of the training loop from the train and validation splits.

    Args:
        model: The model whose preprocessing is used, and whose towers if frozen. Models with the
            same backbone whose heads take the same tensors can share the result.
        splits: Train and validation.
        freeze: As in the recipe: ``frames`` encodes every clip once, ``backbone`` every caption
            too. For built datasets the outputs of frozen towers are stored on disk
            (`tower_features`).
        features: As in the recipe: ``published`` reads the outputs of frozen towers from beside the
            dataset (`dvtr_bench.training.published_features`).
        cache_bytes: Memory for preprocessed frames of each split.
        processes: Those that share the training.
        show_progress: Whether to show progress bars.

    Returns:
        The inputs of each split.
    """

    def tower_items(split: "RetrievalSplit", side: "Side") -> Items:
        if features == "published":
            return Held(read_published(model, split, side), encoded=True)
        computed = tower_features(
            model, split, side, processes=processes, show_progress=show_progress
        )
        return Held(computed, encoded=True)

    def captions(split: "RetrievalSplit") -> Items:
        if freeze != "backbone":
            return Held({"tokens": model.tokenize(split.captions)}, encoded=False)
        return tower_items(split, "texts")

    def clips(split: "RetrievalSplit") -> Items:
        if freeze == "nothing":
            return PixelClips(split, model, cache_bytes)
        return tower_items(split, "videos")

    train, validation = (SplitInputs(captions(split), clips(split)) for split in splits)
    return train, validation
