"""Check that the rows agree with each other, the counts, the fingerprint and the kept clips."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa

from builders.checks.verify.row_stream import (
    Finding,
    Row,
    UnreadableRowsError,
    read_groups,
    read_rows,
    shown,
)
from builders.checks.verify.texts import CaptionOf, Follower, open_followers
from dvtr_bench.dataset.fingerprint import (
    FINGERPRINTED,
    Fingerprint,
    caption_id,
    fingerprinted_settings,
    ids_sha256,
)
from dvtr_bench.dataset.manifest import CLIPS_CONFIG, MANIFEST_NAME, Manifest, SplitRecord
from dvtr_bench.ranking.ceilings import identical_caption_ceiling
from dvtr_bench.runtime.terminal import progress_bar


def check_rows(
    folder: Path, manifest: Manifest, readable: set[str], *, progress: bool
) -> Iterator[Finding]:
    """Read all rows without their frames and compare them with the manifest.

    Args:
        folder: The dataset's folder.
        manifest: What the rows should be.
        readable: The files whose rows can be read; splits that lack one are passed over.
        progress: Show a progress bar.

    Yields:
        Findings; the fingerprint is compared only if every row of ``default`` was read.
    """
    fingerprint = Fingerprint(fingerprinted_settings(manifest))
    split_of: dict[str, str] = {}
    all_read = True
    total = sum(split.num_videos for split in manifest.splits.values())
    with progress_bar("check rows", total, enabled=progress) as advance:
        for name, record in manifest.splits.items():
            if not readable.issuperset(record.paths("default")):
                all_read = False
                continue
            contents = _Contents()
            followers = open_followers(folder, name, record, readable)
            try:
                columns = [*FINGERPRINTED, *manifest.extra_columns]
                for row in read_rows(folder.joinpath, record.paths("default"), columns):
                    yield from _add(fingerprint, name, row)
                    if found := _seen_before(row, name, split_of):
                        yield found
                    yield from contents.take(row, followers)
                    advance()
            except UnreadableRowsError as failure:
                all_read = False
                yield Finding(failure.path, str(failure))
                continue
            for follower in followers:
                yield from follower.finish()
            yield from contents.compare(name, record)
    if all_read and fingerprint.hexdigest() != manifest.fingerprint:
        yield Finding(
            "fingerprint",
            f"dataset.json says {manifest.fingerprint}, rows and settings give "
            f"{fingerprint.hexdigest()}",
        )


def _add(fingerprint: Fingerprint, split: str, row: Row) -> Iterator[Finding]:
    try:
        fingerprint.add({"split": split, **row.values})
    except ValueError:
        yield Finding(row.path, f"row {row.number}: a number in it is not finite")


def _seen_before(row: Row, split: str, split_of: dict[str, str]) -> Finding | None:
    video_id = row.values["video_id"]
    if video_id in split_of:
        return Finding(
            row.path, f"row {row.number}: {shown(video_id)} is in the {split_of[video_id]} split"
        )
    split_of[video_id] = split
    return None


@dataclass
class _Contents:
    """The contents of one split, collected while reading."""

    video_ids: list[str] = field(default_factory=list)
    caption_ids: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    def take(self, row: Row, followers: Sequence[Follower]) -> Iterator[Finding]:
        """Add a video and compare its captions in the other files."""
        video_id = row.values["video_id"]
        for number, caption in enumerate(row.values["captions"]):
            if caption is None:
                yield Finding(row.path, f"row {row.number}: caption {number} is null")
            identifier = caption_id(video_id, number)
            for follower in followers:
                yield from follower.compare(CaptionOf(identifier, video_id, caption, row))
            self.caption_ids.append(identifier)
            self.captions.append(caption or "")
            self.owners.append(len(self.video_ids))
        self.video_ids.append(video_id)

    def compare(self, split: str, record: SplitRecord) -> Iterator[Finding]:
        """Compare counts, ids and the ceiling with the manifest's."""
        index = np.asarray(self.owners, dtype=np.int64)
        ceiling = identical_caption_ceiling(self.captions, index) if self.captions else None
        computed_values = {
            "num_videos": len(self.video_ids),
            "num_captions": len(self.captions),
            "video_ids_sha256": ids_sha256(self.video_ids),
            "caption_ids_sha256": ids_sha256(self.caption_ids),
            "identical_caption_ceiling": None if ceiling is None else round(ceiling, 6),
        }
        for name, value in computed_values.items():
            stated = getattr(record, name)
            if value != stated:
                yield Finding(
                    MANIFEST_NAME,
                    f"{split}: {name} is {shown(stated)}, the rows give {shown(value)}",
                )


def check_clips(
    folder: Path, manifest: Manifest, readable: set[str], *, progress: bool
) -> Iterator[Finding]:
    """Hash every kept clip, one at a time.

    Args:
        folder: The dataset's folder.
        manifest: What the files should be.
        readable: The files whose rows can be read; splits that lack one are passed over.
        progress: Show a progress bar.

    Yields:
        A finding for each clip of another id or with other bytes, and for splits without clips.
    """
    if not manifest.keeps_clips:
        return
    total = sum(split.num_videos for split in manifest.splits.values())
    with progress_bar("check clips", total, enabled=progress) as advance:
        for name, record in manifest.splits.items():
            if not record.paths(CLIPS_CONFIG):
                yield Finding(MANIFEST_NAME, f"{name}: no clips, which other splits have")
            elif readable.issuperset(record.paths("default") + record.paths(CLIPS_CONFIG)):
                try:
                    for found in _check_split(folder, record):
                        if found is not None:
                            yield found
                        advance()
                except UnreadableRowsError as failure:
                    yield Finding(failure.path, str(failure))


def _check_split(folder: Path, record: SplitRecord) -> Iterator[Finding | None]:
    """Yield for each clip what is wrong with it, or None."""
    rows = read_rows(folder.joinpath, record.paths("default"), ["video_id", "clip_sha256"])
    kept = _kept_clips(folder, record)
    for row, clip in zip_longest(rows, kept):
        if clip is None or row is None:
            path = record.paths(CLIPS_CONFIG)[-1]
            yield Finding(path, "it has not as many clips as there are videos")
            return
        path, number, video_id, sha256 = clip
        expected_id, expected_sha256 = row.values["video_id"], row.values["clip_sha256"]
        place = f"{row.path} row {row.number}"
        if video_id != expected_id:
            yield Finding(
                path,
                f"row {number}: expected video_id {shown(expected_id)} by {place}, found "
                f"{shown(video_id)}; no clip after it was compared",
            )
            return
        if sha256 != expected_sha256:
            yield Finding(
                path,
                f"row {number} ({shown(video_id)}): its bytes are not those of the clip: SHA-256 "
                f"{shown(sha256)}, clip_sha256 of {place} is {shown(expected_sha256)}",
            )
        else:
            yield None


def _kept_clips(folder: Path, record: SplitRecord) -> Iterator[tuple[str, int, str, str | None]]:
    """Yield the file and row of each clip, its id and the hash of its bytes."""
    paths = record.paths(CLIPS_CONFIG)
    for path, start, table in read_groups(folder.joinpath, paths, ["video_id", "video"]):
        for batch in table.to_batches():
            contents = batch.column("video").field("bytes")
            for number, video_id in enumerate(batch.column("video_id").to_pylist()):
                yield path, start + number, video_id, _sha256(contents[number])
            start += batch.num_rows


def _sha256(value: pa.BinaryScalar) -> str | None:
    data = value.as_buffer()
    return None if data is None else hashlib.sha256(memoryview(data)).hexdigest()
