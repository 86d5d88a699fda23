"""X-Pool's text-conditioned pooling, with exact scores but no captions x videos x width tensor.

For a given text, the pooled video is a linear combination of vectors that do not depend on the
text, after every step. Attention weighs the projected frames. A linear layer acts on each vector
separately. A layer norm centres each vector, scales the coefficients by
``1 / sqrt(w G w / C + eps)`` (with the coefficients w and the Gram matrix G of the centred
vectors), and adds its bias as another vector with coefficient 1. So the F + 2 vectors of a video
are computed once, and each pair needs only F + 2 coefficients, instead of C numbers through two
C x C layers.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import nn
from torch.nn import functional

_CHUNK_ELEMENTS: Final = 2**20
"""Most elements of the largest intermediate tensor; it limits the chunks of videos."""


class _VideoVectors(NamedTuple):
    """The tensors of each video that do not depend on the text; the last axis of vectors is C."""

    keys: torch.Tensor
    first_gram: torch.Tensor
    second_gram: torch.Tensor
    vectors: torch.Tensor


class CrossAttention(nn.Module):
    """Attention of texts over the frames of a video, with one head.

    Args:
        width: C.

    Source: X-Pool ``MultiHeadedAttention`` with ``num_mha_heads=1``. differs: keys have no bias,
        which would add the same to every frame and be cancelled by the softmax; padded frames are
        masked out.
    """

    def __init__(self, width: int) -> None:
        """Create the projections."""
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def queries(self, text_embeds: torch.Tensor) -> torch.Tensor:
        """Return the scaled queries of texts, T x C, given their normed embeddings, T x C."""
        projected: torch.Tensor = self.q_proj(text_embeds)
        return projected / math.sqrt(text_embeds.shape[-1])

    def weights(
        self, queries: torch.Tensor, keys: torch.Tensor, frame_mask: torch.Tensor
    ) -> torch.Tensor:
        """Return the attention of each text to each frame.

        Args:
            queries: T x C.
            keys: V x F x C, frames after ``k_proj``.
            frame_mask: bool, V x F, at least one True a row.

        Returns:
            V x F x T, with sum 1 over the frames.
        """
        logits = (keys.flatten(0, 1) @ queries.T).view(*keys.shape[:2], -1)
        return torch.softmax(logits.masked_fill(~frame_mask[..., None], -torch.inf), dim=1)


class TextConditionedPooling(nn.Module):
    """Pools the frames of a video by the attention of each text.

    Parameters have the authors' names; projections are initialised as the identity.

    Args:
        width: C.
        dropout: Dropout of the residual linear layer's output in training.

    Source: X-Pool (arXiv 2203.15086; ``Transformer`` of ``modules/transformer.py``).
    """

    def __init__(self, width: int, dropout: float) -> None:
        """Create the layers."""
        super().__init__()
        self.cross_attn = CrossAttention(width)
        self.linear_proj = nn.Linear(width, width)
        self.layer_norm1 = nn.LayerNorm(width)
        self.layer_norm2 = nn.LayerNorm(width)
        self.layer_norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.eye_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(
        self, text_embeds: torch.Tensor, frame_embeds: torch.Tensor, frame_mask: torch.Tensor
    ) -> torch.Tensor:
        """Pool pair by pair as in the paper, which training with dropout needs.

        Args:
            text_embeds: T x C, not normalised.
            frame_embeds: V x F x C, not normalised.
            frame_mask: bool, V x F, at least one True a row.

        Returns:
            V x T x C, not normalised.
        """
        attention = self.cross_attn
        frames = self.layer_norm1(frame_embeds)
        queries = attention.queries(self.layer_norm1(text_embeds))
        weights = attention.weights(queries, attention.k_proj(frames), frame_mask)
        pooled = attention.out_proj(weights.transpose(1, 2) @ attention.v_proj(frames))
        pooled = self.layer_norm2(pooled)
        out: torch.Tensor = self.layer_norm3(pooled + self.dropout(self.linear_proj(pooled)))
        return out

    def similarity(
        self, text_embeds: torch.Tensor, frame_embeds: torch.Tensor, frame_mask: torch.Tensor
    ) -> torch.Tensor:
        """Score by the cosine of each text and the video pooled for it.

        Args:
            text_embeds: T x C, not normalised.
            frame_embeds: V x F x C, not normalised.
            frame_mask: bool, V x F, at least one True a row.

        Returns:
            T x V, before the logit scale. Without dropout, no V x T x C tensor is made; the result
            equals the direct form except for rounding.
        """
        unit_texts = functional.normalize(text_embeds, dim=-1)
        if self.dropout.training and self.dropout.p > 0:
            # Dropout differs for each channel of each pair, so the shared vectors cannot be used.
            pooled = functional.normalize(self(text_embeds, frame_embeds, frame_mask), dim=-1)
            return torch.einsum("vtc,tc->tv", pooled, unit_texts)
        queries = self.cross_attn.queries(self.layer_norm1(text_embeds))
        per_video = max(1, len(queries) * (frame_embeds.shape[1] + 2))
        chunk = max(1, _CHUNK_ELEMENTS // per_video)
        rows = []
        for start in range(0, len(frame_embeds), chunk):
            part = slice(start, start + chunk)
            videos = self._video_vectors(frame_embeds[part])
            rows.append(self._cosines(unit_texts, queries, videos, frame_mask[part]))
        return torch.cat(rows).T

    def _video_vectors(self, frame_embeds: torch.Tensor) -> _VideoVectors:
        attention = self.cross_attn
        frames = self.layer_norm1(frame_embeds)
        vectors = _centred(attention.out_proj(attention.v_proj(frames)))
        first_gram = vectors @ vectors.transpose(1, 2)
        vectors = _scaled_with_bias(vectors, self.layer_norm2)
        residual = vectors @ self.linear_proj.weight.T
        # The bias is added to the vector whose coefficient is 1 for every text.
        residual = torch.cat([residual[:, :-1], residual[:, -1:] + self.linear_proj.bias], dim=1)
        vectors = _centred(vectors + residual)
        second_gram = vectors @ vectors.transpose(1, 2)
        vectors = _scaled_with_bias(vectors, self.layer_norm3)
        return _VideoVectors(attention.k_proj(frames), first_gram, second_gram, vectors)

    def _cosines(
        self,
        unit_texts: torch.Tensor,
        queries: torch.Tensor,
        videos: _VideoVectors,
        frame_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Return cosines, V x T, from normalised texts and their queries, T x C each."""
        vectors, width = videos.vectors, queries.shape[-1]
        coefficients = self.cross_attn.weights(queries, videos.keys, frame_mask)
        for gram, norm in (
            (videos.first_gram, self.layer_norm2),
            (videos.second_gram, self.layer_norm3),
        ):
            variance = _quadratic(coefficients, gram) / width
            coefficients = coefficients * torch.rsqrt(variance + norm.eps)[:, None]
            coefficients = functional.pad(coefficients, (0, 0, 0, 1), value=1.0)
        along = (vectors.flatten(0, 1) @ unit_texts.T).view(*vectors.shape[:2], -1)
        dot: torch.Tensor = (coefficients * along).sum(dim=1)
        square = _quadratic(coefficients, vectors @ vectors.transpose(1, 2))
        return dot * torch.rsqrt(square.clamp_min(1e-12))


def _centred(vectors: torch.Tensor) -> torch.Tensor:
    return vectors - vectors.mean(dim=-1, keepdim=True)


def _scaled_with_bias(centred: torch.Tensor, norm: nn.LayerNorm) -> torch.Tensor:
    """Scale centred vectors (V x K x C) by channel and append the bias: V x (K + 1) x C."""
    bias = norm.bias.expand(len(centred), 1, -1)
    return torch.cat([centred * norm.weight, bias], dim=1)


def _quadratic(coefficients: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
    """Return squared lengths, V x T, of combinations (V x K x T) with Gram matrix V x K x K."""
    # Rounding may give a square slightly below 0 when vectors cancel out.
    return ((gram @ coefficients) * coefficients).sum(dim=1).clamp_min(0.0)
