"""Multi-semantic adaptive learning: K semantic slots per caption and video, as distributions."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from baselines.encoder.initial_weights import draw_weights

DROPOUT: Final = 0.2


@dataclass(frozen=True)
class Semantics:
    """The semantics of a batch of one modality.

    Attributes:
        mean: B x K x C.
        spread: B x K x C, above 0: the standard deviation by channel.
        attention: B x K x L, the weights of the sequence positions for each slot.
    """

    mean: torch.Tensor
    spread: torch.Tensor
    attention: torch.Tensor

    @property
    def embeds(self) -> torch.Tensor:
        """The semantic embeddings: B x K x C, unit length."""
        return functional.normalize(self.mean / self.spread, dim=-1)


class AdaptiveSlots(nn.Module):
    """Adaptive semantic construction: attends over a sequence K times.

    Args:
        width: C.
        num_semantics: K.

    Source: arXiv 2510.15470, docs/reference/msam.md, "3. Semantics", step 1.
    """

    def __init__(self, width: int, num_semantics: int) -> None:
        """Build the layers."""
        super().__init__()
        self.w1 = nn.Linear(width, width // 2, bias=False)
        self.w2 = nn.Linear(width // 2, num_semantics, bias=False)
        self.residual = nn.Linear(width, width)
        self.dropout = nn.Dropout(DROPOUT)
        self.layer_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)

    def forward(
        self, pooled: torch.Tensor, sequence: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Build the slots.

        Args:
            pooled: B x C, unit length.
            sequence: B x L x C, unit length.
            mask: bool, B x L; positions of False are not attended to.

        Returns:
            Slots (B x K x C) and attention (B x K x L).
        """
        attention = self.attention(sequence, mask)
        gates = self.dropout(torch.sigmoid(self.residual(attention @ sequence)))
        slots = self.out(self.layer_norm(gates * pooled[:, None, :]))
        return slots, attention

    def attention(self, sequence: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the attention of each slot over a sequence.

        Args:
            sequence: B x L x C, unit length.
            mask: bool, B x L; positions of False are not attended to.

        Returns:
            B x K x L, summing to 1 over L.
        """
        scores = self.w2(torch.tanh(self.w1(sequence))).transpose(1, 2)
        return torch.softmax(scores.masked_fill(~mask[:, None, :], -torch.inf), dim=-1)


class SemanticBranch(nn.Module):
    """The semantics of both modalities: separate slot networks, shared distribution heads.

    Args:
        width: C.
        num_semantics: K.

    Source: arXiv 2510.15470, docs/reference/msam.md, "3. Semantics"; hidden widths C/2 and C/8,
        initial weights as released (`draw_weights`), which overwrites those of the slot networks.
    """

    def __init__(self, width: int, num_semantics: int) -> None:
        """Build the layers."""
        super().__init__()
        self.video_slots = AdaptiveSlots(width, num_semantics)
        self.text_slots = AdaptiveSlots(width, num_semantics)
        half, eighth = width // 2, max(1, width // 8)
        self.mean_head = nn.Sequential(
            nn.Linear(width, half),
            nn.ReLU(),
            nn.Linear(half, half),
            nn.ReLU(),
            nn.Linear(half, width),
        )
        self.spread_head = nn.Sequential(
            nn.Linear(width, eighth), nn.ReLU(), nn.Linear(eighth, width)
        )
        draw_weights(self)

    def of_videos(
        self, pooled: torch.Tensor, frame_embeds: torch.Tensor, frame_mask: torch.Tensor
    ) -> Semantics:
        """Return the semantics of videos.

        Args:
            pooled: V x C, unit length.
            frame_embeds: V x F x C, unit length, before the temporal encoder.
            frame_mask: bool, V x F.
        """
        return self._distribution(*self.video_slots(pooled, frame_embeds, frame_mask))

    def of_texts(
        self, pooled: torch.Tensor, word_embeds: torch.Tensor, word_mask: torch.Tensor
    ) -> Semantics:
        """Return the semantics of captions.

        Args:
            pooled: T x C, unit length.
            word_embeds: T x L x C, unit length.
            word_mask: bool, T x L.
        """
        return self._distribution(*self.text_slots(pooled, word_embeds, word_mask))

    def _distribution(self, slots: torch.Tensor, attention: torch.Tensor) -> Semantics:
        spread = functional.softplus(self.spread_head(slots))
        return Semantics(self.mean_head(slots), spread, attention)


def distribution_loss(videos: Semantics, texts: Semantics) -> torch.Tensor:
    """Return L_kl: KL( N(video) || N(text) ) of matching pairs.

    Args:
        videos: Semantics of B videos.
        texts: Semantics of the B captions that belong to them.

    Returns:
        A scalar: summed over slots and channels, averaged over the batch.

    Source: arXiv 2510.15470, docs/reference/msam.md, "4. Losses".
    """
    ratio = videos.spread / texts.spread
    shift = (texts.mean - videos.mean) / texts.spread
    divergence = 0.5 * (ratio**2 + shift**2 - 1 - 2 * torch.log(ratio))
    return divergence.sum(dim=(1, 2)).mean()


def diversity_loss(semantics: Semantics) -> torch.Tensor:
    """Return L_div of one modality: how alike the slots of each sample are.

    Args:
        semantics: Semantics of B samples.

    Returns:
        A scalar, in 0..1: the mean of |cosine(slots) - I|.

    Source: arXiv 2510.15470, docs/reference/msam.md, "4. Losses".
    """
    slots = functional.normalize(semantics.embeds, dim=-1)
    cosine = slots @ slots.transpose(1, 2)
    identity = torch.eye(slots.shape[1], device=slots.device, dtype=slots.dtype)
    return (cosine - identity).abs().mean()
