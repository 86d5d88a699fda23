"""How long captions are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from builders.checks.audit.blocks import Block, Chart, Table
from builders.checks.audit.subject import Subject, label
from builders.documents.report import LONG_CAPTION_WORDS
from dvtr_bench.reports.chart_data import Distribution

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

TITLE: Final = "Caption length"
PLACE: Final = 50
SHOWN_WORDS: Final = 50


@dataclass(frozen=True)
class SplitLengths:
    """Words of the captions of one split, separated by spaces.

    Attributes:
        split: Its name, with the dataset's where there are two.
        num_captions: Its captions.
        mean_words: Mean.
        median_words: Median.
        longest_words: The longest caption.
        over_30_words: Captions of more than 30 words.
        over_30_percent: Their share.
        captions_by_words: Captions of 0, 1, 2, ... words.
    """

    split: str
    num_captions: int
    mean_words: float
    median_words: float
    longest_words: int
    over_30_words: int
    over_30_percent: float
    captions_by_words: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """Caption lengths of a dataset.

    Attributes:
        splits: By split, those of the other dataset last.
    """

    splits: tuple[SplitLengths, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record:
    """Count words.

    Args:
        subject: The dataset.
        against: Another one to show beside it.
        show_progress: Not used.

    Returns:
        The lengths.
    """
    return Record(
        tuple(
            _lengths(label(dataset, name, against), split)
            for dataset in (subject, against)
            if dataset is not None
            for name, split in dataset.splits.items()
            if split.captions
        )
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: a table and a histogram."""
    yield Table(
        "Words of a caption",
        ["split", "captions", "mean", "median", "longest", f"over {LONG_CAPTION_WORDS}", "share"],
        [
            [
                one.split,
                f"{one.num_captions:,}",
                f"{one.mean_words:.1f}",
                f"{one.median_words:g}",
                str(one.longest_words),
                f"{one.over_30_words:,}",
                f"{one.over_30_percent:.1f}%",
            ]
            for one in record.splits
        ],
    )
    shown = min(SHOWN_WORDS, max(one.longest_words for one in record.splits))
    title = "Share of captions by length" + (f" (to {SHOWN_WORDS})" if shown == SHOWN_WORDS else "")
    edges = [count - 0.5 for count in range(shown + 2)]
    shares = {one.split: _shares(one, shown + 1) for one in record.splits}
    yield Chart("distribution", Distribution(title, "words", edges, shares))


def _shares(one: SplitLengths, bins: int) -> list[float]:
    shares = [100 * count / one.num_captions for count in one.captions_by_words[:bins]]
    return shares + [0.0] * (bins - len(shares))


def _lengths(name: str, split: "RetrievalSplit") -> SplitLengths:
    words = np.array([len(caption.split()) for caption in split.captions])
    over = int((words > LONG_CAPTION_WORDS).sum())
    return SplitLengths(
        split=name,
        num_captions=len(words),
        mean_words=round(float(words.mean()), 6),
        median_words=float(np.median(words)),
        longest_words=int(words.max()),
        over_30_words=over,
        over_30_percent=round(100 * over / len(words), 6),
        captions_by_words=tuple(np.bincount(words).tolist()),
    )
