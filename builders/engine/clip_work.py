"""The work of a worker on one clip: decode it and store its columns in a file.

If the worker shares no disk with the build, `decode_clip` runs on the worker's machine and
`keep_clip` on the build's.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builders.engine.settings import TREATMENT_VERSION, FrameSettings
from builders.sources.source import Footage
from builders.sources.stills import StillPicture
from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.dataset.manifest import TREATMENT_FIELD, VIDEO_FIELDS
from dvtr_bench.errors import ClipError, InputError
from dvtr_bench.reading.border import reading
from dvtr_bench.video.extract import ExtractedClip, ExtractedSegment, extract_frames
from dvtr_bench.video.frame_store import encode_frame
from dvtr_bench.video.still import extract_still

CLIP_FIELDS: Final = VIDEO_FIELDS[3:]
"""The columns that are read from the clip: all after ``captions``."""


@dataclass(frozen=True, slots=True)
class ClipTask:
    """One clip to decode.

    Attributes:
        footage: The source of its pixels.
        settings: How frames are made.
        folder: Folder that the worker may write to; on the build's machine, the folder of finished
            clips.
        extra_fields: The dataset's extra columns, some of which the footage may provide.
    """

    footage: Footage
    settings: FrameSettings
    folder: Path
    extra_fields: tuple[pa.Field, ...]


@dataclass(frozen=True, slots=True)
class DecodedClip:
    """A decoded clip that is not stored yet.

    Attributes:
        identity: Hash of everything that its pixels depend on.
        key: Key under which it is stored, see `kept_path`.
        table: One row with its columns; None if an earlier run has stored it.
    """

    identity: str
    key: str
    table: pa.Table | None


@dataclass(frozen=True, slots=True)
class StagedClip:
    """A decoded and stored clip. Those of the whole dataset are in memory, packed.

    Attributes:
        identity: Hash of everything that its pixels depend on.
        key: Key under which it is stored, see `kept_path`.
        num_frames: Number of stored frames.
        frame_bytes: Total size of the frames.
        column_bytes: Size of all its columns in memory, frames included.
        columns: Its columns except frames as Python values, so that the file need not be read.
    """

    identity: str
    key: str
    num_frames: int
    frame_bytes: int
    column_bytes: int
    columns: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the values: ten times faster than a dataclass, which looks its fields up."""
        values = (self.identity, self.key, self.num_frames, self.frame_bytes)
        return StagedClip, (*values, self.column_bytes, self.columns)


@dataclass(frozen=True)
class BrokenClip:
    """A clip that cannot be decoded as a whole.

    Attributes:
        identity: Hash of everything that its pixels depend on; None if it cannot be read.
        message: Why it cannot be decoded.
    """

    identity: str | None
    message: str


def stage_clip(task: ClipTask) -> StagedClip | BrokenClip:
    """Decode and store one clip, unless an earlier run did.

    Args:
        task: The clip.

    Returns:
        The stored clip, or why it cannot be decoded.

    Raises:
        OSError: The columns cannot be written.
    """
    earlier: list[pa.Table] = []

    def is_kept(key: str) -> bool:
        earlier.extend(read_whole(kept_path(task.folder, key)))
        return bool(earlier)

    clip = decode_clip(task, is_kept)
    if isinstance(clip, BrokenClip):
        return clip
    return staged_clip(clip, earlier[0]) if earlier else keep_clip(clip, task.folder)


def decode_clip(task: ClipTask, is_kept: Callable[[str], bool]) -> DecodedClip | BrokenClip:
    """Decode one clip, unless an earlier run did.

    Args:
        task: The clip.
        is_kept: Takes a key; returns whether an earlier run stored a clip under it.

    Returns:
        The decoded clip, or why it cannot be decoded.
    """
    identity = None
    try:
        identity = task.footage.identity()
        key = clip_key(task.settings, task.extra_fields, identity)
        table = None if is_kept(key) else _table(task, _extract(task, identity))
    except ClipError as failure:
        # A file's name may be no UTF-8, in which messages are written to reports.
        return BrokenClip(identity, str(failure).encode("utf-8", "backslashreplace").decode())
    return DecodedClip(identity, key, table)


def keep_clip(clip: DecodedClip, folder: Path) -> StagedClip:
    """Store a decoded clip, so that later runs need not decode it again.

    Args:
        clip: The clip.
        folder: Folder of finished clips.

    Returns:
        The stored clip.

    Raises:
        OSError: The columns cannot be written.
    """
    path = kept_path(folder, clip.key)
    if clip.table is None:
        return staged_clip(clip, read_staged(path))
    store_row(clip.table, path)
    return staged_clip(clip, clip.table)


def staged_clip(clip: DecodedClip, table: pa.Table) -> StagedClip:
    """Summarise a stored clip, given its columns."""
    images = pc.struct_field(pc.list_flatten(table["frames"]), "bytes")
    frame_bytes = pc.sum(pc.binary_length(images)).as_py() or 0
    columns = table.drop_columns("frames").to_pylist()[0]
    return StagedClip(clip.identity, clip.key, len(images), frame_bytes, table.nbytes, columns)


def kept_path(folder: Path, key: str) -> Path:
    """Return the file of a stored clip: one row in Arrow's file format."""
    return folder / f"{key}.arrow"


def read_whole(path: Path) -> list[pa.Table]:
    """Read a stored clip; return no table if the file is missing or cut off by a power failure."""
    try:
        with reading(path, "a stored clip"):
            return [read_staged(path)]
    except (FileNotFoundError, InputError):
        return []


def _extract(task: ClipTask, identity: str) -> ExtractedClip:
    clip_sha256 = identity if task.footage.identity_is_sha256 else None
    short_side_px = task.settings.short_side_px
    with opened_footage(task.footage, task.folder) as clip:
        if isinstance(task.footage, StillPicture):
            return extract_still(clip, short_side_px=short_side_px, clip_sha256=clip_sha256)
        return extract_frames(
            clip, task.settings.sampling, short_side_px=short_side_px, clip_sha256=clip_sha256
        )


@contextmanager
def opened_footage(footage: Footage, folder: Path) -> Iterator[Path]:
    """Open footage; messages name it, not a temporary file.

    Args:
        footage: The footage.
        folder: Folder for a temporary file.

    Yields:
        The video file.

    Raises:
        ClipError: Decoding failed inside the block.
    """
    with footage.opened(folder) as clip:
        try:
            yield clip
        except ClipError as failure:
            message = str(failure).replace(str(clip), footage.label)
            raise ClipError(message) from failure
        except OSError:
            raise
        except Exception as failure:  # an unknown error of a decoder costs only this clip
            raise ClipError(
                f"{footage.label}: decoding failed in a way that we do not know "
                f"({type(failure).__name__}: {failure}). Please report it with the clip"
            ) from failure


def read_staged(path: Path) -> pa.Table:
    """Map a stored clip into memory; its bytes are read when they are used.

    Args:
        path: The file.

    Returns:
        One row.
    """
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def clip_key(settings: FrameSettings, extra_fields: Sequence[pa.Field], identity: str) -> str:
    """Return the key of a stored clip: a hash of all that its columns depend on.

    Args:
        settings: How frames are made.
        extra_fields: The dataset's extra columns.
        identity: Hash of everything that its pixels depend on.
    """
    described = canonical_json(
        [settings.describe(), [str(field) for field in extra_fields], TREATMENT_VERSION]
    )
    return hashlib.sha256(identity.encode() + described).hexdigest()


def _table(task: ClipTask, clip: ExtractedClip) -> pa.Table:
    frames = encode_frames(clip.frames, task.settings)
    columns = task.footage.columns(clip.frame_pts_seconds)
    return clip_table(clip, frames, columns, task.extra_fields)


def encode_frames(frames: Sequence[NDArray[np.uint8]], settings: FrameSettings) -> list[bytes]:
    """Encode frames as they are stored."""
    # Frames of a short clip may repeat; each is encoded once.
    pictures = {id(frame): frame for frame in frames}
    encoded = {key: encode_frame(frame, settings.frame_format) for key, frame in pictures.items()}
    return [encoded[id(frame)] for frame in frames]


def clip_table(
    clip: ExtractedClip | ExtractedSegment[Any],
    frames: Sequence[bytes],
    footage_columns: Mapping[str, Any],
    extra_fields: Sequence[pa.Field],
) -> pa.Table:
    """Return the columns of a decoded clip.

    Args:
        clip: Its times, properties and hashes.
        frames: Its encoded frames.
        footage_columns: What its footage adds.
        extra_fields: The dataset's extra columns.

    Returns:
        One row.
    """
    facts = clip.facts
    values: dict[str, Any] = {
        "frames": [{"bytes": data, "path": None} for data in frames],
        "frame_pts_seconds": list(clip.frame_pts_seconds),
        "duration_seconds": facts.duration_seconds,
        "source_fps": facts.source_fps,
        "source_width_px": facts.source_width_px,
        "source_height_px": facts.source_height_px,
        "source_num_frames": facts.source_num_frames,
        "source_codec": facts.source_codec,
        "source_colour": facts.colour,
        "rotation_degrees": facts.rotation_degrees,
        "clip_sha256": clip.clip_sha256,
        "perceptual_hash": clip.perceptual_hash,
        **footage_columns,
    }
    fields = [*CLIP_FIELDS, *(field for field in extra_fields if field.name in values)]
    if facts.treatment:
        values[TREATMENT_FIELD.name] = list(facts.treatment)
        fields.append(TREATMENT_FIELD)
    return one_row(values, fields)


def one_row(values: Mapping[str, Any], fields: Sequence[pa.Field]) -> pa.Table:
    """Return the columns of one clip as a table, equal to the bit for equal values."""
    return pa.table(
        [pa.array([values[field.name]], field.type) for field in fields], schema=pa.schema(fields)
    )


def store_row(table: pa.Table, path: Path) -> None:
    """Write the columns of one clip; the file appears complete or not at all.

    Args:
        table: One row.
        path: See `kept_path`.

    Raises:
        OSError: It cannot be written.
    """
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        with (
            pa.OSFile(str(unfinished), "wb") as file,
            pa.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
