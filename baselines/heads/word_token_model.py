"""What models share whose heads look at the words of a text, not at one vector of it alone."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch

from baselines.heads.contrastive import symmetric_info_nce
from baselines.heads.video_text_model import (
    VideoTextModel,
    as_float32,
    full_precision,
    padded_words,
)
from dvtr_bench.models.retriever import Features, Side


class WordTokenModel(VideoTextModel):
    """A model whose text features are made from the projected words of a caption."""

    @abstractmethod
    def text_features(self, token_embeds: torch.Tensor, token_mask: torch.Tensor) -> Features:
        """Turn words into what is scored.

        Args:
            token_embeds: T x L x C, not normalised; the last one that is there is the end of text.
            token_mask: bool, T x L, True in front.

        Returns:
            Named tensors whose first axis is T.
        """

    @abstractmethod
    def token_similarity(self, texts: Features, videos: Features) -> torch.Tensor:
        """Score what `text_features` returned against what `video_features` returned.

        Args:
            texts: Of T texts.
            videos: Of V videos.

        Returns:
            T x V, before the logit scale.
        """

    def feature_key(self, side: Side) -> dict[str, Any]:
        """Return what the backbone's features depend on; those of texts hold their words."""
        key = super().feature_key(side)
        return {**key, "words": True} if side == "texts" else key

    def encode_tokens(self, tokens: torch.Tensor) -> Features:
        """Encode captions with the text tower alone, padded to ``max_words``.

        Args:
            tokens: int64, T x L.

        Returns:
            ``token_embeds`` (T x L x C, not normalised) and ``token_mask`` (bool, T x L).
        """
        _, embeds, mask = self.encoder.encode_text(tokens)
        return padded_words(embeds, mask, self.config.max_words)

    def backbone_texts(self, captions: Sequence[str]) -> Features:
        """Encode captions with the text tower alone: what `encode_tokens` returns."""
        return self.encode_tokens_eval(self.tokenize(captions))

    @torch.no_grad()
    def head_texts(self, features: Features) -> Features:
        """Turn what `backbone_texts` returned into what `text_features` returns."""
        embeds, mask = (features[name].to(self.device) for name in ("token_embeds", "token_mask"))
        with self._evaluating():
            return self.text_features(embeds.float(), mask)

    def similarity(self, text_embeds: torch.Tensor, videos: Features) -> torch.Tensor:
        """Score texts of one vector each, T x C, as texts of one word: T x V."""
        alone = torch.ones(len(text_embeds), 1, dtype=torch.bool, device=text_embeds.device)
        return self.token_similarity(self.text_features(text_embeds[:, None], alone), videos)

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
