"""What a model must offer to be scored and ranked: the `Retriever` protocol.

A retriever is any object with these members; it need not inherit from anything of ours.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Scoring = Literal["pairwise", "query_block"]

Features: TypeAlias = "Mapping[str, torch.Tensor]"
"""Named tensors of a batch; the first axis of each is the item (caption or video)."""

Frames: TypeAlias = "Sequence[NDArray[np.uint8]]"
"""The stored frames of one video: RGB, uint8, height x width x 3 each, in time order."""


@runtime_checkable
class Retriever(Protocol):
    """Encodes captions and videos and scores any block of one against any block of the other.

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
        """What a score may depend on."""
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
    """A ``query_block`` retriever: says its block of texts and can be set to another.

    ``score`` then treats each run of ``text_block`` texts that it is given as one block; the
    harness cuts the queries at multiples of it.
    """

    @property
    def text_block(self) -> int:
        """Texts scored together, as published."""
        ...

    def at_block(self, text_block: int) -> "BlockRetriever":
        """Return the same model scoring blocks of ``text_block`` texts."""
        ...


@runtime_checkable
class Described(Protocol):
    """What a model of ours adds for the record of a run (all of it JSON values)."""

    def describe(self) -> Mapping[str, Any]:
        """Return config, parameter count, backbone, weights hash: what the record states."""
        ...
