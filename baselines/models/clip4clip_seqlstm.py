"""CLIP4Clip with an LSTM over the frames (seqLSTM): its output added to its input, then mean.

Source: Luo et al. 2021 (arXiv 2104.08860), ``sim_header="seqLSTM"``; one layer, one direction, as
wide as the embeddings, random at the start as theirs is. differs: sequences are not packed (an LSTM
looks only back and padding stands behind, so what it gives there is left out of the mean and seen
by nothing); the LSTM is float32 under autocast too; the frame positions, which the authors make and
never use, are not made; the weight decay also leaves out norms and the logit scale.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.mean_pooling import MeanPoolingModel
from baselines.heads.model_config import VideoTextConfig
from baselines.heads.video_text_model import full_precision
from dvtr_bench.models.retriever import Features, Scoring

SCORING: Final[Scoring] = "pairwise"

TRAINABLE: Final = True


@dataclass(frozen=True)
class Config(VideoTextConfig):
    """Configuration: that of the backbone alone."""


class Model(MeanPoolingModel):
    """CLIP4Clip seqLSTM.

    Attributes:
        lstm: Runs over the frames of a video, in time order.
    """

    name = "clip4clip_seqlstm"
    config_class = Config

    def __init__(self, config: Config, encoder: FrameEncoder | None = None) -> None:
        """Build the LSTM with random weights."""
        super().__init__(config, encoder)
        width = self.encoder.embed_dim
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def video_features(self, frames: Features) -> Features:
        """Run over the frames, then pool them: ``video_embeds``, V x C, unit length."""
        frame_embeds, mask = frames["frame_embeds"], frames["frame_mask"]
        with full_precision(self.device):
            frame_embeds = frame_embeds.float()
            temporal: torch.Tensor = self.lstm(frame_embeds)[0] + frame_embeds
        return super().video_features({"frame_embeds": temporal, "frame_mask": mask})
