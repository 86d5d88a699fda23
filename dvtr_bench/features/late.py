"""Captions and videos whose features are made when they are scored, and then forgotten.

A model that reads a caption and a video together has nothing to encode before: its features are the
captions and the frames themselves, and the frames of a gallery are too many to be kept. What stands
for the features then are rows of the split, whose captions and frames are read when they are
needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from dvtr_bench.models.retriever import Side

ROW: Final = "row"
"""Name of the only tensor."""


@dataclass(frozen=True, eq=False)
class LateFeatures(Mapping[str, torch.Tensor]):
    """Rows of the captions, or of the videos, of a split, in place of their features.

    Attributes:
        side: ``texts`` or ``videos``.
        source: Where the items are: a sequence of captions, or a split.
        rows: int64: row of each item.

    Example:
        >>> late = LateFeatures("texts", ["a car", "a boat", "a road"], torch.arange(3))
        >>> late.select(torch.tensor([2, 0])).read()
        ['a road', 'a car']
    """

    side: Side
    source: Any
    rows: torch.Tensor

    def __getitem__(self, name: str) -> torch.Tensor:
        """Return the rows, which are called ``row``."""
        if name != ROW:
            raise KeyError(name)
        return self.rows

    def __iter__(self) -> Iterator[str]:
        """Return the name of the rows."""
        return iter((ROW,))

    def __len__(self) -> int:
        """Return the number of tensors, as of any features: 1."""
        return 1

    @property
    def count(self) -> int:
        """Number of items."""
        return len(self.rows)

    def select(self, rows: slice | torch.Tensor) -> "LateFeatures":
        """Return some of the items, by a slice or by int64 indices."""
        return LateFeatures(self.side, self.source, self.rows[rows])

    def read(self) -> Sequence[Any]:
        """Return the captions, or the frames of each video, decoded."""
        if self.side == "texts":
            return [self.source[row] for row in self.rows.tolist()]
        return [self.source.frames(row) for row in self.rows.tolist()]
