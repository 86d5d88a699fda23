"""Rows of a dataset: a clip's own columns and those kept from decoding, as Arrow tables."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from builders.engine.clip_work import StagedClip, kept_path, read_staged
from builders.sources.packed import Picked
from builders.sources.source import Clip, Source
from dvtr_bench.dataset.schema import VIDEO_FIELDS

FINGERPRINTED: Final = ("video_id", "category", "captions", "clip_sha256")
"""The common columns that the fingerprint covers; all others follow from them and the settings."""


@dataclass(frozen=True)
class Rows:
    """The rows of a dataset, made one at a time: memory does not grow with their number.

    Attributes:
        source: With the clips that are in the dataset.
        staged: What decoding kept, by video id; empty without frames.
        kept_in: The folder that it is kept in.
    """

    source: Source
    staged: Mapping[str, StagedClip]
    kept_in: Path = Path()

    @property
    def schema(self) -> pa.Schema:
        """The columns of config ``default``."""
        return pa.schema([*VIDEO_FIELDS, *self.source.extra_fields])

    def of_split(self, split: str) -> Sequence[Clip]:
        """Return the clips of one split, in row order."""
        return Picked(self.source.clips, self._places.get(split, ()))

    @cached_property
    def _places(self) -> "dict[str, array[int]]":
        places: dict[str, array[int]] = {}
        for place, clip in enumerate(self.source.clips):
            places.setdefault(clip.split, array("l")).append(place)
        return places

    def values(self, clip: Clip) -> dict[str, Any]:
        """Return the columns of one clip without its frames, as Python values."""
        staged = self.staged.get(clip.video_id)
        known = {**self._own(clip), **(staged.columns if staged else {})}
        return {name: known.get(name) for name in self.schema.names if name != "frames"}

    def batches(self, clips: Sequence[Clip], most_rows: int, most_bytes: int) -> Iterator[pa.Table]:
        """Yield the rows of clips in tables of so many rows and bytes of frames at most.

        A row that has more bytes by itself gets a table of its own.
        """
        for few in cut(clips, self.frame_bytes, most_bytes, most_rows):
            yield self._table(few)

    def frame_bytes(self, clip: Clip) -> int:
        """Return the bytes of a clip's frames."""
        staged = self.staged.get(clip.video_id)
        return staged.frame_bytes if staged else 0

    def row_bytes(self, clip: Clip) -> int:
        """Return the bytes of a clip's row in memory, about what they are before compression."""
        staged = self.staged.get(clip.video_id)
        texts = sum(len(text.encode()) + 4 for text in (clip.video_id, *clip.captions))
        extras = sum(len(str(value)) for value in clip.extra.values())
        return (staged.column_bytes if staged else 0) + texts + extras

    def _table(self, clips: Sequence[Clip]) -> pa.Table:
        own = [self._own(clip) for clip in clips]
        staged = [self.staged[values["video_id"]] for values in own if self.staged]
        kept = pa.concat_tables(map(self._read, staged)).combine_chunks() if staged else None
        columns = [
            kept[field.name].combine_chunks()
            if kept is not None and field.name in kept.column_names
            else pa.array([values.get(field.name) for values in own], field.type)
            for field in self.schema
        ]
        return pa.table(columns, schema=self.schema)

    def _read(self, staged: StagedClip) -> pa.Table:
        return read_staged(kept_path(self.kept_in, staged.key))

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


def cut(
    clips: Sequence[Clip],
    size_bytes: Callable[[Clip], int],
    most_bytes: int,
    most_clips: int | None = None,
) -> Iterator[Sequence[Clip]]:
    """Cut a sequence of clips where a piece would grow beyond what is asked.

    Args:
        clips: Clips, at least one.
        size_bytes: What a clip counts.
        most_bytes: What a piece may come to; a clip that has more is a piece of its own.
        most_clips: Clips in a piece at most; None for any number.

    Yields:
        The pieces, in order.
    """
    start, room = 0, most_bytes
    for place, clip in enumerate(clips):
        size = size_bytes(clip)
        if place > start and (size > room or place - start == most_clips):
            yield clips[start:place]
            start, room = place, most_bytes
        room -= size
    yield clips[start:]
