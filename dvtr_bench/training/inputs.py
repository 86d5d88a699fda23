"""What a training takes from its splits: tokens and pixels, or what frozen towers made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import torch

from dvtr_bench.features.encode_split import encode_all_texts, encode_all_videos
from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.training.clips import PixelClips

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Frames, Scoring, Side
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


_CAPTIONS_A_BATCH: Final = 256
_CLIPS_A_BATCH: Final = 16


def tower_features(
    model: "Trainable",
    split: "RetrievalSplit",
    side: "Side",
    *,
    processes: "Processes" = ALONE,
    show_progress: bool = True,
) -> "Features":
    """Encode one side of a split with the tower of that side, as it is now.

    For a built dataset they are kept in ``.embeddings/`` beside it, keyed by all that they depend
    on: every model on the same towers that takes the same tensors finds them there.

    Args:
        model: Whose towers are used.
        split: The split.
        side: ``texts`` gives what `Trainable.encode_tokens` does, ``videos`` what
            `Trainable.encode_frames` does; both without gradients and as in evaluation.
        processes: Those that share the work; every one of them gets all.
        show_progress: Whether to show a progress bar.

    Returns:
        Named tensors, a row a caption or a video, on the CPU.
    """
    towers = _Towers(model, split)
    encode, batch = (
        (encode_all_texts, _CAPTIONS_A_BATCH)
        if side == "texts"
        else (encode_all_videos, _CLIPS_A_BATCH)
    )
    stored = encode(
        towers,
        split,
        batch,
        cache=True,
        heads=False,
        processes=processes,
        show_progress=show_progress,
    )
    return {name: value.cpu() for name, value in stored.features.items()}


class _Towers:
    """A model whose costly stage gives what its head is trained on.

    That may be more than what is scored: words, or patches, that only a loss looks at.
    """

    def __init__(self, model: "Trainable", split: "RetrievalSplit") -> None:
        self._model = model
        self._split = split

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def scoring(self) -> "Scoring":
        return self._model.scoring

    def feature_key(self, side: "Side") -> Mapping[str, Any]:
        # The same towers give other tensors to other heads: their names and shapes tell them apart.
        outputs = self._text_outputs if side == "texts" else self._video_outputs
        return {**self._model.feature_key(side), "outputs": outputs}

    def backbone_texts(self, captions: Sequence[str]) -> "Features":
        tokens = self._model.tokenize(captions)
        return self._model.encode_tokens_eval(tokens)

    def backbone_videos(self, videos: "Sequence[Frames]") -> "Features":
        return self._model.encode_frames_eval(self._model.preprocess(videos))

    def head_texts(self, features: "Features") -> "Features":
        return self._model.head_texts(features)

    def head_videos(self, features: "Features") -> "Features":
        return self._model.head_videos(features)

    def encode_texts(self, captions: Sequence[str]) -> "Features":
        return self.head_texts(self.backbone_texts(captions))

    def encode_videos(self, videos: "Sequence[Frames]") -> "Features":
        return self.head_videos(self.backbone_videos(videos))

    def score(self, texts: "Features", videos: "Features") -> "torch.Tensor":
        return self._model.score(texts, videos)

    @cached_property
    def _text_outputs(self) -> dict[str, list[Any]]:
        return _rows(self.backbone_texts(self._split.captions[:1]))

    @cached_property
    def _video_outputs(self) -> dict[str, list[Any]]:
        return _rows(self.backbone_videos([self._split.frames(0)]))


def _rows(features: "Features") -> dict[str, list[Any]]:
    return {name: [str(value.dtype), *value.shape[1:]] for name, value in features.items()}
