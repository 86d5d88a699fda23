"""Breakdown by caption length; long captions are a weakness that MSAM's authors state."""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.ranking.rank_table import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "Caption length"
UNIT: "Final[Unit]" = "caption"

BINS: Final = (
    (12, "up to 12 words"),
    (30, "13 to 30 words"),
    (float("inf"), "over 30 words"),
)
"""Most words of each group. The limit of 30 is from the paper. Three quarters of the captions of
USRD and CapERA, and one eighth of those of UMCRD, have at most 12 words."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups:
    """Group captions by their number of words, separated by white space.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Short, medium and long captions.
    """
    words = np.array([len(caption.split()) for caption in split.captions], dtype=np.int64)
    return Groups.by_number(TITLE, UNIT, words, BINS)
