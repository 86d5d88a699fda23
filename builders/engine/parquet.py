"""The rows of a dataset, and Parquet files that `datasets.load_dataset` reads with its features."""

import io
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from builders.engine.clip_work import StagedClip, kept_path, read_staged
from builders.sources.packed import Picked
from builders.sources.source import Clip, Source
from dvtr_bench.dataset.manifest import (
    CAPTION_FIELDS,
    CLIP_FIELDS,
    CLIPS_CONFIG,
    QREL_FIELDS,
    VIDEO_FIELDS,
)

ROW_GROUP_ROWS: Final = 16
"""Most rows of a row group of config ``default``: a few MB, the unit of streaming and random
access."""

ROW_GROUP_BYTES: Final = 64_000_000
"""Most bytes of frames in a row group; a single row may have more."""

SHARD_ROWS: Final = 2_000
"""Most rows of a file of config ``default``: a writer holds 2 kB of each in memory until it closes
the file. Files of real footage reach their size limit long before."""

TEXT_ROW_GROUP_ROWS: Final = 2_000
"""Most rows of a row group of the configs with only text."""

_INCOMPRESSIBLE: Final = frozenset({"frames.list.element.bytes", "video.bytes"})


def hf_features(schema: pa.Schema) -> Any:
    """Return the Hugging Face features of a schema; frames are images, clips are videos.

    Args:
        schema: Columns of a config.

    Returns:
        `datasets.Features`.
    """
    from datasets import Features, Image, List, Video

    features = Features.from_arrow_schema(schema.remove_metadata())
    if "frames" in features:
        features["frames"] = List(Image())
    if schema.remove_metadata().equals(pa.schema(CLIP_FIELDS)):
        features["video"] = Video()
    return features


def with_metadata(schema: pa.Schema, dvtr: bytes) -> pa.Schema:
    """Add the Hugging Face features and the dataset's identity to a schema's metadata.

    Args:
        schema: Columns of a config.
        dvtr: JSON with name, version and fingerprint, stored under the key ``dvtr``.

    Returns:
        The same columns with metadata.
    """
    features = {"info": {"features": portable_features(hf_features(schema))}}
    return schema.with_metadata({b"huggingface": json.dumps(features).encode(), b"dvtr": dvtr})


def portable_features(features: Any) -> dict[str, Any]:
    """Return features as JSON values that every version of datasets reads.

    Version 4 introduced the type ``List``, which earlier ones do not know. They spell a list
    ``Sequence``, except a list of structs, for which they write a JSON list of one struct; later
    versions still read both.

    Args:
        features: `datasets.Features`.

    Returns:
        The JSON values of each column.
    """
    return {name: _portable(feature) for name, feature in features.to_dict().items()}


def _portable(feature: Any) -> Any:
    if isinstance(feature, list):
        return [_portable(element) for element in feature]
    if not isinstance(feature, dict):
        return feature
    values = {name: _portable(value) for name, value in feature.items()}
    if values.get("_type") not in ("List", "Sequence"):
        return values
    is_struct = isinstance(values["feature"], dict) and "_type" not in values["feature"]
    return [values["feature"]] if is_struct else {**values, "_type": "Sequence"}


def write_parquet(
    path: Path, schema: pa.Schema, batches: Iterable[pa.Table], row_group_rows: int
) -> int:
    """Write one file, batch by batch.

    Args:
        path: The file; its folder must exist.
        schema: Columns and metadata.
        batches: Tables with these columns.
        row_group_rows: Most rows of a row group.

    Returns:
        Bytes of the rows in memory, as Hugging Face's ``num_bytes`` counts them.
    """
    num_bytes = 0
    with pq.ParquetWriter(path, schema, **parquet_options(schema)) as writer:
        for batch in batches:
            writer.write_table(batch.replace_schema_metadata(schema.metadata), row_group_rows)
            num_bytes += batch.nbytes
    return num_bytes


def parquet_options(schema: pa.Schema) -> Mapping[str, Any]:
    """Compress and index all columns except images and clips, which would not become smaller."""
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    columns = pq.read_schema(buffer), pq.ParquetFile(buffer).schema
    paths = [columns[1].column(number).path for number in range(len(columns[1].names))]
    compressible = [path for path in paths if path not in _INCOMPRESSIBLE]
    return {
        "compression": {path: "zstd" if path in compressible else "none" for path in paths},
        "use_dictionary": compressible,
        "write_statistics": compressible,
    }


_OTHER_SCHEMAS: Final = {
    "captions": pa.schema(CAPTION_FIELDS),
    "qrels": pa.schema(QREL_FIELDS),
    CLIPS_CONFIG: pa.schema(CLIP_FIELDS),
}


@dataclass(frozen=True)
class Rows:
    """The rows of a dataset, created on demand, in constant memory.

    Attributes:
        source: The source, with only the clips that are in the dataset.
        staged: Stored clips by video id; empty without frames.
        clips_folder: Folder of the stored clips.
    """

    source: Source
    staged: Mapping[str, StagedClip]
    clips_folder: Path = Path()

    @property
    def schema(self) -> pa.Schema:
        """The columns of config ``default``."""
        return pa.schema([*VIDEO_FIELDS, *self.source.extra_fields])

    def schema_of(self, config: str) -> pa.Schema:
        """Return the columns of a config."""
        return self.schema if config == "default" else _OTHER_SCHEMAS[config]

    def of_split(self, split: str) -> Sequence[Clip]:
        """Return the clips of one split, in row order."""
        return Picked(self.source.clips, self._indices_by_split.get(split, ()))

    @cached_property
    def _indices_by_split(self) -> "dict[str, array[int]]":
        indices: dict[str, array[int]] = {}
        for index, clip in enumerate(self.source.clips):
            indices.setdefault(clip.split, array("l")).append(index)
        return indices

    def values(self, clip: Clip) -> dict[str, Any]:
        """Return the columns of one clip without its frames, as Python values."""
        staged = self.staged.get(clip.video_id)
        values = {**self._annotation_values(clip), **(staged.columns if staged else {})}
        return {name: values.get(name) for name in self.schema.names if name != "frames"}

    def batches(self, clips: Sequence[Clip], max_rows: int, max_bytes: int) -> Iterator[pa.Table]:
        """Yield the rows of clips in tables of at most ``max_rows`` and ``max_bytes`` of frames.

        A row with more bytes gets its own table.
        """
        for batch in cut(clips, self.frame_bytes, max_bytes, max_rows):
            yield self._table(batch)

    def frame_bytes(self, clip: Clip) -> int:
        """Return the total size of a clip's frames."""
        staged = self.staged.get(clip.video_id)
        return staged.frame_bytes if staged else 0

    def row_bytes(self, clip: Clip) -> int:
        """Return the approximate size of a clip's row before compression."""
        staged = self.staged.get(clip.video_id)
        texts = sum(len(text.encode()) + 4 for text in (clip.video_id, *clip.captions))
        extras = sum(len(str(value)) for value in clip.extra.values())
        return (staged.column_bytes if staged else 0) + texts + extras

    def _table(self, clips: Sequence[Clip]) -> pa.Table:
        annotations = [self._annotation_values(clip) for clip in clips]
        staged = [self.staged[values["video_id"]] for values in annotations if self.staged]
        # Only treated clips have a column of what was applied.
        decoded = (
            pa.concat_tables(map(self._read, staged), promote_options="default").combine_chunks()
            if staged
            else None
        )
        columns = [
            decoded[field.name].combine_chunks()
            if decoded is not None and field.name in decoded.column_names
            else pa.array([values.get(field.name) for values in annotations], field.type)
            for field in self.schema
        ]
        return pa.table(columns, schema=self.schema)

    def _read(self, staged: StagedClip) -> pa.Table:
        return read_staged(kept_path(self.clips_folder, staged.key))

    def _annotation_values(self, clip: Clip) -> dict[str, Any]:
        # Without frames, footage may still provide columns that do not depend on them.
        footage_columns = clip.footage.columns(()) if clip.footage and not self.staged else {}
        return {
            "video_id": clip.video_id,
            "category": clip.category,
            "captions": list(clip.captions),
            **clip.extra,
            **footage_columns,
        }


def cut(
    clips: Sequence[Clip],
    size_bytes: Callable[[Clip], int],
    max_bytes: int,
    max_clips: int | None = None,
) -> Iterator[Sequence[Clip]]:
    """Cut a sequence of clips into pieces of limited size.

    Args:
        clips: Clips, at least one.
        size_bytes: Returns the size of a clip.
        max_bytes: Most bytes of a piece; a clip with more becomes its own piece.
        max_clips: Most clips of a piece; None for no limit.

    Yields:
        The pieces, in order.
    """
    start, bytes_left = 0, max_bytes
    for index, clip in enumerate(clips):
        size = size_bytes(clip)
        if index > start and (size > bytes_left or index - start == max_clips):
            yield clips[start:index]
            start, bytes_left = index, max_bytes
        bytes_left -= size
    yield clips[start:]
