"""Clips that occur twice: the same file under two ids, or the same clip in another dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from builders.checks.audit.blocks import Block, Paragraph, Table
from builders.checks.audit.subject import NO_FRAMES, NotMeasured, Subject, label, leak_order

TITLE: Final = "The same clips"
PLACE: Final = 20
BY_FILE: Final = "the same file"
BY_ID: Final = "the same id"

Place = tuple[str, str]
"""Split and video id."""


@dataclass(frozen=True)
class Overlap:
    """Videos of one split that another split holds too.

    Attributes:
        of_split: Whose videos, with the dataset's name where there are two.
        in_split: Where they are found; the same split for files it holds twice.
        by: How they were recognised.
        num_videos: Videos of the first split.
        shared: Those that the second holds too.
        shared_percent: Their share.
    """

    of_split: str
    in_split: str
    by: str
    num_videos: int
    shared: int
    shared_percent: float


@dataclass(frozen=True)
class SharedClip:
    """One clip that occurs twice.

    Attributes:
        by: How it was recognised.
        first_split: Split of the one.
        first_id: Its video id, verbatim.
        second_split: Split of the other.
        second_id: Its video id, verbatim.
    """

    by: str
    first_split: str
    first_id: str
    second_split: str
    second_id: str


@dataclass(frozen=True)
class Record:
    """Clips that occur twice.

    Attributes:
        overlaps: By pair of splits; between two datasets every pair is listed, both ways.
        clips: All of them.
        notes: What was compared and what could not be, one sentence each.
    """

    overlaps: tuple[Overlap, ...]
    clips: tuple[SharedClip, ...]
    notes: tuple[str, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record | NotMeasured:
    """Find clips that occur twice.

    Inside a dataset by the bytes of the files. Against another dataset by the collection that both
    say their clips are from, else by equal ids; and by the bytes of the files.

    Args:
        subject: The dataset.
        against: Another one.
        show_progress: Not used; it takes a moment.

    Returns:
        The clips.
    """
    if against is None and not subject.has_frames:
        return NotMeasured(f"{NO_FRAMES}, so that nothing is known of the files of its clips")
    clips: list[SharedClip] = []
    overlaps: list[Overlap] = []
    notes: list[str] = []
    if subject.has_frames:
        clips += _within(subject, against)
        overlaps += _counted(subject, subject, BY_FILE, clips, against)
    else:
        notes.append(f"Files inside {subject.name}: {NO_FRAMES}.")
    if against is not None:
        for by, mine, theirs, note in _ways(subject, against):
            notes.append(note)
            found = _between(subject, against, by, mine, theirs)
            clips += found
            overlaps += _counted(subject, against, by, found, against)
        if not (subject.has_frames and against.has_frames):
            bare = " and ".join(one.name for one in (subject, against) if not one.has_frames)
            notes.append(f"Files of one in the other: {NO_FRAMES} ({bare}).")
    return Record(tuple(overlaps), tuple(clips), tuple(notes))


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: how many clips of each split the others hold, and which."""
    for note in record.notes:
        yield Paragraph(note)
    shown = [one for one in record.overlaps if one.shared]
    if not shown:
        yield Paragraph("No clip was recognised twice.")
    else:
        yield Table(
            "Clips of one split that another holds too",
            ["videos of", "are also in", "recognised by", "videos", "shared", "share"],
            [
                [
                    one.of_split,
                    one.in_split,
                    one.by,
                    f"{one.num_videos:,}",
                    f"{one.shared:,}",
                    f"{one.shared_percent:.1f}%",
                ]
                for one in shown
            ],
            num_text_columns=3,
            terminal_rows=24,
        )
    if record.clips:
        yield Table(
            f"Pairs of clips, {len(record.clips):,} in all, every one in audit.json",
            ["split", "video id", "split", "video id", "recognised by"],
            [
                [one.first_split, repr(one.first_id), one.second_split, repr(one.second_id), one.by]
                for one in record.clips
            ],
            num_text_columns=5,
            terminal_rows=5,
            page_rows=20,
        )


def _ways(
    subject: Subject, against: Subject
) -> Iterator[tuple[str, Mapping[str, list[Place]], Mapping[str, list[Place]], str]]:
    mine, theirs = subject.origin, against.origin
    if mine is not None and theirs is not None and mine.name == theirs.name:
        yield (
            f"its name in {mine.name}",
            _places(subject, {place: mine.clip_of(place[1]) for place in _all(subject)}),
            _places(against, {place: theirs.clip_of(place[1]) for place in _all(against)}),
            f"Both datasets say that their clips are {mine.name}'s: ids are compared by the clip "
            f"of {mine.name} that they stand for.",
        )
    else:
        yield (
            BY_ID,
            _places(subject, {place: place[1] for place in _all(subject)}),
            _places(against, {place: place[1] for place in _all(against)}),
            "The two datasets state no collection that both are from: ids are compared letter for "
            "letter, and equal ids need not be equal clips.",
        )
    if subject.has_frames and against.has_frames:
        yield (
            BY_FILE,
            _files(subject),
            _files(against),
            "Files are compared by SHA-256: copies that were encoded again are other files, see "
            "near-duplicate clips.",
        )


def _all(subject: Subject) -> list[Place]:
    return [(name, video) for name, split in subject.splits.items() for video in split.video_ids]


def _places(subject: Subject, keys: Mapping[Place, str | None]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place, key in keys.items():
        if key is not None:
            found.setdefault(key, []).append(place)
    return found


def _files(subject: Subject) -> dict[str, list[Place]]:
    keys = {
        (name, video): split.row(row).get("clip_sha256")
        for name, split in subject.splits.items()
        for row, video in enumerate(split.video_ids)
    }
    return _places(subject, keys)


def _within(subject: Subject, against: Subject | None) -> list[SharedClip]:
    pairs = [
        (first, second)
        for places in _files(subject).values()
        for first, second in combinations(places, 2)
    ]
    pairs.sort(key=lambda pair: _leak(pair[0][0], pair[1][0]))
    return [
        SharedClip(
            BY_FILE,
            label(subject, first[0], against),
            first[1],
            label(subject, second[0], against),
            second[1],
        )
        for first, second in pairs
    ]


def _between(
    subject: Subject,
    against: Subject,
    by: str,
    mine: Mapping[str, list[Place]],
    theirs: Mapping[str, list[Place]],
) -> list[SharedClip]:
    pairs = [
        (one, other)
        for key, places in mine.items()
        for one in places
        for other in theirs.get(key, ())
    ]
    pairs.sort(key=lambda pair: _leak(pair[0][0], pair[1][0]))
    return [
        SharedClip(
            by, label(subject, one[0], against), one[1], label(against, other[0], subject), other[1]
        )
        for one, other in pairs
    ]


def _leak(one: str, other: str) -> tuple[bool, tuple[int, int]]:
    """Order pairs of clips: those that cross splits first, test and train before all."""
    return one == other, min(leak_order(one, other), leak_order(other, one))


def _counted(
    subject: Subject, other: Subject, by: str, clips: list[SharedClip], against: Subject | None
) -> Iterator[Overlap]:
    """Count shared videos by pair of splits, both ways; inside a dataset, where there are any."""
    held: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        held.setdefault((clip.first_split, clip.second_split), set()).add(clip.first_id)
        held.setdefault((clip.second_split, clip.first_split), set()).add(clip.second_id)
    mine = {label(subject, name, against): split for name, split in subject.splits.items()}
    theirs = {label(other, name, against): split for name, split in other.splits.items()}
    splits = {**mine, **theirs}
    pairs = [
        (one, two) for one in mine for two in theirs if other is not subject or (one, two) in held
    ]
    if other is not subject:
        pairs += [(two, one) for one, two in pairs]
    for of_split, in_split in sorted(
        pairs, key=lambda pair: leak_order(splits[pair[0]].name, splits[pair[1]].name)
    ):
        shared, size = len(held.get((of_split, in_split), ())), len(splits[of_split].video_ids)
        percent = round(100 * shared / size, 6) if size else 0.0
        yield Overlap(of_split, in_split, by, size, shared, percent)
