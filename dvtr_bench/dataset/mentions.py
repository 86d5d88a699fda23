"""Facts of videos, and which of them each caption mentions (aerosynth has both)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import InputError

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

MENTIONS_COLUMN: Final = "caption_mentions"
FACTS_COLUMN: Final = "facts"


def knows_facts(row: Mapping[str, Any]) -> bool:
    """Return whether a row has the columns of facts and mentions."""
    return MENTIONS_COLUMN in row and FACTS_COLUMN in row


def video_facts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the facts of each video, by name.

    Args:
        rows: V rows of a split with the column `FACTS_COLUMN`.

    Returns:
        V dicts.

    Example:
        >>> video_facts([{"facts": [{"name": "colour", "value": "red"}]}])
        [{'colour': 'red'}]
    """
    return [{fact["name"]: fact["value"] for fact in row[FACTS_COLUMN]} for row in rows]


def caption_mentions(
    split: "RetrievalSplit", rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the mentions of each caption.

    Args:
        split: A split whose column `MENTIONS_COLUMN` has a list a video, with one entry a caption.
        rows: V rows of the split.

    Returns:
        T entries of the column, in the order of the captions.

    Raises:
        InputError: A video has more captions than entries.
    """
    num_mentions: Counter[int] = Counter()
    by_caption: list[Mapping[str, Any]] = []
    for video in split.caption_video_index.tolist():
        mentions = rows[video][MENTIONS_COLUMN]
        if num_mentions[video] >= len(mentions):
            raise InputError(
                f"{split.dataset_name} {split.name}: video {split.video_ids[video]!r} has more "
                f"captions than the {len(mentions)} of its {MENTIONS_COLUMN}: build it again"
            )
        by_caption.append(mentions[num_mentions[video]])
        num_mentions[video] += 1
    return by_caption
