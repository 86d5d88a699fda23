"""Clips that show the same pictures: encoded again, cut, cropped or overlapping.

A build looks for them too, across the splits (`with_near_duplicates`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from builders.checks.audit.blocks import Block, Paragraph, Picture, Table
from builders.checks.audit.frame_search import MAX_BITS, MIN_FRAMES, Found, Gallery, find_pairs
from builders.checks.audit.subject import NO_FRAMES, NotMeasured, Subject, label, leak_order
from builders.documents.report import BuildReport, NearDuplicates, NearPair, SplitOverlap
from dvtr_bench.dataset.measures import stored_arrays
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.reports.contact_sheet import Row, Tile, save_contact_sheet
from dvtr_bench.runtime.terminal import by_number, count_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from builders.engine.decode import Staging
    from builders.engine.settings import BuildSettings
    from dvtr_bench.dataset.manifest import Manifest
    from dvtr_bench.dataset.split import RetrievalSplit


TITLE: Final = "Near-duplicate clips"
PLACE: Final = 30
SHEET: Final = "near-duplicates.png"
KEPT_PAIRS: Final = 10_000
DRAWN_PAIRS: Final = 16


@dataclass(frozen=True)
class SplitPair:
    """Near-duplicates between two splits, or inside one.

    Attributes:
        first_split: The first split, with the dataset's name if there are two.
        second_split: The second split; the same for pairs inside a split.
        pairs: Pairs of clips.
        first_clips: Clips of the first that have a near-duplicate in the second.
        first_percent: Their share of the first.
        second_clips: Clips of the second that have one in the first.
        second_percent: Their share of the second.
    """

    first_split: str
    second_split: str
    pairs: int
    first_clips: int
    first_percent: float
    second_clips: int
    second_percent: float


@dataclass(frozen=True)
class Pair:
    """Two near-duplicate clips.

    Attributes:
        first_split: Split of the first clip.
        first_id: Its video id, verbatim.
        second_split: Split of the second clip.
        second_id: Its video id, verbatim.
        common_frames: Frames of one clip that are found in the other; the smaller of both
            directions.
        first_frames: Stored frames of the first clip.
        second_frames: Stored frames of the second clip.
        nearest_bits: Differing bits, of 64, of the two nearest frames.
        mirrored: Whether left and right are exchanged.
    """

    first_split: str
    first_id: str
    second_split: str
    second_id: str
    common_frames: int
    first_frames: int
    second_frames: int
    nearest_bits: int
    mirrored: bool


@dataclass(frozen=True)
class Record:
    """Near-duplicates of a dataset.

    Attributes:
        max_bits: Two frames match if their hashes differ in at most this many bits.
        min_frames: Two clips are near-duplicates if at least this many frames of each match one of
            the other's.
        num_clips: Clips compared.
        num_frames: Frames compared.
        flat_frames: Frames left out because they show nothing.
        flat_clips: Clips with only such frames, which cannot be compared.
        splits: Counts by pair of splits, those that cross splits first.
        num_pairs: Number of pairs.
        pairs: Pairs of test and train first, those inside a split last; then those with most
            frames in common first.
        sheet: The picture of the first of them, in the audit's folder; None without pairs.
        notes: What could not be measured.
    """

    max_bits: int
    min_frames: int
    num_clips: int
    num_frames: int
    flat_frames: int
    flat_clips: int
    splits: tuple[SplitPair, ...]
    num_pairs: int
    pairs: tuple[Pair, ...]
    sheet: str | None
    notes: tuple[str, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record | NotMeasured:
    """Search for near-duplicates inside a dataset, and between it and another one.

    Args:
        subject: The dataset.
        against: Another one; pairs inside it are not searched.
        show_progress: Whether to show progress bars.

    Returns:
        The pairs.
    """
    if not subject.has_frames:
        return NotMeasured(NO_FRAMES)
    datasets, notes = [subject], []
    if against is not None and against.has_frames:
        datasets.append(against)
    elif against is not None:
        notes.append(f"{against.name}: {NO_FRAMES}.")
    named = [
        (label(dataset, name, against), split, dataset.looks(name, show_progress))
        for dataset in datasets
        for name, split in dataset.splits.items()
    ]
    gallery = Gallery.of([looks for _, _, looks in named])
    urgency = _urgency([split.name for _, split, _ in named], len(subject.splits))
    keep = partial(stored_arrays, next(iter(subject.splits.values())))
    found = find_pairs(gallery, urgency, len(subject.splits), KEPT_PAIRS, show_progress, keep)
    names = [(name, video) for name, split, _ in named for video in split.video_ids]
    frames = [int(count) for _, _, looks in named for count in looks.starts[1:] - looks.starts[:-1]]
    pairs = tuple(
        Pair(
            *names[pair.first],
            *names[pair.second],
            common_frames=pair.frames,
            first_frames=frames[pair.first],
            second_frames=frames[pair.second],
            nearest_bits=pair.bits,
            mirrored=pair.mirrored,
        )
        for pair in found.pairs
    )
    return Record(
        max_bits=MAX_BITS,
        min_frames=MIN_FRAMES,
        num_clips=len(names),
        num_frames=sum(frames),
        flat_frames=sum(frames) - len(gallery.hashes),
        flat_clips=len(names) - len(set(gallery.clips.tolist())),
        splits=_splits(found, urgency, [name for name, _, _ in named], gallery),
        num_pairs=int(found.counts.sum()),
        pairs=pairs,
        sheet=SHEET if pairs else None,
        notes=tuple(notes),
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: counts, pairs, and the sheet to look at."""
    yield Paragraph(
        f"{count_of(record.num_frames, 'stored frame')} of {count_of(record.num_clips, 'clip')}, "
        "each compared with "
        f"every other by a 64-bit perceptual hash. Two clips are listed when {record.min_frames} "
        f"frames or more of each differ from one of the other's in {record.max_bits} bits at "
        "most, or after left and right are exchanged. A pair is a candidate: look at it."
    )
    for note in record.notes:
        yield Paragraph(note)
    if record.flat_frames:
        yield Paragraph(
            f"{count_of(record.flat_frames, 'flat frame')} (black, fog, blank) "
            f"{by_number(record.flat_frames, 'was', 'were')} left out; clips that have no others, "
            f"which were not compared: {record.flat_clips:,}."
        )
    if not record.pairs:
        yield Paragraph("No two clips show the same.")
        return
    yield Table(
        f"Pairs of splits, {count_of(record.num_pairs, 'pair')} of clips in all",
        ["first", "second", "pairs", "clips of first", "share", "clips of second", "share"],
        [
            [
                one.first_split,
                one.second_split,
                f"{one.pairs:,}",
                f"{one.first_clips:,}",
                f"{one.first_percent:.1f}%",
                f"{one.second_clips:,}",
                f"{one.second_percent:.1f}%",
            ]
            for one in record.splits
        ],
        num_text_columns=2,
    )
    yield Table(
        "The pairs, those of test and train first"
        + (
            f" (the first {len(record.pairs):,} of them in audit.json)"
            if len(record.pairs) < record.num_pairs
            else ""
        ),
        ["split", "video id", "split", "video id", "frames", "nearest, bits"],
        [
            [
                pair.first_split,
                repr(pair.first_id),
                pair.second_split,
                repr(pair.second_id),
                f"{pair.common_frames} of {min(pair.first_frames, pair.second_frames)}",
                str(pair.nearest_bits) + (" mirrored" if pair.mirrored else ""),
            ]
            for pair in record.pairs
        ],
        num_text_columns=4,
        terminal_rows=10,
        page_rows=40,
    )
    yield Picture(f"The first {count_of(min(DRAWN_PAIRS, len(record.pairs)), 'pair')}", SHEET)


def draw(record: Record, subject: Subject, against: Subject | None, folder: Path) -> None:
    """Draw the first pairs, clip beside clip.

    Args:
        record: The finding.
        subject: The dataset.
        against: The other one.
        folder: Folder for the picture.
    """
    if not record.pairs:
        return
    rows_by_id: dict[tuple[str, str], tuple[RetrievalSplit, int]] = {
        (label(dataset, name, against), video): (split, row)
        for dataset in (subject, against)
        if dataset is not None
        for name, split in dataset.splits.items()
        for row, video in enumerate(split.video_ids)
    }
    rows = []
    for number, pair in enumerate(record.pairs[:DRAWN_PAIRS], start=1):
        ends = ((pair.first_split, pair.first_id), (pair.second_split, pair.second_id))
        tiles = []
        for end in ends:
            split, row = rows_by_id[end]
            tiles.append(Tile(split.frames(row), f"{end[0]}: {end[1]}"))
        crosses = pair.first_split != pair.second_split
        rows.append(
            Row(
                f"{number}. {pair.first_split}"
                + (f" and {pair.second_split}" if crosses else ", both"),
                f"{pair.common_frames} frames in common, nearest {pair.nearest_bits} bits apart"
                + (", mirrored" if pair.mirrored else ""),
                tiles,
            )
        )
    title = f"Near-duplicate clips of {subject.name}" + (f" and {against.name}" if against else "")
    save_contact_sheet(title, rows, folder / SHEET)


def _urgency(names: list[str], num_own: int) -> "NDArray[np.int64]":
    """Rank pairs of splits: test and train first, pairs inside a split last."""

    def key(first: int, second: int) -> tuple[int, int]:
        first_name, second_name = names[first], names[second]
        return min(leak_order(first_name, second_name), leak_order(second_name, first_name))

    pairs = [(first, second) for first in range(num_own) for second in range(first, len(names))]
    pairs.sort(key=lambda pair: (pair[0] == pair[1], key(*pair)), reverse=True)
    urgency = np.zeros((len(names), len(names)), dtype=np.int64)
    for rank, pair in enumerate(pairs):
        urgency[pair] = rank
    return urgency


def _splits(
    search_result: Found, urgency: "NDArray[np.int64]", names: list[str], gallery: Gallery
) -> tuple[SplitPair, ...]:
    sizes = [int((gallery.part == part).sum()) for part in range(len(names))]
    rows = []
    for first, second in zip(*search_result.counts.nonzero(), strict=True):
        mine = int(search_result.clips[second][gallery.part == first].sum())
        other = int(search_result.clips[first][gallery.part == second].sum())
        row = SplitPair(
            first_split=names[first],
            second_split=names[second],
            pairs=int(search_result.counts[first, second]),
            first_clips=mine,
            first_percent=round(100 * mine / sizes[first], 6),
            second_clips=other,
            second_percent=round(100 * other / sizes[second], 6),
        )
        rows.append((int(urgency[first, second]), row))
    return tuple(row for _, row in sorted(rows, key=lambda item: -item[0]))


def with_near_duplicates(
    report: BuildReport, staging: "Staging", manifest: "Manifest", settings: "BuildSettings"
) -> BuildReport:
    """Add the clips of different splits that look alike to a build's report.

    What is computed from frames is kept in the folder of the build, so that a build that was
    stopped goes on; it goes away with that folder.

    Args:
        report: The report.
        staging: Folders of the build; the Parquet files are written.
        manifest: The manifest of these files.
        settings: Settings of the build.

    Returns:
        The report; unchanged without frames or with a single split.
    """
    if len(manifest.splits) < 2:
        return report
    splits = {name: _StagedSplit(staging, manifest, name) for name in manifest.splits}
    subject = Subject(manifest.name, manifest.version, manifest.fingerprint, splits)
    record = find(subject, None, settings.progress)
    if isinstance(record, NotMeasured):  # no frames were stored
        return report
    return replace(report, near_duplicates=_across(record))


def _across(record: Record) -> NearDuplicates:
    return NearDuplicates(
        max_bits=MAX_BITS,
        min_frames=MIN_FRAMES,
        splits=tuple(
            SplitOverlap(
                both.first_split,
                both.second_split,
                both.pairs,
                both.first_clips,
                both.second_clips,
            )
            for both in record.splits
            if both.first_split != both.second_split
        ),
        pairs=tuple(
            NearPair(
                pair.first_split,
                pair.first_id,
                pair.second_split,
                pair.second_id,
                pair.common_frames,
                pair.mirrored,
            )
            for pair in record.pairs
            if pair.first_split != pair.second_split
        ),
    )


class _StagedSplit(DatasetSplit):
    """A split of the files that a build writes; what is kept beside it survives a new writing."""

    def __init__(self, staging: "Staging", manifest: "Manifest", name: str) -> None:
        super().__init__(staging.folder / manifest.name, manifest, name)
        self._output = staging.output

    def _paths(self, config: str) -> list[Path]:
        return [self._output / path for path in self.manifest.splits[self._name].paths(config)]
