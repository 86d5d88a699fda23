"""CLIP4Clip with a transformer over the frames (seqTransf), then mean pooling.

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="seqTransf"``; the transformer and the
frame positions are initialised from CLIP's text transformer. differs: no weight decay for norms and
the logit scale; padded frames are not encoded.
"""

from dataclasses import dataclass
from typing import Final

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.model_config import TemporalConfig
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.video_text_model import MeanPoolingModel
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(TemporalConfig):
    """Configuration of the backbone and the transformer over frames."""


class Model(MeanPoolingModel):
    """CLIP4Clip seqTransf.

    Attributes:
        temporal: The transformer over frames.
    """

    name = "clip4clip_seqtransf"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Initialise the temporal transformer from the text tower."""
        super().__init__(config, encoder)
        self.temporal = TemporalEncoder.from_text_tower(self.encoder, config.temporal_layers)

    def video_features(self, frames: Features) -> Features:
        """Run the transformer and pool the frames: ``video_embeds``, V x C, unit length."""
        mask = frames["frame_mask"]
        temporal = self.temporal(frames["frame_embeds"], mask)
        return super().video_features({"frame_embeds": temporal, "frame_mask": mask})
