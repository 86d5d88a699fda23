"""Check that the rows agree with each other, the counts and the fingerprint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from builders.checks.verify.finding import Finding, shown
from builders.checks.verify.row_stream import Row, UnreadableRowsError, read_rows
from builders.checks.verify.texts import CaptionOf, Follower, open_followers
from dvtr_bench.dataset.contents import FINGERPRINTED, caption_id, fingerprinted_settings
from dvtr_bench.dataset.fingerprint import Fingerprint, ids_sha256
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest, SplitRecord
from dvtr_bench.ranking.ceilings import identical_caption_ceiling
from dvtr_bench.runtime.progress import progress_bar


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
