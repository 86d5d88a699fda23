"""CLIP4Clip with a temporal transformer (seqTransf): frames see each other, then mean pooling.

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="seqTransf"``; the transformer and the
frame positions start as CLIP's text transformer. differs: the weight decay also leaves out norms
and the logit scale; padded frames are never encoded.
"""

from dataclasses import dataclass
from typing import Final

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.mean_pooling import MeanPoolingModel
from baselines.heads.model_config import TemporalConfig
from baselines.heads.temporal_encoder import TemporalEncoder
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(TemporalConfig):
    """Configuration: the backbone's and the transformer's over frames."""


class Model(MeanPoolingModel):
    """CLIP4Clip seqTransf.

    Attributes:
        temporal: The transformer over frames.
    """

    name = "clip4clip_seqtransf"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Start the temporal transformer from the text tower."""
        super().__init__(config, encoder)
        self.temporal = TemporalEncoder.from_text_tower(self.encoder, config.temporal_layers)

    def video_features(self, frames: Features) -> Features:
        """Let frames see each other, then pool them: ``video_embeds``, V x C, unit length."""
        mask = frames["frame_mask"]
        temporal = self.temporal(frames["frame_embeds"], mask)
        return super().video_features({"frame_embeds": temporal, "frame_mask": mask})
