"""The words of captions, and those that do not occur in train."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from builders.checks.audit.blocks import Block, Chart, Paragraph, Table
from builders.checks.audit.subject import Subject, label
from dvtr_bench.reports.chart_data import NamedValues

TITLE: Final = "Vocabulary"
PLACE: Final = 55
LISTED: Final = 200
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


@dataclass(frozen=True)
class SplitWords:
    """Words of one split, in lower case.

    Attributes:
        split: Its name, with the dataset's where there are two.
        num_tokens: Number of words, including repetitions.
        num_words: Number of different words.
        type_token_ratio: Different words per word; falls with the size of a text, so compare only
            splits of equal size.
        once: Words that occur once.
        unseen_words: Different words that are not in the dataset's train split; None for train
            itself and without a train split.
        unseen_words_percent: Their share.
        captions_with_unseen_percent: Percent of captions with such a word.
    """

    split: str
    num_tokens: int
    num_words: int
    type_token_ratio: float
    once: int
    unseen_words: int | None
    unseen_words_percent: float | None
    captions_with_unseen_percent: float | None


@dataclass(frozen=True)
class WordCount:
    """One word.

    Attributes:
        word: In lower case.
        count: How often the dataset's captions have it.
    """

    word: str
    count: int


@dataclass(frozen=True)
class Record:
    """The words of a dataset.

    Attributes:
        splits: By split, those of the other dataset last.
        num_words: Different words of the dataset.
        top_words: The most frequent ones.
    """

    splits: tuple[SplitWords, ...]
    num_words: int
    top_words: tuple[WordCount, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record:
    """Count words.

    Args:
        subject: The dataset.
        against: Another one to show beside it.
        show_progress: Not used.

    Returns:
        The words.
    """
    splits = [
        one
        for dataset in (subject, against)
        if dataset is not None
        for one in _split_words(dataset, against)
    ]
    total: Counter[str] = Counter()
    for split in subject.splits.values():
        for caption in split.captions:
            total.update(words_of(caption))
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return Record(tuple(splits), len(total), tuple(WordCount(*item) for item in ordered[:LISTED]))


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: sizes, words missing in train, the most frequent words."""
    yield Paragraph(
        "Words are runs of letters and digits in lower case; an apostrophe or a hyphen inside a "
        "word is part of it."
    )
    yield Table(
        f"{record.num_words:,} different words; words that train lacks, captions that hold one",
        [
            "split",
            "words",
            "different",
            "type/token",
            "not in train",
            "share",
            "captions",
        ],
        [
            [
                one.split,
                f"{one.num_tokens:,}",
                f"{one.num_words:,}",
                f"{one.type_token_ratio:.4f}",
                "" if one.unseen_words is None else f"{one.unseen_words:,}",
                _percent(one.unseen_words_percent),
                _percent(one.captions_with_unseen_percent),
            ]
            for one in record.splits
        ],
    )
    top = record.top_words[:25]
    words, times = [one.word for one in top], [one.count for one in top]
    yield Chart("bars", NamedValues("Most frequent words", words, {"times": times}))


def words_of(caption: str) -> list[str]:
    """Return the words of a caption in lower case.

    Example:
        >>> words_of("A drone's-eye view, 2 cars.")
        ['a', "drone's-eye", 'view', '2', 'cars']
    """
    return _WORD.findall(caption.lower())


def _split_words(dataset: Subject, against: Subject | None) -> Iterator[SplitWords]:
    spoken = {
        name: [words_of(caption) for caption in split.captions]
        for name, split in dataset.splits.items()
    }
    train = {word for words in spoken.get("train", ()) for word in words}
    for name, captions in spoken.items():
        counts = Counter(word for words in captions for word in words)
        if not counts:
            continue
        unseen = None if name == "train" or not train else counts.keys() - train
        with_unseen = sum(not train.issuperset(words) for words in captions)
        yield SplitWords(
            split=label(dataset, name, against),
            num_tokens=counts.total(),
            num_words=len(counts),
            type_token_ratio=round(len(counts) / counts.total(), 6),
            once=sum(count == 1 for count in counts.values()),
            unseen_words=None if unseen is None else len(unseen),
            unseen_words_percent=None if unseen is None else _share(len(unseen), len(counts)),
            captions_with_unseen_percent=(
                None if unseen is None else _share(with_unseen, len(captions))
            ),
        )


def _share(count: int, total: int) -> float:
    return round(100 * count / total, 6)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}%"
