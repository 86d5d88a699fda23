"""Shared attributes: how many other videos fit all that a caption mentions (aerosynth).

A dataset that is made by a program knows what each caption gives away: column ``caption_mentions``
names the facts, column ``facts`` has their values for each video. "A car turns" fits every video
of its kind in which a car turns, however the other captions of those videos are worded.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from dvtr_bench.dataset.mentions import caption_mentions, knows_facts, video_facts
from dvtr_bench.evaluation.breakdowns.shared_text import OTHER_VIDEOS
from dvtr_bench.ranking.groups import Groups

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.groups import Unit

TITLE: Final = "Number of other videos that fit what the caption mentions"
UNIT: "Final[Unit]" = "caption"

_Facts: TypeAlias = Mapping[str, str]
_Wanted: TypeAlias = tuple[str | None, tuple[str, ...]]
"""A category and the names of the facts that a caption of it mentions."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Sort captions by the number of other videos that fit them.

    A video fits when it is of the same category and has the same value for each fact that the
    caption mentions. What is no fact of its own, such as the order of events, which comes with the
    fact of what happens, is not asked for.

    Args:
        split: The split.
        show_progress: Not used.

    Returns:
        Captions that fit their own video alone, then those of more and more videos; None for a
        dataset without the columns.

    Raises:
        InputError: A video has another number of captions than of mentions.
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
    """Return what each caption asks for."""
    wanted: list[_Wanted] = []
    mentions = caption_mentions(split, rows)
    for video, mention in zip(split.caption_video_index.tolist(), mentions, strict=True):
        known = tuple(sorted(name for name in mention["attributes"] if name in facts[video]))
        wanted.append((split.categories[video], known))
    return wanted


def _values(facts: _Facts, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(facts[name] for name in names)
