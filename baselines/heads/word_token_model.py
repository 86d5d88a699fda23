"""The base class of models whose heads use the words of a text."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch

from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.padding import padded_words
from baselines.heads.video_text_model import VideoTextModel, as_float32, full_precision
from dvtr_bench.models.retriever import Features, Side


class WordTokenModel(VideoTextModel):
    """A model whose text features are computed from the projected words of a caption."""

    @abstractmethod
    def text_features(self, token_embeds: torch.Tensor, token_mask: torch.Tensor) -> Features:
        """Turn words into the features that are scored.

        Args:
            token_embeds: T x L x C, not normalised; the last before padding is the end of text.
            token_mask: bool, T x L, padding last.

        Returns:
            Named tensors with T rows.
        """

    @abstractmethod
    def token_similarity(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score texts against videos.

        Args:
            texts: Features of T texts from `text_features`.
            videos: Features of V videos from `video_features`.

        Returns:
            T x V, before the logit scale.
        """

    def feature_key(self, side: Side) -> dict[str, Any]:
        """Return everything that the backbone's features depend on; those of texts have words."""
        key = super().feature_key(side)
        return {**key, "words": True} if side == "texts" else key

    def encode_tokens(self, tokens: torch.Tensor) -> Features:
        """Encode captions with the text tower, padded to ``max_words``.

        Args:
            tokens: int64, T x L.

        Returns:
            ``token_embeds`` (T x L x C, not normalised) and ``token_mask`` (bool, T x L).
        """
        _, embeds, mask = self.encoder.encode_text(tokens)
        return padded_words(embeds, mask, self.config.max_words)

    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions with the text tower, see `encode_tokens`."""
        return self.encode_tokens_eval(self.tokenize(captions))

    @torch.no_grad()
    def head_texts(self, features: Features) -> Features:
        """Turn the result of `backbone_texts` into `text_features`."""
        embeds, mask = (features[name].to(self.device) for name in ("token_embeds", "token_mask"))
        with self._evaluating():
            return self.text_features(embeds.float(), mask)

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts of one vector each, T x C, as texts of one word: T x V."""
        mask = torch.ones(len(text_embeds), 1, dtype=torch.bool, device=text_embeds.device)
        return self.token_similarity(self.text_features(text_embeds[:, None], mask), videos)

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score every text against every video: float32, T x V, without the logit scale."""
        with self._evaluating():
            return self.token_similarity(texts, videos).float()

    def head_loss(self, texts: Features, frames: Features) -> dict[str, torch.Tensor]:
        """Return the contrastive ``loss`` of matching captions and videos."""
        words = self.text_features(texts["token_embeds"], texts["token_mask"])
        videos = self.video_features(frames)
        with full_precision(self.device):
            similarity = self.token_similarity(as_float32(words), as_float32(videos))
            return {"loss": symmetric_info_nce(self.encoder.logit_scale.exp() * similarity)}
