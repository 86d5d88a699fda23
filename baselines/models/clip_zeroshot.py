"""CLIP as it is: mean of the frame embeddings, no training on the dataset.

Source: Radford et al. 2021 (arXiv 2103.00020) with the mean pooling of CLIP4Clip (arXiv
2104.08860). differs: texts are cut at 32 tokens as in every model here; CLIP takes 77.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import torch

from baselines.mean_pooling import MeanPoolingModel
from baselines.model_config import VideoTextConfig
from dvtr_bench.errors import ConfigError
from dvtr_bench.retriever import Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = False


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration: that of the backbone alone."""


class Model(MeanPoolingModel):
    """CLIP zero-shot with mean pooling."""

    name = "clip_zeroshot"
    config_class = Config

    def training_loss(self, tokens: torch.Tensor, frames: Mapping[str, torch.Tensor]) -> NoReturn:
        """Refuse: this model is the untrained reference.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            "clip_zeroshot is CLIP without training: evaluate it as it is, or train "
            "clip4clip_meanp, which has the same head"
        )
