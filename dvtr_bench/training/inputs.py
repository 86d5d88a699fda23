"""What a training takes from its splits: tokens and pixels, or what frozen towers made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import torch

from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.training.clips import PixelClips
from dvtr_bench.training.towers import tower_features

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Side
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.recipe import Freeze

DEFAULT_CACHE_BYTES: Final = 2 * 1024**3


class Items(Protocol):
    """A source of batches of captions or of clips."""

    @property
    def encoded(self) -> bool:
        """Whether they are what a tower gave, no longer tokens or pixels."""
        ...

    def __len__(self) -> int:
        """Return the number of items."""
        ...

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return the features of some items, in the order of ``indices``, on the CPU."""
        ...


@dataclass(frozen=True, eq=False)
class Held:
    """Items whose features are all there.

    Attributes:
        features: Named tensors, a row an item.
        encoded: Whether a tower gave them.
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
    """What a training takes from one split.

    Attributes:
        captions: ``tokens`` (int64, T x L) while the text tower is trained; what it gave, as
            `Trainable.encode_tokens` names it, where it is frozen.
        clips: ``pixels`` and ``frame_mask`` while the image tower is trained; what it gave, as
            `Trainable.encode_frames` names it, where it is frozen.
    """

    captions: Items
    clips: Items


def prepare_inputs(
    model: "Trainable",
    splits: "tuple[RetrievalSplit, RetrievalSplit]",
    freeze: "Freeze",
    *,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    processes: "Processes" = ALONE,
    show_progress: bool = True,
) -> tuple[SplitInputs, SplitInputs]:
    """Prepare what the loop takes from the train and validation splits.

    Args:
        model: Whose preprocessing is used, and whose towers where they are frozen. Models on the
            same backbone whose heads take the same tensors can share what is returned.
        splits: Train and validation.
        freeze: As in the recipe: ``frames`` encodes every clip once, ``backbone`` every caption
            too. For built datasets what frozen towers give is kept on disk (`tower_features`).
        cache_bytes: Memory for preprocessed frames of each split.
        processes: Those that share the training.
        show_progress: Whether to show progress bars.

    Returns:
        The inputs of each split.
    """

    def kept(split: "RetrievalSplit", side: "Side") -> Items:
        features = tower_features(
            model, split, side, processes=processes, show_progress=show_progress
        )
        return Held(features, encoded=True)

    def captions(split: "RetrievalSplit") -> Items:
        if freeze != "backbone":
            return Held({"tokens": model.tokenize(split.captions)}, encoded=False)
        return kept(split, "texts")

    def clips(split: "RetrievalSplit") -> Items:
        if freeze == "nothing":
            return PixelClips(split, model, cache_bytes)
        return kept(split, "videos")

    train, validation = (SplitInputs(captions(split), clips(split)) for split in splits)
    return train, validation
