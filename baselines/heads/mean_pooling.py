"""CLIP4Clip's parameter-free head: mean pooling of normalised frame embeddings."""

import torch
from torch.nn import functional

from baselines.heads.padding import masked_mean
from baselines.heads.video_text_model import VideoTextModel
from dvtr_bench.models.retriever import Features


class MeanPoolingModel(VideoTextModel):
    """Scores by the cosine of the text embedding and the mean of the normalised frame embeddings.

    Source: CLIP4Clip ``_mean_pooling_for_similarity_visual`` and ``_loose_similarity``.
    """

    def video_features(self, frames: Features) -> Features:
        """Pool frames: ``video_embeds``, V x C, unit length."""
        unit = functional.normalize(frames["frame_embeds"], dim=-1)
        pooled = masked_mean(unit, frames["frame_mask"])
        return {"video_embeds": functional.normalize(pooled, dim=-1)}

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Return cosines, T x V."""
        return text_embeds @ videos["video_embeds"].T

    @property
    def scores_by_vectors(self) -> bool:
        """True: a score is the inner product of the two vectors."""
        return True

    def text_vectors(self, texts: Features) -> torch.Tensor:
        """Return the text embeddings: T x C, unit length."""
        return texts["text_embeds"]

    def video_vectors(self, videos: Features) -> torch.Tensor:
        """Return the pooled frames: V x C, unit length."""
        return videos["video_embeds"]
