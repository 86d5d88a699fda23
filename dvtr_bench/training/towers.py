"""What frozen towers give for a whole split: encoded once, kept beside the dataset, then read."""

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
