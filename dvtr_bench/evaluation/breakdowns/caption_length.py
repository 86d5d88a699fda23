"""Caption length: long captions are a weakness that the authors of MSAM state themselves."""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.ranking.groups import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.groups import Unit

TITLE: Final = "Caption length"
UNIT: "Final[Unit]" = "caption"

BINS: Final = (
    (12, "up to 12 words"),
    (30, "13 to 30 words"),
    (float("inf"), "over 30 words"),
)
"""Most words of each group. Over 30 is the paper's own limit. Three quarters of the captions of
USRD and CapERA have at most 12 words, one in eight of those of UMCRD."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups:
    """Sort captions by their number of words, which are what white space parts.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Short, medium and long captions.
    """
    words = np.array([len(caption.split()) for caption in split.captions], dtype=np.int64)
    return Groups.by_number(TITLE, UNIT, words, BINS)
