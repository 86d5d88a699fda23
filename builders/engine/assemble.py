"""Turns clips and what decoding kept into the files of a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from builders.engine.parquet import (
    ROW_GROUP_ROWS,
    TEXT_ROW_GROUP_ROWS,
    with_metadata,
    write_parquet,
)
from builders.engine.rows import FINGERPRINTED, Rows
from builders.engine.settings import BuildSettings
from builders.source import Clip
from dvtr_bench import __version__
from dvtr_bench.dataset.fingerprint import Fingerprint, canonical_json, ids_sha256
from dvtr_bench.dataset.manifest import FileRecord, FrameRecord, Manifest, SplitRecord
from dvtr_bench.dataset.schema import CAPTION_FIELDS, FORMAT_VERSION, QREL_FIELDS, SPLITS
from dvtr_bench.file_hash import file_sha256
from dvtr_bench.progress import Advance, progress_bar
from dvtr_bench.protocol.ceilings import identical_caption_ceiling


@dataclass(frozen=True)
class Assembled:
    """The files of a dataset as they were written.

    Attributes:
        manifest: What they are.
        num_bytes: Bytes in memory of each (config, split), for the card.
    """

    manifest: Manifest
    num_bytes: dict[tuple[str, str], int]


def caption_id(video_id: str, number: int) -> str:
    """Return the id of a caption: its video's id and its place from 0.

    Example:
        >>> caption_id("Baseball_008 1", 2)
        'Baseball_008 1#2'
    """
    return f"{video_id}#{number}"


def fingerprint_rows(rows: Rows, settings: BuildSettings) -> str:
    """Hash the rows of all splits and the settings that they were made with.

    Args:
        rows: The rows.
        settings: The settings.

    Returns:
        64 hex digits.
    """
    whole = Fingerprint(settings.describe())
    names = [*FINGERPRINTED, *(field.name for field in rows.source.extra_fields)]
    for split in SPLITS:
        for clip in rows.of_split(split):
            values = rows.values(clip)
            whole.add({"split": split, **{name: values[name] for name in names}})
    return whole.hexdigest()


def write_dataset(
    rows: Rows,
    settings: BuildSettings,
    output: Path,
    *,
    inputs_sha256: str,
    left_out: dict[str, tuple[str, ...]],
) -> Assembled:
    """Write the Parquet files of all configs.

    Args:
        rows: The rows.
        settings: The settings.
        output: An empty folder.
        inputs_sha256: Hash over everything that went in.
        left_out: Ids and files that were left out, by reason.

    Returns:
        The manifest of the files; the manifest and the card are not written yet.
    """
    info = rows.source.info
    fingerprint = fingerprint_rows(rows, settings)
    stamp = canonical_json(
        {
            "format_version": FORMAT_VERSION,
            "name": info.name,
            "version": info.version,
            "fingerprint": fingerprint,
        }
    )
    num_bytes: dict[tuple[str, str], int] = {}
    splits: dict[str, SplitRecord] = {}
    total = len(rows.source.clips)
    with progress_bar("write files", total, enabled=settings.progress) as advance:
        for split in SPLITS:
            if clips := rows.of_split(split):
                writer = _SplitWriter(rows, settings, output, split, stamp, advance)
                splits[split], sizes = writer.write(clips)
                num_bytes.update({(config, split): size for config, size in sizes.items()})
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=info.name,
        version=info.version,
        fingerprint=fingerprint,
        inputs_sha256=inputs_sha256,
        pretty_name=info.pretty_name,
        summary=info.summary,
        language=info.language,
        homepage=info.homepage,
        citation=info.citation,
        licence=info.licence,
        sources=rows.source.sources,
        splits=splits,
        frames=_frame_record(rows, settings),
        extra_columns=tuple(field.name for field in rows.source.extra_fields),
        left_out={reason: len(ids) for reason, ids in left_out.items()},
        notes=rows.source.notes,
        built_with=f"dvtr-bench {__version__}",
    )
    return Assembled(manifest, num_bytes)


@dataclass(frozen=True)
class _SplitWriter:
    """Writes the files of one split."""

    rows: Rows
    settings: BuildSettings
    output: Path
    split: str
    stamp: bytes
    advance: Advance

    def write(self, clips: Sequence[Clip]) -> tuple[SplitRecord, dict[str, int]]:
        """Write all configs; return the record and the bytes in memory of each config."""
        files: list[FileRecord] = []
        sizes = {"default": 0}
        shards = self._shards(clips)
        for number, shard in enumerate(shards):
            name = f"data/{self.split}-{number:05d}-of-{len(shards):05d}.parquet"
            batches = self._counted(self.rows.batches(shard, ROW_GROUP_ROWS))
            schema = self.rows.schema
            sizes["default"] += self._write("default", name, schema, batches, files, ROW_GROUP_ROWS)
        text_id = [(caption_id(c.video_id, n), c, n) for c in clips for n in range(len(c.captions))]
        captions = {
            "caption_id": [identifier for identifier, _, _ in text_id],
            "video_id": [clip.video_id for _, clip, _ in text_id],
            "caption": [clip.captions[number] for _, clip, number in text_id],
        }
        qrels = {
            "query-id": captions["caption_id"],
            "corpus-id": captions["video_id"],
            "score": [1] * len(text_id),
        }
        for config, fields, values in (
            ("captions", CAPTION_FIELDS, captions),
            ("qrels", QREL_FIELDS, qrels),
        ):
            schema = pa.schema(fields)
            table = pa.table(values, schema=schema)
            name = f"{config}/{self.split}.parquet"
            sizes[config] = self._write(config, name, schema, [table], files, TEXT_ROW_GROUP_ROWS)
        record = SplitRecord(
            num_videos=len(clips),
            num_captions=len(text_id),
            video_ids_sha256=ids_sha256(clip.video_id for clip in clips),
            caption_ids_sha256=ids_sha256(captions["caption_id"]),
            identical_caption_ceiling=caption_ceiling(clips),
            files=tuple(files),
        )
        return record, sizes

    def _write(
        self,
        config: str,
        name: str,
        schema: pa.Schema,
        batches: Any,
        files: list[FileRecord],
        row_group_rows: int,
    ) -> int:
        path = self.output / name
        path.parent.mkdir(exist_ok=True)
        counted = _RowCount(batches)
        num_bytes = write_parquet(
            path, with_metadata(schema, self.stamp), counted.tables(), row_group_rows
        )
        size_bytes = path.stat().st_size
        files.append(FileRecord(config, name, counted.num_rows, size_bytes, file_sha256(path)))
        return num_bytes

    def _shards(self, clips: Sequence[Clip]) -> list[list[Clip]]:
        """Cut the split where a file would grow beyond what is asked."""
        shards: list[list[Clip]] = [[]]
        room = self.settings.shard_bytes
        for clip in clips:
            staged = self.rows.staged.get(clip.video_id)
            size = staged.frame_bytes if staged else 0
            if shards[-1] and size > room:
                shards.append([])
                room = self.settings.shard_bytes
            shards[-1].append(clip)
            room -= size
        return shards

    def _counted(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for batch in batches:
            yield batch
            self.advance(batch.num_rows)


class _RowCount:
    """Counts the rows of tables that pass by."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.num_rows = 0

    def tables(self) -> Iterator[pa.Table]:
        for batch in self._batches:
            self.num_rows += batch.num_rows
            yield batch


def caption_ceiling(clips: Sequence[Clip]) -> float:
    """Return the highest t2v R@1, in percent, that identical captions leave.

    Args:
        clips: The clips of one split, each with at least one caption.

    Returns:
        Percent, rounded to six digits so that it reads the same on every machine.
    """
    captions = [caption for clip in clips for caption in clip.captions]
    counts = [len(clip.captions) for clip in clips]
    index = np.repeat(np.arange(len(clips), dtype=np.int64), counts)
    return round(identical_caption_ceiling(captions, index), 6)


def _frame_record(rows: Rows, settings: BuildSettings) -> FrameRecord | None:
    if settings.frames is None:
        return None
    described = settings.frames.describe()
    staged = [rows.staged[clip.video_id] for clip in rows.source.clips]
    num_frames = sum(clip.num_frames for clip in staged)
    return FrameRecord(
        **described,
        num_frames=num_frames,
        mean_frame_bytes=round(sum(clip.frame_bytes for clip in staged) / max(1, num_frames), 1),
    )
