"""How the files of the corpus are made: from a text, from a valid file, from a small dataset."""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.dataset.manifest import (
    CAPTION_FIELDS,
    FORMAT_VERSION,
    IMAGE,
    VIDEO_FIELDS,
    FileRecord,
    FrameRecord,
    LicenceRecord,
    Manifest,
    SplitRecord,
)
from dvtr_bench.video.frame_store import FrameFormat, encode_frame

VIDEOS = 3
DROPPED = object()
Make = Callable[[Path], Path]


def holds(name: str, content: str | bytes) -> Make:
    """Write a file of this name and content."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def large(name: str, num_bytes: int) -> Make:
    """Write a file of so many bytes, all NUL, which takes no place on most disks."""

    def make(folder: Path) -> Path:
        with (folder / name).open("wb") as file:
            file.truncate(num_bytes)
        return folder / name

    return make


def edited(value: Any, place: str, item: object) -> Any:
    """Return a copy of a JSON value with one part replaced; steps are split at ``/``."""
    copy = json.loads(json.dumps(value))
    part, *steps = copy, *place.split("/")
    for step in steps[:-1]:
        part = part[int(step) if isinstance(part, list) else step]
    last: Any = int(steps[-1]) if isinstance(part, list) else steps[-1]
    if item is DROPPED:
        del part[last]
    else:
        part[last] = item
    return copy


def bomb(rows: int, num_bytes: int = 1 << 20) -> pa.Array:
    """Return a column in which one long text stands in every row, by its number."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array(["x" * num_bytes])
    )


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that states a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def jpeg(side: int = 16) -> bytes:
    """Return a small JPEG file as builds store it."""
    return encode_frame(np.full((side, side, 3), 90, np.uint8), FrameFormat())


def video_table() -> pa.Table:
    """Return config ``default`` of the small dataset."""
    image = {"bytes": jpeg(), "path": None}
    plain: dict[pa.DataType, Any] = {
        pa.string(): "a" * 64,
        pa.float64(): 1.0,
        pa.int32(): 1,
        pa.int64(): 1,
        pa.list_(pa.string()): ["a road", "a lake"],
        pa.list_(IMAGE): [image, image],
        pa.list_(pa.float64()): [0.0, 0.5],
    }
    columns = {
        field.name: pa.array([plain.get(field.type)] * VIDEOS, field.type) for field in VIDEO_FIELDS
    }
    columns["video_id"] = pa.array([f"clip {number}" for number in range(VIDEOS)])
    columns["category"] = pa.array(["sea"] * VIDEOS)
    return pa.table(columns, pa.schema(VIDEO_FIELDS))


def caption_table() -> pa.Table:
    """Return config ``captions`` of the small dataset."""
    rows = [
        {"caption_id": f"clip {video}#{number}", "video_id": f"clip {video}", "caption": text}
        for video in range(VIDEOS)
        for number, text in enumerate(("a road", "a lake"))
    ]
    return pa.Table.from_pylist(rows, pa.schema(CAPTION_FIELDS))


def write_dataset(
    folder: Path, videos: pa.Table | bytes, captions: pa.Table | bytes, **stated: int
) -> Path:
    """Write a dataset of one split, whose manifest states the files as they are."""
    data = folder / "data"
    data.mkdir()
    files = []
    for config, table in (("default", videos), ("captions", captions)):
        path = data / f"{config}.parquet"
        if isinstance(table, bytes):
            path.write_bytes(table)
        else:
            pq.write_table(table, path)
        num_rows = len(table) if isinstance(table, pa.Table) else VIDEOS
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        record = FileRecord(config, f"data/{path.name}", num_rows, path.stat().st_size, digest)
        files.append(record)
    split = SplitRecord(
        stated.get("num_videos", files[0].num_rows),
        stated.get("num_captions", files[1].num_rows),
        "c" * 64,
        "d" * 64,
        100.0,
        tuple(files),
    )
    (folder / "dataset.json").write_text(manifest(split).to_text())
    return folder


def manifest(split: SplitRecord) -> Manifest:
    """Return the manifest of a dataset of one split."""
    return Manifest(
        format_version=FORMAT_VERSION,
        name="mine",
        version="1.0.0",
        fingerprint="f" * 64,
        inputs_sha256="a" * 64,
        pretty_name="Mine",
        summary="Clips.",
        language="en",
        homepage=None,
        citation="",
        licence=LicenceRecord("cc0-1.0", "Free.", None),
        sources=(),
        splits={"test": split},
        frames=FrameRecord("uniform:2", 16, "jpeg:94:4:4:4", "1", 6, 600.0),
        extra_columns=(),
        left_out={},
        notes=(),
        built_with="dvtr-bench 0.1.0",
    )
