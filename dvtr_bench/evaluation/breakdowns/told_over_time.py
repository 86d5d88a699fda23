"""Told over time: whether a caption needs more than one frame (aerosynth).

A dataset that is made by a program knows what each caption gives away: column ``caption_mentions``
names the facts. A mean over frames knows what stands in them, but neither which way things move nor
what happens first: this axis shows what a model that looks at the order of frames gains by it.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.dataset.mentions import MENTIONS_COLUMN, caption_mentions
from dvtr_bench.ranking.groups import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.groups import Unit

TITLE: Final = "What the caption tells over time"
UNIT: "Final[Unit]" = "caption"

NAMES: Final = ("no movement", "a movement", "an order of events")

ORDER: Final = "order"
"""The mention of what happens first and what then."""

MOVEMENTS: Final = frozenset(
    "camera direction drift ending entry gait halt manoeuvre move_a move_b play route".split()
)
"""Facts that are a movement or its direction."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Sort captions by what they tell over time.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Captions of things alone, those of a movement, and those that tell an order of events, with
        or without movements; None for a dataset without the column.

    Raises:
        InputError: A video has another number of captions than of mentions.
    """
    if MENTIONS_COLUMN not in split.row(0):
        return None
    rows = [split.row(index) for index in range(len(split.video_ids))]
    codes = []
    for mention in caption_mentions(split, rows):
        told = set(mention["attributes"])
        codes.append(2 if ORDER in told else int(bool(told & MOVEMENTS)))
    return Groups(TITLE, UNIT, NAMES, np.array(codes, dtype=np.int64))
