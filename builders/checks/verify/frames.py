"""Check that the stored frames are complete pictures of the stated number and size."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from PIL import Image

from builders.checks.verify.row_stream import (
    Finding,
    UnreadableRowsError,
    python_values,
    read_groups,
    shown,
)
from builders.engine.settings import usable_cores
from dvtr_bench.dataset.manifest import MANIFEST_NAME, VIDEO_FIELDS, FrameRecord, Manifest
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.video.frame_store import decode_frame
from dvtr_bench.video.perceptual_hash import hamming_distance, perceptual_hash
from dvtr_bench.video.sampling import Sampling

MAX_HASH_DISTANCE: Final = 8
"""Bits by which JPEG can change a clip's perceptual hash:

at most 4 in 928 clips of aerosynth and real footage; different clips differ by 20 bits or more.
"""

_CLIP_COLUMNS: Final = tuple(field.name for field in VIDEO_FIELDS[3:])
_ENDS: Final = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}


def check_frames(
    folder: Path, manifest: Manifest, readable: set[str], *, decode: bool, progress: bool
) -> Iterator[Finding]:
    """Check every stored frame.

    Each is checked to be a picture of the stated format and size that ends where it should; with
    `decode`, its pixels are decoded too and the clip's perceptual hash is computed again, which
    reveals frames of another clip.

    Args:
        folder: The dataset's folder.
        manifest: What the frames should be; without frames, every column of a clip must be null.
        readable: The files whose rows can be read.
        decode: Decode all pixels.
        progress: Show a progress bar.

    Yields:
        What is wrong, by row.
    """
    num_frames = num_bytes = 0
    all_read = True
    total = sum(split.num_videos for split in manifest.splits.values())
    label = "decode frames" if decode else "check frames"
    try:
        sampling = Sampling.parse(manifest.frames.sampling) if manifest.frames else None
    except ConfigError as failure:
        yield Finding(MANIFEST_NAME, f"frames: {failure}")
        sampling = None
    with (
        progress_bar(label, total, enabled=progress) as advance,
        ThreadPoolExecutor(usable_cores()) as pool,
    ):
        for record in manifest.splits.values():
            if not readable.issuperset(record.paths("default")):
                all_read = False
                continue
            try:
                paths, columns = record.paths("default"), ["video_id", *_CLIP_COLUMNS]
                for path, start, table in read_groups(folder.joinpath, paths, columns):
                    check = _RowCheck(manifest.frames, sampling, decode)
                    rows = python_values(path, start, table)
                    for number, seen in enumerate(pool.map(check, rows), start):
                        yield from (Finding(path, f"row {number} {told}") for told in seen.problems)
                        num_frames += seen.num_frames
                        num_bytes += seen.num_bytes
                    advance(table.num_rows)
            except UnreadableRowsError as failure:
                all_read = False
                yield Finding(failure.path, str(failure))
    if manifest.frames and all_read:
        yield from _totals(manifest.frames, num_frames, num_bytes)


def _totals(frames: FrameRecord, num_frames: int, num_bytes: int) -> Iterator[Finding]:
    mean = round(num_bytes / max(1, num_frames), 1)
    for name, stated, computed in (
        ("num_frames", frames.num_frames, num_frames),
        ("mean_frame_bytes", frames.mean_frame_bytes, mean),
    ):
        if stated != computed:
            yield Finding(MANIFEST_NAME, f"frames: {name} is {stated}, the rows give {computed}")


@dataclass(frozen=True)
class _RowResult:
    """The result of checking one row."""

    problems: tuple[str, ...]
    num_frames: int
    num_bytes: int


@dataclass(frozen=True)
class _RowCheck:
    """Checks the frames of one row; threads share it."""

    frames: FrameRecord | None
    sampling: Sampling | None
    decode: bool

    def __call__(self, row: dict[str, Any]) -> _RowResult:
        name = shown(row["video_id"])
        if self.frames is None:
            # Rendered footage has its ground truth without frames, but decoding results need them.
            filled = [column for column in _CLIP_COLUMNS if row[column] is not None]
            told = f"({name}): no frames, yet {', '.join(filled)} hold values"
            return _RowResult((told,) if filled else (), 0, 0)
        empty = [column for column in _CLIP_COLUMNS if row[column] is None]
        if empty:
            return _RowResult((f"({name}): {', '.join(empty)} hold nothing",), 0, 0)
        pictures = [(frame or {}).get("bytes") or b"" for frame in row["frames"]]
        problems = [f"({name}): {told}" for told in self._problems(row, pictures, self.frames)]
        return _RowResult(tuple(problems), len(pictures), sum(map(len, pictures)))

    def _problems(
        self, row: dict[str, Any], pictures: Sequence[bytes], frames: FrameRecord
    ) -> Iterator[str]:
        times, sampling = row["frame_pts_seconds"], self.sampling
        if len(times) != len(pictures):
            yield f"{len(pictures)} frames with {len(times)} times"
        is_still = row["source_num_frames"] == 1 and row["duration_seconds"] == 0
        num_frames = 1 if is_still else sampling.num_frames if sampling else None
        if sampling and sampling.rate_fps is None and len(pictures) != num_frames:
            sampled = "a still" if is_still else frames.sampling
            yield f"expected {num_frames} frames ({sampled}), found {len(pictures)}"
        bounds = [0.0, *(-1.0 if time is None else time for time in times), row["duration_seconds"]]
        if not all(earlier <= later for earlier, later in pairwise(bounds)):
            yield "its frame times do not ascend from 0 to its duration"
        broken = False
        for place, data in enumerate(pictures):
            if reason := _picture_problem(data, frames):
                broken = True
                yield f"frame {place}: {reason}"
        if self.decode and not broken:
            yield from self._decoded(row, pictures)

    def _decoded(self, row: dict[str, Any], pictures: Sequence[bytes]) -> Iterator[str]:
        decoded = []
        for place, data in enumerate(pictures):
            try:
                decoded.append(decode_frame(data))
            except InputError as failure:
                yield f"frame {place}: {failure}"
        if len(decoded) != len(pictures) or not decoded:
            return
        bits = hamming_distance(perceptual_hash(decoded), row["perceptual_hash"])
        if bits > MAX_HASH_DISTANCE:
            yield (
                f"its frames are not those of its clip: their perceptual hash differs in {bits} of "
                f"64 bits from the stored one, at most {MAX_HASH_DISTANCE} come from compression"
            )


def _picture_problem(data: bytes, frames: FrameRecord) -> str | None:
    """Return what is wrong with an image file, judging by its header and its end."""
    kind = "PNG" if frames.image_format == "png" else "JPEG"
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            found, size = picture.format, picture.size
    except Exception as failure:  # broken pictures can make the reader fail in many ways
        return f"{len(data):,} bytes that are no picture ({str(failure)[:60]})"
    if found != kind:
        return f"expected {kind}, found {found}"
    if min(size) != frames.short_side_px:
        return f"expected a short side of {frames.short_side_px} pixels, found {size[0]}x{size[1]}"
    if not data.endswith(_ENDS[kind]):
        return f"cut off: {len(data):,} bytes that do not end as {kind} does"
    return None
