"""CLIP without training on the dataset, with mean pooling of the frame embeddings.

Source: Radford et al. 2021 (arXiv 2103.00020) with the mean pooling of CLIP4Clip (arXiv
2104.08860). differs: texts are truncated to 32 tokens, as in every model here; CLIP allows 77.
"""

from dataclasses import dataclass
from typing import Final, NoReturn

from baselines.heads.model_config import VideoTextConfig
from baselines.heads.video_text_model import MeanPoolingModel
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = False


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of the backbone."""


class Model(MeanPoolingModel):
    """CLIP zero-shot with mean pooling."""

    name = "clip_zeroshot"
    config_class = Config

    def head_loss(self, texts: Features, frames: Features) -> NoReturn:
        """Refuse training: this model is the untrained reference.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            "clip_zeroshot is CLIP without training: evaluate it as it is, or train "
            "clip4clip_meanp, which has the same head"
        )
