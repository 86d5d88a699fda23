"""How many videos each class has."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from builders.checks.audit.blocks import Block, Chart, Paragraph, Table
from builders.checks.audit.subject import NotMeasured, Subject
from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.runtime.terminal import count_of

TITLE: Final = "Class balance"
PLACE: Final = 70
SHOWN: Final = 40


@dataclass(frozen=True)
class ClassCount:
    """One class.

    Attributes:
        category: Its name, verbatim.
        num_videos: Its videos in all splits.
        splits: Videos of it, by split.
    """

    category: str
    num_videos: int
    splits: Mapping[str, int]


@dataclass(frozen=True)
class Record:
    """The classes of a dataset.

    Attributes:
        classes: Largest first.
        without_class: Videos without one, by split.
        effective_classes: Exponential of the entropy of the classes: the number of equal classes
            with the same entropy.
        not_in_every_split: Classes that a split lacks.
    """

    classes: tuple[ClassCount, ...]
    without_class: Mapping[str, int]
    effective_classes: float
    not_in_every_split: tuple[str, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record | NotMeasured:
    """Count videos by class.

    Args:
        subject: The dataset.
        against: Not used.
        show_progress: Not used.

    Returns:
        The counts.
    """
    by_split = {name: Counter(split.categories) for name, split in subject.splits.items()}
    total: Counter[str | None] = sum(by_split.values(), Counter())
    without = {name: counts[None] for name, counts in by_split.items()}
    classes_counted = {name: count for name, count in total.items() if name is not None}
    if not classes_counted:
        return NotMeasured("not measured: no video of this dataset has a class")
    ordered = sorted(classes_counted.items(), key=lambda item: (-item[1], item[0]))
    classes = tuple(
        ClassCount(name, count, {split: counts[name] for split, counts in by_split.items()})
        for name, count in ordered
    )
    shares = [count / sum(classes_counted.values()) for count in classes_counted.values()]
    return Record(
        classes=classes,
        without_class=without,
        effective_classes=round(math.exp(-sum(p * math.log(p) for p in shares)), 6),
        not_in_every_split=tuple(one.category for one in classes if not all(one.splits.values())),
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: how even the classes are, and their sizes."""
    largest, smallest = record.classes[0], record.classes[-1]
    yield Paragraph(
        f"{count_of(len(record.classes), 'class')}, as even as {record.effective_classes:.1f} "
        "classes of one "
        f"size; the largest, {largest.category}, has {count_of(largest.num_videos, 'video')}, the "
        f"smallest, {smallest.category}, {smallest.num_videos:,}."
    )
    if record.not_in_every_split:
        yield Paragraph("Not in every split: " + ", ".join(record.not_in_every_split) + ".")
    splits = list(record.without_class)
    rows = [
        [one.category, f"{one.num_videos:,}", *(f"{one.splits[split]:,}" for split in splits)]
        for one in record.classes
    ]
    if any(record.without_class.values()):
        none = [f"{record.without_class[split]:,}" for split in splits]
        rows.insert(0, ["(no class)", f"{sum(record.without_class.values()):,}", *none])
    yield Table("Videos by class", ["class", "videos", *splits], rows, terminal_rows=8)
    shown = record.classes[:SHOWN]
    videos = {split: [one.splits[split] for one in shown] for split in splits}
    names = [one.category for one in shown]
    yield Chart("bars", NamedValues("Videos by class", names, videos))
