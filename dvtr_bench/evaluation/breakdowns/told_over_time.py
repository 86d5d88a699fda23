"""Breakdown by whether a caption describes movements or an order of events (aerosynth).

In a synthetic dataset, the facts in each caption are known (column ``caption_mentions``). A mean
over frames represents the objects in them, but neither directions nor the order of events. So this
axis shows what a model gains from the order of frames.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.dataset.split import caption_mentions, knows_facts
from dvtr_bench.ranking.rank_table import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "What the caption tells over time"
UNIT: "Final[Unit]" = "caption"

NAMES: Final = ("no movement", "a movement", "an order of events")

ORDER: Final = "order"
"""The mention of an order of events."""

MOVEMENTS: Final = frozenset(
    "camera direction drift ending entry gait halt manoeuvre move_a move_b play route".split()
)
"""Facts about a movement or its direction."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Group captions by what they describe over time.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Captions without movements, captions with a movement, and captions with an order of events;
        None for a dataset that does not know the facts of its videos.

    Raises:
        InputError: A video has more captions than mentions.
    """
    if not knows_facts(split.row(0)):
        return None
    rows = [split.row(index) for index in range(len(split.video_ids))]
    codes = []
    for mention in caption_mentions(split, rows):
        told = set(mention["attributes"])
        codes.append(2 if ORDER in told else int(bool(told & MOVEMENTS)))
    return Groups(TITLE, UNIT, NAMES, np.array(codes, dtype=np.int64))
