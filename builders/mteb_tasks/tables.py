"""The tables of a task: configs ``corpus``, ``queries`` and ``qrels``, with mteb's column names."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from builders.engine.parquet import TEXT_ROW_GROUP_ROWS, portable_features
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.manifest import IMAGE, QREL_FIELDS
from dvtr_bench.dataset.mteb_tasks import TaskDirection
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import progress_bar

Pixels: TypeAlias = Literal["clips", "frames"]
"""What stands for a video: its file as it is, or the stored frames."""

CONFIGS: Final = ("corpus", "queries", "qrels")

SPLIT: Final = "test"

_DIGEST_LENGTH: Final = 16

_VIDEO_TYPES: Final = {"clips": IMAGE, "frames": pa.list_(IMAGE)}


def write_tables(
    split: DatasetSplit,
    direction: TaskDirection,
    pixels: Pixels,
    folder: Path,
    *,
    shard_bytes: int = BuildSettings.shard_bytes,
    show_progress: bool = True,
) -> dict[str, list[str]]:
    """Write the tables of a task.

    Args:
        split: The test split.
        direction: Which task.
        pixels: What stands for a video.
        folder: The folder of the repository, which exists.
        shard_bytes: About the most bytes of a file.
        show_progress: Show progress bars.

    Returns:
        Paths of the files by config, relative to the folder, with ``/``.
    """
    texts = _texts(split)
    # Videos without captions are candidates and no queries.
    described = sorted(set(split.caption_video_index.tolist()))
    is_t2v = direction == "t2v"
    rows = range(len(split)) if is_t2v else described
    with progress_bar(f"write videos ({direction})", len(rows), enabled=show_progress) as advance:
        videos = _write(
            folder / ("corpus" if is_t2v else "queries"),
            _video_schema(pixels),
            _videos(split, rows, pixels, advance),
            shard_bytes,
        )
    captions = _write(folder / ("queries" if is_t2v else "corpus"), texts.schema, [texts], None)
    qrels = _qrels(split, direction)
    return {
        "corpus": videos if is_t2v else captions,
        "queries": captions if is_t2v else videos,
        "qrels": _write(folder / "qrels", qrels.schema, [qrels], None),
    }


def _texts(split: DatasetSplit) -> pa.Table:
    columns = {"id": list(split.caption_ids), "text": list(split.captions)}
    fields = [pa.field(name, pa.string(), nullable=False) for name in columns]
    return pa.table(columns, schema=pa.schema(fields))


def _qrels(split: DatasetSplit, direction: TaskDirection) -> pa.Table:
    owners = [split.video_ids[row] for row in split.caption_video_index]
    captions = list(split.caption_ids)
    queries, documents = (captions, owners) if direction == "t2v" else (owners, captions)
    columns = {"query-id": queries, "corpus-id": documents, "score": [1] * len(captions)}
    return pa.table(columns, schema=pa.schema(QREL_FIELDS))


def _video_schema(pixels: Pixels) -> pa.Schema:
    from datasets import Features, Image, List, Value, Video

    features = Features(
        {"id": Value("string"), "video": Video() if pixels == "clips" else List(Image())}
    )
    told = {"info": {"features": portable_features(features)}}
    fields = [pa.field("id", pa.string(), nullable=False), ("video", _VIDEO_TYPES[pixels])]
    return pa.schema(fields, metadata={b"huggingface": json.dumps(told).encode()})


def _videos(
    split: DatasetSplit, rows: Iterable[int], pixels: Pixels, advance: Any
) -> Iterator[pa.Table]:
    """Yield one table a video, so that one is in memory at a time."""
    kind = _VIDEO_TYPES[pixels]
    for row in rows:
        if pixels == "clips":
            value: Any = {"bytes": split.clip_bytes(row), "path": None}
        else:
            value = [{"bytes": data, "path": None} for data in split.encoded_frames(row)]
        yield pa.table({"id": [split.video_ids[row]], "video": pa.array([value], kind)})
        advance(1)


def _write(
    folder: Path, schema: pa.Schema, tables: Iterable[pa.Table], shard_bytes: int | None
) -> list[str]:
    """Write files of about a size, a row group for each table; a row group is never divided."""
    folder.mkdir()
    parts: list[Path] = []
    remaining = iter(tables)
    table = next(remaining, None)
    while table is not None:
        part = folder / f"{len(parts):05d}.part"
        size = 0
        # Images and clips would not become smaller.
        with pq.ParquetWriter(part, schema, compression="none", use_dictionary=False) as writer:
            while table is not None:
                if size and shard_bytes is not None and size + table.nbytes > shard_bytes:
                    break
                writer.write_table(
                    table.cast(schema).replace_schema_metadata(schema.metadata),
                    TEXT_ROW_GROUP_ROWS,
                )
                size += table.nbytes
                table = next(remaining, None)
        parts.append(part)
    names = []
    for number, part in enumerate(parts):
        # datasets keeps what it has read of a folder by the names of the files, whatever is in
        # them: another export must have other names.
        digest = file_sha256(part)[:_DIGEST_LENGTH]
        path = part.rename(folder / f"{SPLIT}-{number:05d}-of-{len(parts):05d}-{digest}.parquet")
        names.append(path.relative_to(folder.parent).as_posix())
    return names
