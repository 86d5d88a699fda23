"""Breakdown by the number of other videos with a caption's text, which are equally good answers."""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.ranking.ceilings import text_ids
from dvtr_bench.ranking.rank_table import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "Number of other videos with the caption's text"
UNIT: "Final[Unit]" = "caption"

OTHER_VIDEOS: Final = (
    (0, "no other video"),
    (1, "1 other video"),
    (4, "2 to 4 other videos"),
    (float("inf"), "5 or more other videos"),
)
"""Most other videos of each group. A random choice among equal captions gives an R@1 of 100, 50, 33
to 20, and at most 17 percent."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups:
    """Group captions by the number of other videos with the same text.

    Args:
        split: The split. Texts are compared as in `dvtr_bench.ranking.ceilings`.
        show_progress: Not used.

    Returns:
        Groups by an increasing number of other videos, the first without any.
    """
    texts = text_ids(split.captions)
    videos = np.asarray(split.caption_video_index, dtype=np.int64)
    pairs = np.unique(texts * len(split.video_ids) + videos)
    others = np.bincount(pairs // len(split.video_ids))[texts] - 1
    return Groups.by_number(TITLE, UNIT, others, OTHER_VIDEOS)
