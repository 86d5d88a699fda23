"""Patches that span three frames: CLIP4Clip's ``linear_patch=3d``."""

from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from dvtr_bench.errors import ConfigError

FRAMES: Final = 3
"""The frame before, the frame itself and the frame after."""


class PatchesOverTime(nn.Module):
    """The first convolution of an image tower, over a frame and its two neighbours.

    Args:
        patches: The convolution over single frames. Its weights are those of the middle frame; the
            neighbours' are 0, so that at first nothing changes.

    Attributes:
        weight: C x 3 x 3 x P x P: width, colours, frames, height, width of a patch.

    Source: CLIP4Clip ``visual.conv2`` and ``from_pretrained``: a convolution in three dimensions
        with stride 1 and padding 1 over time. It is computed as one over the channels of three
        frames.
    """

    def __init__(self, patches: nn.Conv2d) -> None:
        """Begin with the weights of single frames."""
        super().__init__()
        self.stride = patches.stride
        zeros = torch.zeros_like(patches.weight.detach())
        weight = torch.stack([zeros, patches.weight.detach(), zeros], dim=2)
        self.weight = nn.Parameter(weight.contiguous())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Turn frames with their neighbours, N x 9 x S x S of `with_neighbours`, into patches."""
        weight = self.weight.transpose(1, 2).flatten(1, 2)
        return functional.conv2d(images, weight, stride=self.stride)


def patches_over_time(visual: Any, architecture: str) -> None:
    """Let an image tower see the neighbours of each frame; one that does already stays as it is.

    Args:
        visual: The image tower, changed in place.
        architecture: Name of its architecture, for messages.

    Raises:
        ConfigError: Its first layer does not cut patches.
    """
    first = getattr(visual, "conv1", None)
    if isinstance(first, PatchesOverTime):
        return
    if not isinstance(first, nn.Conv2d) or first.kernel_size != first.stride:
        raise ConfigError(
            f"linear_patch=3d makes patches span three frames, and the backbone {architecture} "
            "cuts none: use a ViT backbone such as ViT-B-32, or linear_patch=2d"
        )
    visual.conv1 = PatchesOverTime(first)


def with_neighbours(images: torch.Tensor, video_index: torch.Tensor) -> torch.Tensor:
    """Put the frame before and the frame after beside each frame.

    Args:
        images: N x 3 x S x S, normalised, those of a video in a row.
        video_index: int64, N: which video each frame is of.

    Returns:
        N x 9 x S x S; 0 where a video begins or ends.
    """
    follows = (video_index[1:] == video_index[:-1])[:, None, None, None]
    before, after = torch.zeros_like(images), torch.zeros_like(images)
    before[1:] = images[:-1] * follows
    after[:-1] = images[1:] * follows
    return torch.cat([before, images, after], dim=1)
