"""CLIP4Clip with mean pooling (meanP): CLIP trained end to end, without new parameters.

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="meanP"``. differs: no weight decay for
norms and the logit scale; padded frames are not encoded.
"""

from dataclasses import dataclass
from typing import Final

from baselines.heads.model_config import VideoTextConfig
from baselines.heads.video_text_model import MeanPoolingModel
from dvtr_bench.models.retriever import Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of the backbone."""


class Model(MeanPoolingModel):
    """CLIP4Clip meanP."""

    name = "clip4clip_meanp"
    config_class = Config
