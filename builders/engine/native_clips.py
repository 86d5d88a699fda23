"""The config ``clips``: the files of the clips, stored as they are."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from builders.engine.parquet import SHARD_ROWS, Rows, parquet_options, with_metadata
from builders.engine.settings import BuildSettings
from builders.sources.clips import VIDEO_SUFFIXES
from builders.sources.segments import ClipSegment
from builders.sources.source import Clip, Footage, LicenceRecord, Source
from builders.sources.split_drawing import FileFootage
from dvtr_bench.dataset.manifest import CLIP_FIELDS, CLIPS_CONFIG, FileRecord
from dvtr_bench.errors import BuildError, ConfigError
from dvtr_bench.reports.thumbnails import may_be_shown
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.video.still import STILL_SUFFIXES

MAX_CLIP_BYTES: Final = 2_000_000_000
"""Most bytes of a clip that is kept: a value of a Parquet file has less than 2^31."""

_NAME_LENGTH: Final = 120
_HASH_LENGTH: Final = 16


def require_keepable(source: Source) -> None:
    """Refuse clips that cannot be stored as they are, before any is decoded.

    Args:
        source: The source, with only the clips that are in the dataset.

    Raises:
        ConfigError: Clips are parts of longer files.
        BuildError: A clip is too large.
    """
    for clip in source.clips:
        if isinstance(clip.footage, ClipSegment):
            raise ConfigError(
                f"--keep-clips stores a file for each clip, and {clip.video_id!r} is a part of a "
                f"longer file ({clip.footage.label}): cut the parts out and give them as clips, or "
                "leave --keep-clips out"
            )
        if isinstance(clip.footage, FileFootage):
            _require_small(clip.footage, clip.footage.size_bytes())


def licence_remarks(licence: LicenceRecord) -> tuple[str, ...]:
    """Return what to say of clips that are kept though no licence allows to pass them on.

    Args:
        licence: The licence of the dataset.

    Returns:
        One sentence, or none.
    """
    if may_be_shown(licence):
        return ()
    return (
        "The clips are kept on this disk, and no named licence allows to pass them on (found "
        f"{licence.id!r}): `push` publishes them to a private repository alone",
    )


def clip_file_name(video_id: str, suffix: str) -> str:
    """Return a file name made of an id, safe on every system; different for different ids.

    Args:
        video_id: Any id.
        suffix: That of the clip's file, with the dot.

    Returns:
        The name. Unusual letters are percent-encoded; a long name is cut and ends in a hash of the
        id.

    Example:
        >>> clip_file_name("DJI 0012/a", ".mp4")
        'DJI%200012%2Fa.mp4'
    """
    name = quote(video_id, safe="", errors="surrogatepass")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > _NAME_LENGTH:
        digest = hashlib.sha256(video_id.encode("utf-8", "surrogatepass")).hexdigest()
        name = f"{name[:_NAME_LENGTH]}-{digest[:_HASH_LENGTH]}"
    return name + suffix


def write_clips(
    rows: Rows,
    clips: Sequence[Clip],
    settings: BuildSettings,
    output: Path,
    *,
    split: str,
    stamp: bytes,
) -> tuple[list[FileRecord], int]:
    """Write the clips of a split; one clip is in memory at a time.

    Args:
        rows: The rows, for the hashes of the clips.
        clips: The clips of the split, in row order.
        settings: Size of a file, progress.
        output: Folder of the dataset.
        split: Name of the split.
        stamp: The dataset's identity, for the files' metadata.

    Returns:
        The files, and the bytes of the rows in memory.

    Raises:
        BuildError: A clip is no longer what was decoded, or too large.
        ClipError: A clip cannot be read.
    """
    schema = with_metadata(pa.schema(CLIP_FIELDS), stamp)
    folder = output / CLIPS_CONFIG
    folder.mkdir(exist_ok=True)
    shards: list[tuple[Path, int]] = []
    remaining = iter(clips)
    num_bytes = 0
    with progress_bar(f"keep clips of {split}", len(clips), enabled=settings.progress) as advance:
        clip = next(remaining, None)
        while clip is not None:
            # Its name tells the number of files, which is known only at the end.
            path = folder / f"{split}-{len(shards):05d}.part"
            num_rows = shard_bytes = 0
            with pq.ParquetWriter(path, schema, **parquet_options(schema)) as writer:
                while clip is not None:
                    with _row(clip, rows) as row:
                        size = row.nbytes
                        is_full = (
                            num_rows == SHARD_ROWS or shard_bytes + size > settings.shard_bytes
                        )
                        if num_rows and is_full:
                            break
                        # A row group each: random access reads one clip, and no more is in memory.
                        writer.write_table(row.replace_schema_metadata(schema.metadata))
                    num_rows, shard_bytes = num_rows + 1, shard_bytes + size
                    advance(1)
                    clip = next(remaining, None)
            shards.append((path, num_rows))
            num_bytes += shard_bytes
    return [_record(shards, number, output, split) for number in range(len(shards))], num_bytes


def _record(
    shards: Sequence[tuple[Path, int]], number: int, output: Path, split: str
) -> FileRecord:
    part, num_rows = shards[number]
    path = part.rename(part.with_name(f"{split}-{number:05d}-of-{len(shards):05d}.parquet"))
    name = path.relative_to(output).as_posix()
    return FileRecord(CLIPS_CONFIG, name, num_rows, path.stat().st_size, file_sha256(path))


@contextmanager
def _row(clip: Clip, rows: Rows) -> Iterator[pa.Table]:
    """Yield the row of a clip, whose bytes are mapped into memory from its file."""
    footage = clip.footage
    if footage is None:
        raise ValueError(f"{clip.video_id!r} has no footage")
    expected = rows.values(clip)["clip_sha256"]
    with footage.opened(rows.clips_folder) as path:
        try:
            size = path.stat().st_size
            _require_small(footage, size)
            file = pa.memory_map(str(path))
        except OSError as failure:
            raise BuildError(
                f"{footage.label}: was decoded and cannot be read again to keep it "
                f"({failure.strerror or failure}): run the same command again when it is there"
            ) from failure
        with file:
            data = file.read_buffer(size)
            found = hashlib.sha256(memoryview(data)).hexdigest()
            if found != expected:
                raise BuildError(
                    f"{footage.label}: changed while the dataset was built: SHA-256 "
                    f"{expected[:16]}... when it was decoded, {found[:16]}... now. Run the same "
                    "command again"
                )
            offsets = pa.py_buffer(b"\0\0\0\0" + size.to_bytes(4, "little"))
            contents = pa.BinaryArray.from_buffers(pa.binary(), 1, [None, offsets, data])
            name = clip_file_name(clip.video_id, _suffix(footage, path))
            video_type = CLIP_FIELDS[1].type
            video = pa.StructArray.from_arrays([contents, pa.array([name])], fields=[*video_type])
            yield pa.table([pa.array([clip.video_id]), video], schema=pa.schema(CLIP_FIELDS))


def _suffix(footage: Footage, path: Path) -> str:
    """Return the suffix of a clip's file; a clip of a zip may be a nameless file in memory."""
    suffixes = (PurePath(name).suffix.lower() for name in (footage.label, str(path)))
    return next((one for one in suffixes if one in VIDEO_SUFFIXES | STILL_SUFFIXES), "")


def _require_small(footage: Footage, size_bytes: int) -> None:
    if size_bytes > MAX_CLIP_BYTES:
        raise BuildError(
            f"--keep-clips: {footage.label} has {size_bytes:,} bytes, and at most "
            f"{MAX_CLIP_BYTES:,} fit into a row: leave --keep-clips out, or cut the clip"
        )
