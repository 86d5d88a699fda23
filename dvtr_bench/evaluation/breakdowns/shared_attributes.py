"""Breakdown by the number of other videos that match all facts in a caption (aerosynth).

In a synthetic dataset, the facts of each video (column ``facts``) and those in each caption (column
``caption_mentions``) are known. "A car turns" matches every video of its category in which a car
turns, whatever the captions of that video say.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from dvtr_bench.dataset.split import caption_mentions, knows_facts, video_facts
from dvtr_bench.evaluation.breakdowns.shared_text import OTHER_VIDEOS
from dvtr_bench.ranking.rank_table import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "Number of other videos that fit what the caption mentions"
UNIT: "Final[Unit]" = "caption"

_Facts: TypeAlias = Mapping[str, str]
_Wanted: TypeAlias = tuple[str | None, tuple[str, ...]]
"""The category of a caption's video and the names of the facts that the caption mentions."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Group captions by the number of other videos that match them.

    A video matches if it has the same category and the same value of each fact that the caption
    mentions. Mentions that are not facts of their own, such as the order of events, are ignored.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Groups by an increasing number of matching videos, the first without any other; None for a
        dataset without these columns.

    Raises:
        InputError: A video has more captions than mentions.
    """
    if not knows_facts(split.row(0)):
        return None
    rows = [split.row(index) for index in range(len(split.video_ids))]
    facts = video_facts(rows)
    wanted = _wanted(split, rows, facts)
    fitting: dict[_Wanted, Counter[tuple[str, ...]]] = {}
    for category, names in set(wanted):
        fitting[category, names] = Counter(
            _values(known, names)
            for known, own in zip(facts, split.categories, strict=True)
            if own == category and all(name in known for name in names)
        )
    others = [
        fitting[key][_values(facts[video], key[1])] - 1
        for key, video in zip(wanted, split.caption_video_index, strict=True)
    ]
    return Groups.by_number(TITLE, UNIT, np.array(others, dtype=np.int64), OTHER_VIDEOS)


def _wanted(
    split: "RetrievalSplit", rows: Sequence[Mapping[str, Any]], facts: Sequence[_Facts]
) -> list[_Wanted]:
    """Return the category and the mentioned facts of each caption."""
    wanted: list[_Wanted] = []
    mentions = caption_mentions(split, rows)
    for video, mention in zip(split.caption_video_index.tolist(), mentions, strict=True):
        known = tuple(sorted(name for name in mention["attributes"] if name in facts[video]))
        wanted.append((split.categories[video], known))
    return wanted


def _values(facts: _Facts, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(facts[name] for name in names)
