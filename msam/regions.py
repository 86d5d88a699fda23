"""Regions of frames: a grid of region means, or learned slots.

Both compute vectors from a frame's projected patch tokens. Each vector is a mean of patches, so
that attention over regions can be shown as attention over patches.
"""

import math

import torch
from torch import nn

from baselines.encoder.frame_encoder import FrameEncoder
from dvtr_bench.errors import ConfigError


def patch_grid(encoder: FrameEncoder) -> tuple[int, int]:
    """Return the rows and columns of patches of a backbone.

    Args:
        encoder: The backbone.

    Returns:
        Rows, columns.

    Raises:
        ConfigError: The backbone is not a vision transformer.
    """
    if (grid := encoder.patch_grid) is None:
        raise ConfigError(
            f"the backbone {encoder.architecture} has no patches: regions need a vision "
            "transformer such as ViT-B-32, or set regions=frame"
        )
    rows, columns = grid
    return rows, columns


class GridMeans(nn.Module):
    """A fixed grid of region means; nothing in it is learned.

    If the grid does not divide the patches evenly, cells overlap in a row or column, as in adaptive
    average pooling: 2 x 2 cells over 7 x 7 patches are 4 x 4 each.

    Args:
        grid_size: Cells along each side.
        rows: Rows of patches.
        columns: Columns of patches.

    Raises:
        ConfigError: There are more cells than patches along a side.
    """

    shares: torch.Tensor

    def __init__(self, grid_size: int, rows: int, columns: int) -> None:
        """Compute which patches belong to each cell."""
        super().__init__()
        if grid_size > min(rows, columns):
            raise ConfigError(
                f"grid_size is {grid_size}, but the backbone cuts a frame into {rows} x {columns} "
                "patches: set it lower"
            )
        down, across = _bins(grid_size, rows), _bins(grid_size, columns)
        self.register_buffer("shares", torch.kron(down, across), persistent=False)

    @property
    def count(self) -> int:
        """R, regions of a frame: rows of cells from the top."""
        return len(self.shares)

    def kept(self, patches: torch.Tensor) -> torch.Tensor:
        """Return what is kept of patches ... x P x C when a frame is encoded: ... x R x C."""
        return self.shares.to(patches.dtype) @ patches

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Turn what was kept into regions: ... x R x C."""
        return tokens

    def patch_shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return of which patches each region is the mean: ... x R x P, summing to 1 over P."""
        return self.shares.expand(*tokens.shape[:-2], -1, -1)


class LearnedSlots(nn.Module):
    """Learned queries that attend over the patches of each frame, the same for all frames.

    Queries are compared with the deviation of a patch from its frame's mean: patch tokens of one
    frame are similar, and their common part would make all slots the same. A region is the mean of
    the original patch vectors under that attention, so that it stays in the space of the texts.

    Args:
        width: C.
        num_slots: Queries.
    """

    def __init__(self, width: int, num_slots: int) -> None:
        """Initialise the queries at random, so that they differ, and large enough to be sharp."""
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.key = nn.Linear(width, width, bias=False)
        nn.init.orthogonal_(self.key.weight)
        self.queries = nn.Parameter(torch.randn(num_slots, width))

    @property
    def count(self) -> int:
        """R, regions of a frame: its slots."""
        return len(self.queries)

    def kept(self, patches: torch.Tensor) -> torch.Tensor:
        """Return what is kept of patches ... x P x C when a frame is encoded: all of them."""
        return patches

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Turn patches ... x P x C into regions: ... x R x C."""
        return self.patch_shares(tokens).to(tokens.dtype) @ tokens

    def patch_shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return of which patches each region is the mean: ... x R x P, summing to 1 over P."""
        keys = self.key(self.layer_norm(tokens - tokens.mean(dim=-2, keepdim=True)))
        scores = self.queries @ keys.transpose(-1, -2) / math.sqrt(keys.shape[-1])
        return torch.softmax(scores, dim=-1)


def _bins(cells: int, length: int) -> torch.Tensor:
    """Return the share of each of ``length`` places in each cell: cells x length."""
    shares = torch.zeros(cells, length)
    for cell in range(cells):
        start, stop = cell * length // cells, -(-(cell + 1) * length // cells)
        shares[cell, start:stop] = 1 / (stop - start)
    return shares
