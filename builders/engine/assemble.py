"""Writing of a dataset's Parquet files from clips and their decoded columns."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from builders.engine.native_clips import write_clips
from builders.engine.parquet import (
    ROW_GROUP_BYTES,
    ROW_GROUP_ROWS,
    SHARD_ROWS,
    TEXT_ROW_GROUP_ROWS,
    Rows,
    cut,
    with_metadata,
    write_parquet,
)
from builders.engine.settings import TREATMENT_VERSION, BuildSettings
from builders.sources.source import Clip
from dvtr_bench import __version__
from dvtr_bench.dataset.fingerprint import (
    FINGERPRINTED,
    Fingerprint,
    canonical_json,
    caption_id,
    ids_sha256,
)
from dvtr_bench.dataset.manifest import (
    CAPTION_FIELDS,
    CLIPS_CONFIG,
    FORMAT_VERSION,
    QREL_FIELDS,
    SPLITS,
    FileRecord,
    FrameRecord,
    Manifest,
    SplitRecord,
)
from dvtr_bench.ranking.ceilings import identical_caption_ceiling
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import Advance, progress_bar

_Text = tuple[str, str, str]

_SHARE_OF_FRAMES: Final = 0.96
"""Share of a file's bytes that frames may take; the rest is left for its other columns."""


@dataclass(frozen=True)
class Assembled:
    """A description of the files that were written.

    Attributes:
        manifest: The manifest of the dataset.
        num_bytes: Bytes in memory of each (config, split), for the card.
    """

    manifest: Manifest
    num_bytes: dict[tuple[str, str], int]


def fingerprint_rows(rows: Rows, settings: BuildSettings) -> str:
    """Hash the rows of all splits and the build settings.

    Args:
        rows: The rows.
        settings: The settings.

    Returns:
        SHA-256, 64 hex digits.
    """
    fingerprint = Fingerprint(settings.describe())
    names = [*FINGERPRINTED, *(field.name for field in rows.source.extra_fields)]
    for split in SPLITS:
        for clip in rows.of_split(split):
            values = rows.values(clip)
            fingerprint.add({"split": split, **{name: values[name] for name in names}})
    return fingerprint.hexdigest()


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
        inputs_sha256: Hash of all inputs.
        left_out: Ids and files that were left out, by reason.

    Returns:
        The manifest, not written yet, and the sizes for the card.
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
        """Write all configs; return the split's record and each config's bytes in memory."""
        files: list[FileRecord] = []
        sizes = {"default": 0}
        shards = list(cut(clips, self._size_in_shard, self.settings.shard_bytes, SHARD_ROWS))
        for number, shard in enumerate(shards):
            name = f"data/{self.split}-{number:05d}-of-{len(shards):05d}.parquet"
            batches = self._advancing(self.rows.batches(shard, ROW_GROUP_ROWS, ROW_GROUP_BYTES))
            schema = self.rows.schema
            sizes["default"] += self._write("default", name, schema, batches, files, ROW_GROUP_ROWS)
        texts = _Texts.of(clips)
        for config, fields, columns in (
            ("captions", CAPTION_FIELDS, _caption_columns),
            ("qrels", QREL_FIELDS, _qrel_columns),
        ):
            schema = pa.schema(fields)
            name = f"{config}/{self.split}.parquet"
            tables = (
                pa.table(columns(batch), schema=schema)
                for batch in _batched(iter(texts), TEXT_ROW_GROUP_ROWS)
            )
            sizes[config] = self._write(config, name, schema, tables, files, TEXT_ROW_GROUP_ROWS)
        if self.settings.keep_clips:
            clip_files, sizes[CLIPS_CONFIG] = write_clips(
                self.rows, clips, self.settings, self.output, split=self.split, stamp=self.stamp
            )
            files += clip_files
        record = SplitRecord(
            num_videos=len(clips),
            num_captions=len(texts.captions),
            video_ids_sha256=ids_sha256(texts.video_ids),
            caption_ids_sha256=ids_sha256(identifier for identifier, _, _ in texts),
            identical_caption_ceiling=texts.ceiling(),
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

    def _size_in_shard(self, clip: Clip) -> int:
        """Return the size that limits files: the frames, unless other columns are large."""
        return max(self.rows.frame_bytes(clip), int(_SHARE_OF_FRAMES * self.rows.row_bytes(clip)))

    def _advancing(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for batch in batches:
            yield batch
            self.advance(batch.num_rows)


@dataclass(frozen=True)
class _Texts:
    """The captions of a split, read from its clips once."""

    video_ids: list[str]
    counts: "array[int]"
    captions: list[str]

    @classmethod
    def of(cls, clips: Iterable[Clip]) -> "_Texts":
        texts = cls([], array("l"), [])
        for clip in clips:
            texts.video_ids.append(clip.video_id)
            texts.counts.append(len(clip.captions))
            texts.captions.extend(clip.captions)
        return texts

    def __iter__(self) -> Iterator[_Text]:
        """Yield caption id, video id and caption of every caption."""
        remaining = iter(self.captions)
        for video_id, count in zip(self.video_ids, self.counts, strict=True):
            for number, caption in enumerate(islice(remaining, count)):
                yield caption_id(video_id, number), video_id, caption

    def ceiling(self) -> float:
        """Return the highest expected t2v R@1, in percent, given the identical captions.

        It is rounded to six digits, to be equal on every machine.
        """
        index = np.repeat(np.arange(len(self.video_ids), dtype=np.int64), self.counts)
        return round(identical_caption_ceiling(self.captions, index), 6)


def _batched(texts: Iterator[_Text], size: int) -> Iterator[list[_Text]]:
    while batch := list(islice(texts, size)):
        yield batch


def _caption_columns(texts: Sequence[_Text]) -> dict[str, list[Any]]:
    identifiers, video_ids, captions = map(list, zip(*texts, strict=True))
    return {"caption_id": identifiers, "video_id": video_ids, "caption": captions}


def _qrel_columns(texts: Sequence[_Text]) -> dict[str, list[Any]]:
    identifiers, video_ids, _ = map(list, zip(*texts, strict=True))
    return {"query-id": identifiers, "corpus-id": video_ids, "score": [1] * len(texts)}


class _RowCount:
    """Counts the rows of tables while they are iterated."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.num_rows = 0

    def tables(self) -> Iterator[pa.Table]:
        for batch in self._batches:
            self.num_rows += batch.num_rows
            yield batch


def _frame_record(rows: Rows, settings: BuildSettings) -> FrameRecord | None:
    if settings.frames is None:
        return None
    described = settings.frames.describe()
    num_frames = frame_bytes = 0
    for staged in rows.staged.values():
        num_frames += staged.num_frames
        frame_bytes += staged.frame_bytes
    return FrameRecord(
        **described,
        num_frames=num_frames,
        mean_frame_bytes=round(frame_bytes / max(1, num_frames), 1),
        treatment=TREATMENT_VERSION,
    )
