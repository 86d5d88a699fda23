"""CLIP4Clip with an LSTM over the frames (seqLSTM) and a residual connection, then mean pooling.

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="seqLSTM"``: one layer, one direction, as
wide as the embeddings, initialised randomly. differs: sequences are not packed (the LSTM sees only
earlier frames and padding comes last, so outputs for padding affect nothing and are left out of the
mean); the LSTM is float32 under autocast too; the authors' unused frame positions are left out; no
weight decay for norms and the logit scale.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.model_config import VideoTextConfig
from baselines.heads.video_text_model import MeanPoolingModel, full_precision
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration of the backbone."""


class Model(MeanPoolingModel):
    """CLIP4Clip seqLSTM.

    Attributes:
        lstm: The LSTM over the frames of a video, in time order.
    """

    name = "clip4clip_seqlstm"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Create the LSTM with random weights."""
        super().__init__(config, encoder)
        width = self.encoder.embed_dim
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def video_features(self, frames: Features) -> Features:
        """Run the LSTM and pool the frames: ``video_embeds``, V x C, unit length."""
        frame_embeds, mask = frames["frame_embeds"], frames["frame_mask"]
        with full_precision(self.device):
            frame_embeds = frame_embeds.float()
            temporal: torch.Tensor = self.lstm(frame_embeds)[0] + frame_embeds
        return super().video_features({"frame_embeds": temporal, "frame_mask": mask})
