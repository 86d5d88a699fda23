"""Breakdown by the dataset's category of a video."""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.ranking.rank_table import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "Category"
UNIT: "Final[Unit]" = "video"
NO_CATEGORY: Final = "(no category)"


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Group videos by category.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Groups in alphabetical order, then videos without a category; None if no video has one.
    """
    categories = split.categories
    names = sorted({name for name in categories if name is not None})
    if not names:
        return None
    if None in categories:
        names = [name for name in names if name != NO_CATEGORY] + [NO_CATEGORY]
    place = {name: number for number, name in enumerate(names)}
    codes = [place[NO_CATEGORY if name is None else name] for name in categories]
    return Groups(TITLE, UNIT, tuple(names), np.array(codes, dtype=np.int64))
