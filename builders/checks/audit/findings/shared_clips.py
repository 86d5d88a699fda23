"""Clips that occur twice: the same file under two ids, or the same clip in another dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from builders.checks.audit.blocks import Block, Paragraph, Table
from builders.checks.audit.subject import NO_FRAMES, NotMeasured, Subject, label, leak_order
from builders.sources.segments import SEGMENT_FIELDS

TITLE: Final = "The same clips"
PLACE: Final = 20
BY_FILE: Final = "the same file"
BY_ID: Final = "the same id"
_WHOLE: Final = (None,) * len(SEGMENT_FIELDS)

Place = tuple[str, str]
"""Split and video id."""


@dataclass(frozen=True)
class Overlap:
    """Videos of one split that also occur in another.

    Attributes:
        of_split: The split of the videos, with the dataset's name if there are two.
        in_split: The split in which they are found; the same for duplicate files in one split.
        by: How they were recognised.
        num_videos: Videos of the first split.
        shared: Those that the second also has.
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
        first_split: Split of the first clip.
        first_id: Its video id, verbatim.
        second_split: Split of the second clip.
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

    Inside a dataset, by the bytes of the files. Against another dataset, by the common source
    collection, else by equal ids; and by the bytes of the files.

    Args:
        subject: The dataset.
        against: Another one.
        show_progress: Not used.

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
        for by, own_places, other_places, note in _ways(subject, against):
            notes.append(note)
            shared_clips = _between(subject, against, by, own_places, other_places)
            clips += shared_clips
            overlaps += _counted(subject, against, by, shared_clips, against)
        if not (subject.has_frames and against.has_frames):
            bare = " and ".join(each.name for each in (subject, against) if not each.has_frames)
            notes.append(f"Files of one in the other: {NO_FRAMES} ({bare}).")
    return Record(tuple(overlaps), tuple(clips), tuple(notes))


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show: how many clips of each split the others hold, and which."""
    for note in record.notes:
        yield Paragraph(note)
    non_empty = [one for one in record.overlaps if one.shared]
    if not non_empty:
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
                for one in non_empty
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
    own_origin, other_origin = subject.origin, against.origin
    if own_origin is not None and other_origin is not None and own_origin.name == other_origin.name:
        yield (
            f"its name in {own_origin.name}",
            _places(subject, {place: own_origin.clip_of(place[1]) for place in _all(subject)}),
            _places(against, {place: other_origin.clip_of(place[1]) for place in _all(against)}),
            f"Both datasets say that their clips are {own_origin.name}'s: ids are compared by the "
            "clip "
            f"of {own_origin.name} that they stand for.",
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
    places_by_key: dict[str, list[Place]] = {}
    for place, key in keys.items():
        if key is not None:
            places_by_key.setdefault(key, []).append(place)
    return places_by_key


def _files(subject: Subject) -> dict[str, list[Place]]:
    keys = {
        (name, video): split.row(row).get("clip_sha256")
        for name, split in subject.splits.items()
        for row, video in enumerate(split.video_ids)
    }
    return _places(subject, keys)


def _parts(subject: Subject) -> dict[Place, tuple[object, ...]]:
    """Return the times of each clip that is a part of its file."""
    return {
        (name, video): times
        for name, split in subject.splits.items()
        for row, video in enumerate(split.video_ids)
        if (times := tuple(split.row(row).get(field.name) for field in SEGMENT_FIELDS)) != _WHOLE
    }


def _within(subject: Subject, against: Subject | None) -> list[SharedClip]:
    """Pair clips of one file; different parts of it only across splits, where they are a leak."""
    parts = _parts(subject)
    pairs = [
        (first, second)
        for places in _files(subject).values()
        for first, second in combinations(places, 2)
        if first[0] != second[0] or parts.get(first) == parts.get(second)
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
    own_places: Mapping[str, list[Place]],
    other_places: Mapping[str, list[Place]],
) -> list[SharedClip]:
    pairs = [
        (one, other)
        for key, places in own_places.items()
        for one in places
        for other in other_places.get(key, ())
    ]
    pairs.sort(key=lambda pair: _leak(pair[0][0], pair[1][0]))
    return [
        SharedClip(
            by, label(subject, one[0], against), one[1], label(against, other[0], subject), other[1]
        )
        for one, other in pairs
    ]


def _leak(first: str, second: str) -> tuple[bool, tuple[int, int]]:
    """Order pairs of clips: across splits first, test and train before others."""
    return first == second, min(leak_order(first, second), leak_order(second, first))


def _counted(
    subject: Subject, other: Subject, by: str, clips: list[SharedClip], against: Subject | None
) -> Iterator[Overlap]:
    """Count shared videos by pair of splits, in both directions; inside a dataset only if any."""
    held: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        held.setdefault((clip.first_split, clip.second_split), set()).add(clip.first_id)
        held.setdefault((clip.second_split, clip.first_split), set()).add(clip.second_id)
    own_splits = {label(subject, name, against): split for name, split in subject.splits.items()}
    other_splits = {label(other, name, against): split for name, split in other.splits.items()}
    splits = {**own_splits, **other_splits}
    pairs = [
        (one, two)
        for one in own_splits
        for two in other_splits
        if other is not subject or (one, two) in held
    ]
    if other is not subject:
        pairs += [(two, one) for one, two in pairs]
    for of_split, in_split in sorted(
        pairs, key=lambda pair: leak_order(splits[pair[0]].name, splits[pair[1]].name)
    ):
        shared, size = len(held.get((of_split, in_split), ())), len(splits[of_split].video_ids)
        percent = round(100 * shared / size, 6) if size else 0.0
        yield Overlap(of_split, in_split, by, size, shared, percent)
