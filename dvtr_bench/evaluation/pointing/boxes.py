"""Boxes of the objects that captions name, and the cells of a map that they cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.split import MENTIONS_COLUMN, caption_mentions

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

Boxes = NDArray[np.float64]
"""float64, objects x frames x 4: x0, y0, x1, y1 as fractions; no area if the object is not seen."""

_COLUMNS: Final = ("objects", MENTIONS_COLUMN)


@dataclass(frozen=True)
class View:
    """The part of each video that a model uses.

    Attributes:
        frame_index: int64, V x F: indices of the stored frames; -1 for padding.
        seen_part: float64, V x 4: the part of these frames, x0, y0, x1, y1 as fractions.
    """

    frame_index: NDArray[np.int64]
    seen_part: NDArray[np.float64]


def named_boxes(split: "RetrievalSplit") -> list[Boxes] | None:
    """Return the boxes of the objects that each caption names, in all stored frames.

    Args:
        split: A split with the columns ``objects`` and ``caption_mentions`` (aerosynth, GeoText).

    Returns:
        Boxes of T captions, as fractions of the whole frame; None for a dataset without boxes.

    Raises:
        InputError: A video has more captions than mentions.
    """
    if not all(column in split.row(0) for column in _COLUMNS):
        return None
    rows = [split.row(index) for index in range(len(split.video_ids))]
    # A video may have no objects, so its shape is stated.
    boxes = [
        np.array([one["boxes"] for one in row["objects"]], dtype=np.float64).reshape(
            len(row["objects"]), len(row["frame_pts_seconds"]), 4
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
    """Convert boxes to the frames that a model uses, as fractions of the part that it uses.

    Args:
        boxes: Boxes of one caption, in all stored frames.
        frame_index: int64, F: indices of the used frames; -1 for padding.
        seen_part: The used part, x0, y0, x1, y1 as fractions.

    Returns:
        Boxes in F frames, clipped to the used part; zeros if nothing of an object is seen.
    """
    left, top, right, bottom = seen_part
    size = np.array([right - left, bottom - top] * 2)
    moved = (boxes[:, frame_index] - np.array([left, top] * 2)) / size
    clipped = np.clip(moved, 0.0, 1.0)
    there = (clipped[..., 2] > clipped[..., 0]) & (clipped[..., 3] > clipped[..., 1])
    return np.where((there & (frame_index >= 0))[..., None], clipped, 0.0)


def covered_cells(boxes: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Return the share of each cell of a frame that is inside any box.

    Args:
        boxes: float64, objects x 4: x0, y0, x1, y1 in 0..1.
        rows: Number of rows of cells.
        columns: Number of columns of cells.

    Returns:
        float64, rows x columns, in 0..1; exact, overlapping boxes counted once.

    Example:
        >>> covered_cells(np.array([[0.0, 0.0, 0.5, 0.75]]), 2, 2).tolist()
        [[1.0, 0.0], [0.5, 0.0]]
    """
    across = np.unique(np.concatenate([np.arange(columns + 1) / columns, *boxes[:, 0::2]]))
    down = np.unique(np.concatenate([np.arange(rows + 1) / rows, *boxes[:, 1::2]]))
    # The area between neighbouring edges is either inside a box or outside.
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
    """Return the share of each cell that is inside the boxes of the objects in each caption.

    Args:
        named: Boxes of T captions from `named_boxes`.
        owner: int64, T: the row of each caption's video.
        view: The part of the videos that the model uses.
        grid: Number of rows and columns of cells.

    Returns:
        float32, T x F x rows x columns, in 0..1; 0 for padding.
    """
    found = np.zeros((len(named), view.frame_index.shape[1], *grid), dtype=np.float32)
    for caption, (boxes, video) in enumerate(zip(named, owner.tolist(), strict=True)):
        seen = seen_boxes(boxes, view.frame_index[video], view.seen_part[video].tolist())
        for frame in np.flatnonzero(seen.any(axis=(0, 2))):
            found[caption, frame] = covered_cells(seen[:, frame], *grid)
    return found
