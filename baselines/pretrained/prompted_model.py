"""Models that are asked for queries or for documents, and may use another prompt for each.

Text-to-video search has captions as queries and videos as documents, video-to-text search the
reverse. So a model whose prompts differ gives two vectors for a caption, and maybe two for a video,
and each direction is ranked by its own. Whether they differ is found by trying.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, get_args

import numpy as np
import torch

from dvtr_bench.dataset.mteb_tasks import TASK_DIRECTIONS, TaskDirection
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.embedding_model import EmbeddingConfig, EmbeddingModel
from dvtr_bench.models.retriever import Frames
from dvtr_bench.runtime.terminal import say

Role = Literal["query", "document"]
Prompts = Literal["each", "t2v", "v2t"]

_TOLERANCE: Final = 1e-5
_CAPTION: Final = "a drone looks down"
_FRAME: Final = (64, 64, 3)
_FRAMES: Final = 2


@dataclass(frozen=True)
class PromptedConfig(EmbeddingConfig):
    """What can be set of every such model.

    Attributes:
        prompts: By ``each``, each direction has its own, and what differs is encoded twice. By
            ``t2v``, captions are queries and videos documents in both; by ``v2t`` the reverse.

    Raises:
        ConfigError: A value is out of range.
    """

    prompts: Prompts = "each"

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        if self.prompts not in get_args(Prompts):
            raise ConfigError(f"prompts must be each, t2v or v2t, found {self.prompts!r}")


class PromptedModel(EmbeddingModel):
    """A model that gives the vectors of a direction.

    A subclass gives `texts_in` and `videos_in`, and calls `tell_of_prompts` when it is loaded.
    """

    config: PromptedConfig

    @abstractmethod
    def texts_in(self, captions: Sequence[str], direction: TaskDirection) -> torch.Tensor:
        """Return one vector a caption, T x C: of queries in ``t2v``, of documents in ``v2t``."""

    @abstractmethod
    def videos_in(self, videos: Sequence[Frames], direction: TaskDirection) -> torch.Tensor:
        """Return one vector a video, V x C: of documents in ``t2v``, of queries in ``v2t``."""

    @property
    def first_direction(self) -> TaskDirection:
        """The direction whose prompts the first vectors have, or the only ones."""
        return "v2t" if self.config.prompts == "v2t" else "t2v"

    @property
    def scores_each_way(self) -> bool:
        """Whether each direction has vectors of its own."""
        return self.config.prompts == "each" and self.prompts_differ

    @property
    def prompts_differ(self) -> bool:
        """Whether a caption, or a video, has other vectors in one direction than in the other."""
        return self._texts_differ or self._videos_differ

    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Return one vector a caption: T x C."""
        return self.texts_in(captions, self.first_direction)

    def embed_videos(self, videos: Sequence[Frames]) -> torch.Tensor:
        """Return one vector a video: V x C."""
        return self.videos_in(videos, self.first_direction)

    def embed_texts_for_v2t(self, captions: Sequence[str]) -> torch.Tensor | None:
        """Return the vectors of captions as documents; None where these are the same."""
        return self.texts_in(captions, "v2t") if self._texts_differ else None

    def embed_videos_for_v2t(self, videos: Sequence[Frames]) -> torch.Tensor | None:
        """Return the vectors of videos as queries; None where these are the same."""
        return self.videos_in(videos, "v2t") if self._videos_differ else None

    def prompt_conventions(self) -> Mapping[str, Any]:
        """Return how captions and videos were encoded, for the record."""
        ways = TASK_DIRECTIONS if self.scores_each_way else (self.first_direction,)
        roles = {
            "captions_as": {way: role_of("texts", way) for way in ways},
            "videos_as": {way: role_of("videos", way) for way in ways},
        }
        return {
            **{name: found if len(ways) > 1 else found[ways[0]] for name, found in roles.items()},
            "prompts_differ": self.prompts_differ,
        }

    def tell_of_prompts(self) -> None:
        """Say which prompts each direction has, where captions have two kinds."""
        if not self._texts_differ:
            return
        if self.config.prompts == "each":
            say(
                f"{self.name} has other prompts for queries than for documents: each direction is "
                "encoded and ranked with its own; --set prompts=t2v or v2t takes those of one for "
                "both, in half the time"
            )
        else:
            say(
                f"{self.name} has other prompts for queries than for documents: both directions "
                f"have those of {self.config.prompts} here; --set prompts=each gives each its own"
            )

    @cached_property
    def _texts_differ(self) -> bool:
        with torch.no_grad():
            return _differ(*(self.texts_in([_CAPTION], way) for way in TASK_DIRECTIONS))

    @cached_property
    def _videos_differ(self) -> bool:
        random = np.random.default_rng(0)
        frames = [random.integers(0, 256, _FRAME, np.uint8) for _ in range(_FRAMES)]
        videos = self.chosen_frames([frames])
        with torch.no_grad():
            return _differ(*(self.videos_in(videos, way) for way in TASK_DIRECTIONS))


def _differ(first: torch.Tensor, second: torch.Tensor) -> bool:
    return not torch.allclose(first.float(), second.float(), atol=_TOLERANCE)


def role_of(side: Literal["texts", "videos"], direction: TaskDirection) -> Role:
    """Return what captions or videos are in a direction.

    Example:
        >>> role_of("texts", "t2v"), role_of("videos", "t2v")
        ('query', 'document')
    """
    return "query" if (side == "texts") == (direction == "t2v") else "document"
