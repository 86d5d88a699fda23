"""Rows of a dataset: a clip's own columns and those kept from decoding, as Arrow tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from builders.engine.clip_work import StagedClip, read_staged
from builders.source import Clip, Source
from dvtr_bench.dataset.schema import VIDEO_FIELDS

FINGERPRINTED: Final = ("video_id", "category", "captions", "clip_sha256")
"""The common columns that the fingerprint covers; all others follow from them and the settings."""


@dataclass(frozen=True)
class Rows:
    """The rows of a dataset, made one at a time: memory does not grow with their number.

    Attributes:
        source: With the clips that are in the dataset.
        staged: What decoding kept, by video id; empty without frames.
    """

    source: Source
    staged: Mapping[str, StagedClip]

    @property
    def schema(self) -> pa.Schema:
        """The columns of config ``default``."""
        return pa.schema([*VIDEO_FIELDS, *self.source.extra_fields])

    def of_split(self, split: str) -> list[Clip]:
        """Return the clips of one split, in row order."""
        return [clip for clip in self.source.clips if clip.split == split]

    def values(self, clip: Clip) -> dict[str, Any]:
        """Return the columns of one clip without its frames, as Python values."""
        staged = self.staged.get(clip.video_id)
        kept = read_staged(staged.path).drop_columns("frames").to_pylist()[0] if staged else {}
        known = self._own(clip) | kept
        return {name: known.get(name) for name in self.schema.names if name != "frames"}

    def batches(self, clips: Sequence[Clip], size: int) -> Iterator[pa.Table]:
        """Yield the rows of clips in tables of `size` rows."""
        for start in range(0, len(clips), size):
            yield self._table(clips[start : start + size])

    def _table(self, clips: Sequence[Clip]) -> pa.Table:
        own = [self._own(clip) for clip in clips]
        staged = [self.staged[clip.video_id].path for clip in clips if self.staged]
        kept = pa.concat_tables(map(read_staged, staged)).combine_chunks() if staged else None
        columns = [
            kept[field.name].combine_chunks()
            if kept is not None and field.name in kept.column_names
            else pa.array([values.get(field.name) for values in own], field.type)
            for field in self.schema
        ]
        return pa.table(columns, schema=self.schema)

    def _own(self, clip: Clip) -> dict[str, Any]:
        # Without frames, footage can still know what does not depend on them.
        known = clip.footage.columns(()) if clip.footage and not self.staged else {}
        return {
            "video_id": clip.video_id,
            "category": clip.category,
            "captions": list(clip.captions),
            **clip.extra,
            **known,
        }
