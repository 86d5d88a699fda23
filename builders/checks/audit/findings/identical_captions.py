"""Captions that describe more than one video, within a split and across splits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Final

import numpy as np

from builders.checks.audit.blocks import Block, Paragraph, Table
from builders.checks.audit.subject import Subject, label, leak_order
from dvtr_bench.ranking.ceilings import normalise_text, shared_text, videos_with_text
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

TITLE: Final = "Identical captions"
PLACE: Final = 10
DEPTHS: Final = (1, 5, 10)
_FIGURES: Final = tuple(f"R@{depth}" for depth in DEPTHS)
LISTED: Final = 100


@dataclass(frozen=True)
class WithinSplit:
    """Repeated captions of one split.

    Attributes:
        split: Its name.
        num_videos: Its videos.
        num_captions: Its captions.
        num_texts: Different texts among them.
        shared_captions: Captions whose text another video of the split also has.
        shared_percent: Their share.
        t2v_ceilings: Highest expected R@k, in percent, of a model that sees only the text; by
            figure, such as ``R@1``.
        videos_repeating_a_caption: Videos that have one caption more than once.
    """

    split: str
    num_videos: int
    num_captions: int
    num_texts: int
    shared_captions: int
    shared_percent: float
    t2v_ceilings: Mapping[str, float]
    videos_repeating_a_caption: int


@dataclass(frozen=True)
class AcrossSplits:
    """Captions of one split that also occur in another.

    Attributes:
        of_split: The split of the captions, with the dataset's name if there are two.
        in_split: The split in which they are looked up.
        num_captions: Captions of the first.
        verbatim: Those that occur in the second verbatim.
        verbatim_percent: Their share.
        same_text: Those that occur in the second, ignoring case and outer spaces.
        same_text_percent: Their share.
    """

    of_split: str
    in_split: str
    num_captions: int
    verbatim: int
    verbatim_percent: float
    same_text: int
    same_text_percent: float


@dataclass(frozen=True)
class RepeatedText:
    """One text that several videos have.

    Attributes:
        text: Stripped and in lower case.
        num_captions: Captions with this text.
        num_videos: Videos that have it, in all splits.
        splits: Videos that have it, by split.
    """

    text: str
    num_captions: int
    num_videos: int
    splits: Mapping[str, int]


@dataclass(frozen=True)
class Record:
    """Identical captions of a dataset.

    Attributes:
        within: By split.
        across: By pair of splits.
        num_repeated_texts: Texts that more than one video has.
        most_repeated: The first of them, by number of videos.
    """

    within: tuple[WithinSplit, ...]
    across: tuple[AcrossSplits, ...]
    num_repeated_texts: int
    most_repeated: tuple[RepeatedText, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record:
    """Count identical captions.

    Args:
        subject: The dataset.
        against: Another one whose splits are compared too.
        show_progress: Not used.

    Returns:
        The counts. Captions are compared after ``strip().lower()``.
    """
    repeated = _repeated(subject)
    return Record(
        within=tuple(_within(split) for split in subject.splits.values() if split.captions),
        across=tuple(_across(subject, against)),
        num_repeated_texts=len(repeated),
        most_repeated=tuple(repeated[:LISTED]),
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: ceilings, leaks between splits, the most repeated texts."""
    yield Paragraph(
        "Two captions count as identical when strip().lower() makes them the same. A model that "
        "sees the text alone cannot tell videos with one text apart: the ceiling is the recall "
        "that it can expect at best."
    )
    yield Table(
        "Within each split: captions that another video has too, the ceilings of t2v recall that "
        "this leaves, and videos that repeat a caption of their own",
        ["split", "videos", "captions", "texts", "shared", *_FIGURES, "repeat own"],
        [
            [
                one.split,
                f"{one.num_videos:,}",
                f"{one.num_captions:,}",
                f"{one.num_texts:,}",
                f"{one.shared_percent:.1f}%",
                *(f"{one.t2v_ceilings[figure]:.2f}" for figure in _FIGURES),
                f"{one.videos_repeating_a_caption:,}",
            ]
            for one in record.within
        ],
    )
    with_overlap = [one for one in record.across if one.same_text]
    if num_disjoint := len(record.across) - len(with_overlap):
        yield Paragraph(f"{count_of(num_disjoint, 'pair')} of splits have no caption in common.")
    if with_overlap:
        yield Table(
            "Captions that another split has too",
            ["captions of", "found in", "captions", "verbatim", "share", "same text", "share"],
            [
                [
                    one.of_split,
                    one.in_split,
                    f"{one.num_captions:,}",
                    f"{one.verbatim:,}",
                    f"{one.verbatim_percent:.1f}%",
                    f"{one.same_text:,}",
                    f"{one.same_text_percent:.1f}%",
                ]
                for one in with_overlap
            ],
            num_text_columns=2,
        )
    if record.most_repeated:
        yield Table(
            f"Most repeated of {record.num_repeated_texts:,} texts that several videos have",
            ["text", "in splits", "videos", "captions"],
            [
                [
                    one.text or "(empty)",
                    ", ".join(f"{name} {count}" for name, count in one.splits.items()),
                    f"{one.num_videos:,}",
                    f"{one.num_captions:,}",
                ]
                for one in record.most_repeated
            ],
            num_text_columns=2,
            terminal_rows=5,
            page_rows=25,
        )


def _within(split: "RetrievalSplit") -> WithinSplit:
    shared = shared_text(split.captions, split.caption_video_index)
    videos = videos_with_text(split.captions, split.caption_video_index)
    ceilings = {
        figure: round(float(100 * np.minimum(1.0, depth / videos).mean()), 6)
        for figure, depth in zip(_FIGURES, DEPTHS, strict=True)
    }
    texts = [normalise_text(caption) for caption in split.captions]
    text_counts = Counter(zip(split.caption_video_index.tolist(), texts, strict=True))
    repeating = {video for (video, _), count in text_counts.items() if count > 1}
    return WithinSplit(
        split=split.name,
        num_videos=len(split.video_ids),
        num_captions=shared.captions,
        num_texts=len(set(texts)),
        shared_captions=shared.shared_captions,
        shared_percent=round(shared.shared_percent, 6),
        t2v_ceilings=ceilings,
        videos_repeating_a_caption=len(repeating),
    )


def _across(subject: Subject, against: Subject | None) -> Iterator[AcrossSplits]:
    own_splits = [(label(subject, name, against), split) for name, split in subject.splits.items()]
    pairs = list(permutations(own_splits, 2))
    if against is not None:
        other_splits = [
            (label(against, name, subject), split) for name, split in against.splits.items()
        ]
        pairs += [(own, other) for own in own_splits for other in other_splits]
        pairs += [(other, own) for other in other_splits for own in own_splits]
    for of_, in_ in sorted(pairs, key=lambda pair: leak_order(pair[0][1].name, pair[1][1].name)):
        if of_[1].captions:
            yield _crossing(of_[0], of_[1].captions, in_[0], in_[1].captions)


def _crossing(
    of_split: str, captions: Sequence[str], in_split: str, others: Sequence[str]
) -> AcrossSplits:
    verbatim = set(others)
    texts = {normalise_text(caption) for caption in others}
    same = sum(caption in verbatim for caption in captions)
    alike = sum(normalise_text(caption) in texts for caption in captions)
    return AcrossSplits(
        of_split=of_split,
        in_split=in_split,
        num_captions=len(captions),
        verbatim=same,
        verbatim_percent=round(100 * same / len(captions), 6),
        same_text=alike,
        same_text_percent=round(100 * alike / len(captions), 6),
    )


def _repeated(subject: Subject) -> list[RepeatedText]:
    captions: Counter[str] = Counter()
    videos: dict[str, Counter[str]] = {}
    for name, split in subject.splits.items():
        texts = [normalise_text(caption) for caption in split.captions]
        captions.update(texts)
        index = split.caption_video_index.tolist()
        for text, _ in dict.fromkeys(zip(texts, index, strict=True)):
            videos.setdefault(text, Counter())[name] += 1
    repeated_texts = [
        RepeatedText(text, captions[text], by_split.total(), dict(by_split))
        for text, by_split in videos.items()
        if by_split.total() > 1
    ]
    return sorted(
        repeated_texts, key=lambda text: (-text.num_videos, -text.num_captions, text.text)
    )
