"""The outputs of a model's towers: computed once where the towers are frozen."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.features.encode_split import encode_all_texts, encode_all_videos
from dvtr_bench.runtime.processes import ALONE

if TYPE_CHECKING:
    import torch

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Frames, Scoring, Side
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes

_CAPTIONS_PER_BATCH: Final = 256
_CLIPS_PER_BATCH: Final = 16


def tower_features(
    model: "Trainable",
    split: "RetrievalSplit",
    side: "Side",
    *,
    processes: "Processes" = ALONE,
    show_progress: bool = True,
) -> "Features":
    """Encode one side of a split with the current weights of its tower.

    For a built dataset the features are stored in ``.embeddings/`` beside it, keyed by everything
    they depend on, so that models with the same towers and outputs share them.

    Args:
        model: The model whose towers are used.
        split: The split.
        side: ``texts`` gives the outputs of `Trainable.encode_tokens`, ``videos`` those of
            `Trainable.encode_frames`; both without gradients, in evaluation mode.
        processes: Processes that share the work; each gets all features.
        show_progress: Whether to show a progress bar.

    Returns:
        Named tensors, one row per caption or video, on the CPU.
    """
    towers = _Towers(model, split)
    encode, batch = (
        (encode_all_texts, _CAPTIONS_PER_BATCH)
        if side == "texts"
        else (encode_all_videos, _CLIPS_PER_BATCH)
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


def tower_key(model: "Trainable", split: "RetrievalSplit", side: "Side") -> Mapping[str, Any]:
    """Return all that the outputs of a model's tower depend on, the split apart.

    Args:
        model: The model whose towers are used.
        split: The split; its first item is encoded, to learn names and shapes of the outputs.
        side: ``texts`` or ``videos``.

    Returns:
        JSON values.
    """
    return _Towers(model, split).feature_key(side)


class _Towers:
    """A model whose costly stage returns the inputs of its head's loss.

    These can be more than the inputs of scoring: words or patches that only a loss uses.
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
        # The same towers return different tensors for different heads: names and shapes are the
        # key.
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
