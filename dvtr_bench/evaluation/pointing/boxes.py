"""Where the objects that captions name are, on the cells that maps of a model are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.mentions import MENTIONS_COLUMN, caption_mentions

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

Boxes = NDArray[np.float64]
"""float64, objects x frames x 4: x0, y0, x1, y1 as fractions; without area: out of sight."""

_COLUMNS: Final = ("objects", MENTIONS_COLUMN)


@dataclass(frozen=True)
class View:
    """What a model took of each video.

    Attributes:
        frame_index: int64, V x F: which stored frames; -1 where there is none.
        seen_part: float64, V x 4: which part of them, x0, y0, x1, y1 as fractions.
    """

    frame_index: NDArray[np.int64]
    seen_part: NDArray[np.float64]


def named_boxes(split: "RetrievalSplit") -> list[Boxes] | None:
    """Return the boxes of the objects that each caption names, over all stored frames.

    Args:
        split: Of a dataset with the columns ``objects`` and ``caption_mentions`` (aerosynth).

    Returns:
        T times boxes, fractions of the whole frame; None for a dataset without boxes.

    Raises:
        InputError: A video has another number of captions than of mentions.
    """
    if not all(column in split.row(0) for column in _COLUMNS):
        return None
    rows = [split.row(index) for index in range(len(split.video_ids))]
    boxes = [
        np.array([one["boxes"] for one in row["objects"]], dtype=np.float64).reshape(
            len(row["objects"]), -1, 4
        )
        for row in rows
    ]
    return [
        boxes[video][sorted(mention["objects"])]
        for video, mention in zip(
            split.caption_video_index.tolist(), caption_mentions(split, rows), strict=True
        )
    ]


def seen_boxes(boxes: Boxes, frame_index: NDArray[np.int64], seen_part: Sequence[float]) -> Boxes:
    """Return boxes as a model saw them: of the frames it took, as fractions of the part it took.

    Args:
        boxes: Of one caption, over all stored frames.
        frame_index: int64, F: which it took; -1 where there is none.
        seen_part: x0, y0, x1, y1.

    Returns:
        Boxes over F frames, clipped to what was seen; zeros where nothing was.
    """
    left, top, right, bottom = seen_part
    size = np.array([right - left, bottom - top] * 2)
    moved = (boxes[:, frame_index] - np.array([left, top] * 2)) / size
    clipped = np.clip(moved, 0.0, 1.0)
    there = (clipped[..., 2] > clipped[..., 0]) & (clipped[..., 3] > clipped[..., 1])
    return np.where((there & (frame_index >= 0))[..., None], clipped, 0.0)


def covered_cells(boxes: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Return how much of each cell of a frame lies inside any of some boxes.

    Args:
        boxes: float64, objects x 4: x0, y0, x1, y1 in 0..1.
        rows: Cells from top to bottom.
        columns: Cells from left to right.

    Returns:
        float64, rows x columns, in 0..1; exact, boxes that overlap counted once.

    Example:
        >>> covered_cells(np.array([[0.0, 0.0, 0.5, 0.75]]), 2, 2).tolist()
        [[1.0, 0.0], [0.5, 0.0]]
    """
    across = np.unique(np.concatenate([np.arange(columns + 1) / columns, *boxes[:, 0::2]]))
    down = np.unique(np.concatenate([np.arange(rows + 1) / rows, *boxes[:, 1::2]]))
    # Between two neighbouring edges everything is either inside a box or outside.
    x, y = (across[1:] + across[:-1]) / 2, (down[1:] + down[:-1]) / 2
    inside = np.zeros((len(y), len(x)))
    for x0, y0, x1, y1 in boxes:
        inside[np.ix_((y > y0) & (y < y1), (x > x0) & (x < x1))] = 1.0
    area = inside * np.diff(down)[:, None] * np.diff(across)
    row = np.minimum((y * rows).astype(int), rows - 1)
    column = np.minimum((x * columns).astype(int), columns - 1)
    covered = np.zeros((rows, columns))
    np.add.at(covered, (row[:, None], column), area)
    return np.minimum(covered * (rows * columns), 1.0)


def covered_maps(
    named: Sequence[Boxes],
    owner: NDArray[np.int64],
    view: View,
    grid: tuple[int, int],
) -> NDArray[np.float32]:
    """Return how much of each cell lies inside the boxes that each caption names.

    Args:
        named: Of T captions, as `named_boxes` returns them.
        owner: int64, T: the row of each caption's video.
        view: What the model took of the videos.
        grid: Rows and columns of cells.

    Returns:
        float32, T x F x rows x columns, in 0..1; 0 in frames that are not there.
    """
    found = np.zeros((len(named), view.frame_index.shape[1], *grid), dtype=np.float32)
    for caption, (boxes, video) in enumerate(zip(named, owner.tolist(), strict=True)):
        seen = seen_boxes(boxes, view.frame_index[video], view.seen_part[video].tolist())
        for frame in np.flatnonzero(seen.any(axis=(0, 2))):
            found[caption, frame] = covered_cells(seen[:, frame], *grid)
    return found
