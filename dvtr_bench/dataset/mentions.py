"""What each caption gives away, where a dataset knows it (aerosynth)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import InputError

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

MENTIONS_COLUMN: Final = "caption_mentions"


def caption_mentions(
    split: "RetrievalSplit", rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return what each caption mentions, in order of the captions.

    Args:
        split: Of a dataset with the column `MENTIONS_COLUMN`, a list a video in order of its
            captions.
        rows: V rows of the split.

    Returns:
        T entries of the column.

    Raises:
        InputError: A video has more captions than mentions.
    """
    told: Counter[int] = Counter()
    found: list[Mapping[str, Any]] = []
    for video in split.caption_video_index.tolist():
        mentions = rows[video][MENTIONS_COLUMN]
        if told[video] >= len(mentions):
            raise InputError(
                f"{split.dataset_name} {split.name}: video {split.video_ids[video]!r} has more "
                f"captions than the {len(mentions)} of its {MENTIONS_COLUMN}: build it again"
            )
        found.append(mentions[told[video]])
        told[video] += 1
    return found
