"""The `Retriever` protocol: what a model needs to be scored and ranked.

A retriever is any object with these members; it needs no base class.

Example:
    A model that compares the colours named in a caption with the mean colour of the frames:

    >>> import numpy as np
    >>> import torch
    >>> COLOURS = {"red": (255, 0, 0), "green": (0, 128, 0), "white": (255, 255, 255)}
    >>> class MeanColour:
    ...     name, scoring = "mean_colour", "pairwise"
    ...
    ...     def encode_texts(self, captions):
    ...         named = [[rgb for word, rgb in COLOURS.items() if word in c] for c in captions]
    ...         return self._rows(np.mean(rgbs or [(128,) * 3], axis=0) for rgbs in named)
    ...
    ...     def encode_videos(self, videos):
    ...         return self._rows(np.mean(frames, axis=(0, 1, 2)) for frames in videos)
    ...
    ...     def score(self, texts, videos):
    ...         return -(texts["rgb"][:, None] - videos["rgb"]).abs().sum(-1)
    ...
    ...     def _rows(self, colours):
    ...         return {"rgb": torch.tensor(np.stack(list(colours)))}
    >>> model = MeanColour()
    >>> isinstance(model, Retriever)
    True
    >>> roofs = [[np.full((2, 3, 3), colour, np.uint8)] * 4 for colour in ((250, 0, 0), (9, 99, 9))]
    >>> model.score(model.encode_texts(["a red roof"]), model.encode_videos(roofs)).tolist()
    [[-5.0, -354.0]]

    Evaluate it by the protocol and write its result file:

    >>> from pathlib import Path
    >>> from dvtr_bench.dataset.reader import open_dataset
    >>> from dvtr_bench.evaluation.evaluate import evaluate
    >>> from dvtr_bench.results import write_result
    >>> evaluation = evaluate(model, open_dataset("mine").split("test"))  # doctest: +SKIP
    >>> write_result(evaluation.records[0], Path("results"))  # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Scoring = Literal["pairwise", "query_block"]

Side = Literal["texts", "videos"]
"""What is encoded: the queries or the gallery."""

Features: TypeAlias = "Mapping[str, torch.Tensor]"
"""Named tensors of a batch; the first axis of each is the item (caption or video)."""

Frames: TypeAlias = "Sequence[NDArray[np.uint8]]"
"""The stored frames of one video: RGB, uint8, height x width x 3 each, in time order."""


@runtime_checkable
class Retriever(Protocol):
    """Encodes captions and videos, and scores blocks of captions against blocks of videos.

    Attributes:
        name: What the model is called in results.
        scoring: ``pairwise`` when the score of a (text, video) pair depends on that pair alone;
            ``query_block`` when it also depends on the other texts of its block. The harness
            checks the claim.
    """

    @property
    def name(self) -> str:
        """What the model is called in results."""
        ...

    @property
    def scoring(self) -> Scoring:
        """What a score depends on."""
        ...

    def encode_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions.

        Args:
            captions: T captions.

        Returns:
            Named tensors whose first axis is T; they are cut and joined along it.
        """
        ...

    def encode_videos(self, videos: Sequence[Frames]) -> Features:
        """Encode videos from their stored frames.

        Args:
            videos: V videos, each its frames in time order (RGB, uint8, height x width x 3).

        Returns:
            Named tensors whose first axis is V; they are cut and joined along it.
        """
        ...

    def score(self, texts: Features, videos: Features) -> "torch.Tensor":
        """Score every text of a block against every video of a block.

        Args:
            texts: Features of T texts.
            videos: Features of V videos.

        Returns:
            float32, T x V; higher is more similar.
        """
        ...


@runtime_checkable
class BlockRetriever(Retriever, Protocol):
    """A ``query_block`` retriever: states its text block and can be set to another.

    ``score`` treats each run of ``text_block`` texts as one block; the harness cuts the queries at
    multiples of it.
    """

    @property
    def text_block(self) -> int:
        """Texts scored together, as published."""
        ...

    def at_block(self, text_block: int) -> "BlockRetriever":
        """Return the same model scoring blocks of ``text_block`` texts."""
        ...


@runtime_checkable
class DirectedRetriever(Retriever, Protocol):
    """A model that may score a pair otherwise where the video is the query, as by another prompt.

    Then each direction is ranked by a sim_matrix of its own: t2v by ``score`` of the features as
    they were encoded, v2t by ``score`` of what `features_for_v2t` makes of them.

    Attributes:
        scores_each_way: Whether it does; False where one sim_matrix is for both directions.
    """

    @property
    def scores_each_way(self) -> bool:
        """Whether each direction has scores of its own."""
        ...

    def features_for_v2t(self, features: Features) -> Features:
        """Return the features of captions, or of videos, by which v2t is scored.

        Args:
            features: As they were encoded: what both directions need.

        Returns:
            Named tensors with the same rows, in the form that ``score`` takes.
        """
        ...


def scores_each_way(retriever: Retriever) -> bool:
    """Tell whether a model has scores of its own for each direction."""
    return isinstance(retriever, DirectedRetriever) and retriever.scores_each_way


def features_in(retriever: Retriever, features: Features, direction: str) -> Features:
    """Return the features by which a direction is scored.

    Args:
        retriever: The model that encoded them.
        features: Of captions or of videos, as they were encoded.
        direction: ``t2v`` or ``v2t``.

    Returns:
        Named tensors with the same rows; the given ones where there is no difference.
    """
    if direction == "v2t" and isinstance(retriever, DirectedRetriever):
        return retriever.features_for_v2t(features) if retriever.scores_each_way else features
    return features


@runtime_checkable
class Described(Protocol):
    """A model that describes itself for the record of a run."""

    def describe(self) -> Mapping[str, Any]:
        """Return config, parameter count, backbone and weights hash, as JSON values."""
        ...


@runtime_checkable
class ReadsTokens(Protocol):
    """A model that reads a limited number of tokens, and can say what it reads of a caption."""

    def tokens_read(self, captions: Sequence[str]) -> "tuple[NDArray[np.int64], NDArray[np.bool_]]":
        """Return what the model reads of T captions.

        Args:
            captions: T captions.

        Returns:
            Its tokens, int64, T x L; and whether a caption has more than it reads, bool, T.
        """
        ...


@runtime_checkable
class StagedRetriever(Retriever, Protocol):
    """A model whose encoding has a costly stage shared with others, and a cheap head.

    The features of the backbone are stored beside the dataset and reused by every model with the
    same `feature_key`; the heads always run. Encoding runs one stage after the other:
    ``encode_videos(v) == head_videos(backbone_videos(v))``, and so for texts.
    """

    def feature_key(self, side: Side) -> Mapping[str, Any]:
        """Return everything except the data that the backbone's features depend on.

        Args:
            side: ``texts`` or ``videos``.

        Returns:
            JSON values: the architecture, a hash of the weights as they are now, dtype, image size,
            frames of a video or words of a caption, version of the preprocessing.
        """
        ...

    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Run the costly stage on T captions: named tensors whose first axis is T."""
        ...

    def backbone_videos(self, videos: Sequence[Frames]) -> Features:
        """Run the costly stage on V videos: named tensors whose first axis is V."""
        ...

    def head_texts(self, features: Features) -> Features:
        """Turn the output of `backbone_texts`, on any device, into the input of `score`."""
        ...

    def head_videos(self, features: Features) -> Features:
        """Turn the output of `backbone_videos`, on any device, into the input of `score`."""
        ...


@runtime_checkable
class LateEncoder(Retriever, Protocol):
    """A model that reads a caption and a video together, so that there is nothing to encode before.

    Its features are the captions and the frames themselves. They are made anew for the pairs that
    are scored, and not kept: the frames of a gallery would not fit into memory. So they need not
    have one length in all batches.

    Attributes:
        encodes_late: True.
    """

    @property
    def encodes_late(self) -> Literal[True]:
        """True: features are made when they are scored."""
        ...


@runtime_checkable
class VectorRetriever(Retriever, Protocol):
    """A model with a vector for every text and video, so that a gallery can be searched.

    Attributes:
        scores_by_vectors: True when a score is the inner product of the two vectors; False when the
            vectors only find candidates that `score` then ranks.
    """

    @property
    def scores_by_vectors(self) -> bool:
        """Whether a score is the inner product of the two vectors."""
        ...

    def text_vectors(self, texts: Features) -> "torch.Tensor":
        """Return one vector for each text: float, T x C."""
        ...

    def video_vectors(self, videos: Features) -> "torch.Tensor":
        """Return one vector for each video: float, V x C."""
        ...
