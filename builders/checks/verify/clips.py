"""Check that the kept clips are those whose hashes stand in the rows of ``default``."""

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa

from builders.checks.verify.finding import Finding, shown
from builders.checks.verify.row_stream import UnreadableRowsError, read_groups, read_rows
from dvtr_bench.dataset.manifest import CLIPS_CONFIG, MANIFEST_NAME, Manifest, SplitRecord
from dvtr_bench.runtime.progress import progress_bar


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
