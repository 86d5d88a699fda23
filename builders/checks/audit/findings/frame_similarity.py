"""Similarity of neighbouring frames, compared with that of different clips."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from builders.checks.audit.blocks import Block, Chart, Paragraph, Table
from builders.checks.audit.subject import (
    NO_FRAMES,
    SIDE_PX,
    NotMeasured,
    Subject,
    label,
    structural_similarity,
)
from dvtr_bench.reports import chart_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from builders.checks.audit.subject import FrameLooks
    from dvtr_bench.dataset.split import RetrievalSplit

TITLE: Final = "Frame-to-frame similarity"
PLACE: Final = 40
PAIRS: Final = 500
"""Most pairs of different clips that are compared in each split; all pairs if there are fewer."""

BINS: Final = 25


@dataclass(frozen=True)
class Distribution:
    """SSIM of many pairs of pictures.

    Attributes:
        count: Number of pairs; if 0, all figures are 0.
        mean: Mean.
        low: 5th percentile.
        median: Median.
        high: 95th percentile.
        bins: Shares in percent of 25 equal bins from 0 to 1; values below 0 count in the first.
    """

    count: int
    mean: float
    low: float
    median: float
    high: float
    bins: tuple[float, ...]


@dataclass(frozen=True)
class SplitSimilarity:
    """One split.

    Attributes:
        split: Its name, with the dataset's where there are two.
        num_clips: Its clips.
        seconds_between_frames: Median time from a stored frame to the next; None if unknown.
        neighbours: For each clip, the mean SSIM of a stored frame and the next.
        different_clips: SSIM of the middle frames of two random clips.
        different_same_class: The same for clips of one class; empty without classes.
    """

    split: str
    num_clips: int
    seconds_between_frames: float | None
    neighbours: Distribution
    different_clips: Distribution
    different_same_class: Distribution


@dataclass(frozen=True)
class Record:
    """Frame-to-frame similarity of a dataset.

    Attributes:
        side_px: Width and height of the grey pictures that are compared.
        splits: By split, those of the other dataset last.
        notes: What could not be measured.
    """

    side_px: int
    splits: tuple[SplitSimilarity, ...]
    notes: tuple[str, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record | NotMeasured:
    """Measure SSIM between neighbouring frames and between different clips.

    Args:
        subject: The dataset.
        against: Another one to show beside it.
        show_progress: Whether to show a progress bar while frames are decoded.

    Returns:
        The distributions.
    """
    if not subject.has_frames:
        return NotMeasured(NO_FRAMES)
    notes = []
    datasets = [subject]
    if against is not None and against.has_frames:
        datasets.append(against)
    elif against is not None:
        notes.append(f"{against.name}: {NO_FRAMES}.")
    return Record(
        side_px=SIDE_PX,
        splits=tuple(
            _similarity(label(dataset, name, against), split, dataset.looks(name, show_progress))
            for dataset in datasets
            for name, split in dataset.splits.items()
        ),
        notes=tuple(notes),
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: a table and the distributions."""
    yield Paragraph(
        f"SSIM of grey frames of {record.side_px} x {record.side_px} pixels: 1 is the same "
        "picture, around 0 nothing in common. Neighbouring stored frames of a clip are compared, "
        "and, as the measure to hold that against, middle frames of different clips of the split, "
        f"all pairs or {PAIRS} drawn by chance. Frames lie further apart in longer clips: mind the "
        "seconds."
    )
    for note in record.notes:
        yield Paragraph(note)
    yield Table(
        "SSIM",
        ["split", "compared", "number", "mean", "5th percentile", "median", "95th percentile"],
        [row for one in record.splits for row in _rows(one)],
        num_text_columns=2,
        terminal_rows=18,
    )
    for one in record.splits:
        lines = {"neighbouring frames": one.neighbours, "different clips": one.different_clips}
        shares = chart_data.Distribution(
            f"{one.split}: share of clips, or pairs of clips, by SSIM",
            "SSIM",
            [number / BINS for number in range(BINS + 1)],
            {name: values.bins for name, values in lines.items() if values.count},
        )
        yield Chart("distribution", shares)


def _similarity(name: str, split: "RetrievalSplit", looks: "FrameLooks") -> SplitSimilarity:
    rng = np.random.default_rng(0)
    count = len(looks.middle_rows)
    classes = [split.categories[row] for row in looks.middle_rows.tolist()]
    by_class: dict[str | None, list[int]] = {}
    for index, category in enumerate(classes):
        by_class.setdefault(category, []).append(index)
    same = [index for index, kind in enumerate(classes) if kind and len(by_class[kind]) > 1]
    return SplitSimilarity(
        split=name,
        num_clips=len(split.video_ids),
        seconds_between_frames=_seconds(split),
        neighbours=_distribution(looks.change[~np.isnan(looks.change)]),
        different_clips=_distribution(_drawn(looks, rng, [list(range(count))])),
        different_same_class=_distribution(
            _drawn(looks, rng, [by_class[classes[index]] for index in same])
        ),
    )


def _drawn(
    looks: "FrameLooks", rng: np.random.Generator, pools: list[list[int]]
) -> "NDArray[np.float64]":
    """Return SSIM of pairs of clips of one pool, each pair once: all, or a random choice.

    A pool is drawn once for each time that it is listed.
    """
    distinct = {tuple(pool) for pool in pools}
    if sum(len(pool) * (len(pool) - 1) // 2 for pool in distinct) <= PAIRS:
        pairs = {pair for pool in distinct for pair in combinations(pool, 2)}
    else:
        pairs = set()
        while len(pairs) < PAIRS:
            pool = pools[int(rng.integers(len(pools)))]
            first, step = int(rng.integers(len(pool))), int(rng.integers(1, len(pool)))
            ends = pool[first], pool[(first + step) % len(pool)]
            pairs.add((min(ends), max(ends)))
    return np.array(
        [structural_similarity(looks.middles[a], looks.middles[b]) for a, b in sorted(pairs)]
    )


def _seconds(split: "RetrievalSplit") -> float | None:
    steps = []
    for row in range(len(split.video_ids)):
        times: list[float] = split.row(row).get("frame_pts_seconds") or []
        if len(times) > 1:
            steps.append((times[-1] - times[0]) / (len(times) - 1))
    return round(float(np.median(steps)), 6) if steps else None


def _distribution(values: "NDArray[np.float64]") -> Distribution:
    if not len(values):
        return Distribution(0, 0.0, 0.0, 0.0, 0.0, ())
    low, median, high = np.percentile(values, [5, 50, 95])
    counts, _ = np.histogram(np.clip(values, 0.0, 1.0), bins=BINS, range=(0.0, 1.0))
    return Distribution(
        count=len(values),
        mean=round(float(values.mean()), 6),
        low=round(float(low), 6),
        median=round(float(median), 6),
        high=round(float(high), 6),
        bins=tuple(round(100 * int(count) / len(values), 6) for count in counts),
    )


def _rows(similarity: SplitSimilarity) -> Iterator[list[str]]:
    apart = similarity.seconds_between_frames
    times = "" if apart is None else f", {apart:.2f} s apart"
    for name, values in (
        (f"neighbouring frames of a clip{times}", similarity.neighbours),
        ("different clips", similarity.different_clips),
        ("different clips of one class", similarity.different_same_class),
    ):
        if values.count:
            figures = (values.mean, values.low, values.median, values.high)
            yield [
                similarity.split,
                name,
                f"{values.count:,}",
                *(f"{figure:.2f}" for figure in figures),
            ]
