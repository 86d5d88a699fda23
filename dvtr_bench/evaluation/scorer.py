"""Scoring of blocks of captions x videos by a model, always by the same call."""

import copy
from typing import TYPE_CHECKING, Final

import torch

from dvtr_bench.errors import InputError
from dvtr_bench.features.encode import encode_batch, select_rows
from dvtr_bench.features.late import LateFeatures
from dvtr_bench.models.retriever import features_in
from dvtr_bench.ranking.blocks import Block, Grid, cut

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features, Retriever

_VIDEOS_AT_ONCE: Final = 16
"""Videos whose frames are in memory, where these are read when they are scored."""


class Scorer:
    """Scores blocks of captions x videos.

    Attributes:
        retriever: The model.
        texts: Features of all captions.
        videos: Features of all videos.
        grid: How captions x videos are divided into blocks.
        text_block: Number of texts scored together; 1 for a ``pairwise`` model.
    """

    def __init__(
        self,
        retriever: "Retriever",
        texts: "Features",
        videos: "Features",
        *,
        text_block: int,
        block_captions: int,
        block_videos: int,
    ) -> None:
        """Divide captions x videos into blocks.

        Args:
            retriever: The model.
            texts: Features of T captions.
            videos: Features of V videos.
            text_block: Number of texts that the model scores together; blocks have a multiple of it
                as rows.
            block_captions: Most rows of a block, unless the text block is larger.
            block_videos: Columns of a block.
        """
        self.retriever = retriever
        self.texts = texts
        self.videos = videos
        self.text_block = text_block
        self.grid = Grid(
            _length(texts),
            _length(videos),
            rows_of_block(block_captions, text_block),
            block_videos,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.retriever.name

    def scored_by(self, retriever: "Retriever") -> "Scorer":
        """Return a scorer of the same features and grid with another model."""
        other = copy.copy(self)
        other.retriever = retriever
        return other

    def in_direction(self, direction: str) -> "Scorer":
        """Return a scorer of the features by which a direction is scored."""
        return self.with_features(
            features_in(self.retriever, self.texts, direction),
            features_in(self.retriever, self.videos, direction),
        )

    def with_features(self, texts: "Features", videos: "Features") -> "Scorer":
        """Return a scorer with the same model, text block and block sizes for other features."""
        return Scorer(
            self.retriever,
            texts,
            videos,
            text_block=self.text_block,
            block_captions=self.grid.block_captions,
            block_videos=self.grid.block_videos,
        )

    def score(self, block: Block) -> torch.Tensor:
        """Score a block of the grid.

        Args:
            block: The block.

        Returns:
            float, captions x videos.

        Raises:
            InputError: The model returned another shape or dtype.
        """
        return self.score_features(
            select_rows(self.texts, block.captions), select_rows(self.videos, block.videos)
        )

    def score_features(self, texts: "Features", videos: "Features") -> torch.Tensor:
        """Score features in one call, or videos that are read when they are scored in several.

        Args:
            texts: Features of T texts.
            videos: Features of V videos.

        Returns:
            float, T x V.

        Raises:
            InputError: The model returned another shape or dtype.
        """
        with torch.no_grad():
            scores = self._scored(texts, videos)
        expected = (_length(texts), _length(videos))
        if tuple(scores.shape) != expected or not scores.is_floating_point():
            raise InputError(
                f"{self.retriever.name}: score returned {scores.dtype} of shape "
                f"{tuple(scores.shape)}: expected floats, {expected} (captions x videos)"
            )
        return scores

    def _scored(self, texts: "Features", videos: "Features") -> torch.Tensor:
        model = self.retriever
        if isinstance(texts, LateFeatures):
            where = f"{model.name}: encode_texts"
            texts = encode_batch(model.encode_texts, texts.read(), texts.count, where)
        if not isinstance(videos, LateFeatures):
            return model.score(texts, videos)
        where = f"{model.name}: encode_videos"
        parts = []
        for run in cut(videos.count, _VIDEOS_AT_ONCE):
            part = videos.select(run)
            frames = encode_batch(model.encode_videos, part.read(), part.count, where)
            parts.append(model.score(texts, frames))
        return torch.cat(parts, dim=1)


def rows_of_block(block_captions: int, text_block: int) -> int:
    """Return the rows of a block of the sim_matrix: whole text blocks, at least one.

    Args:
        block_captions: Most rows of a block, unless the text block is larger.
        text_block: Texts that the model scores together.
    """
    return max(1, block_captions // text_block) * text_block


def _length(features: "Features") -> int:
    return next(iter(features.values())).shape[0]
