"""One split of a built dataset, read lazily from its Parquet files.

Ids, captions and columns are read once. Frames are read by row group; the builders keep row groups
so small that random access costs little compared with decoding the images. Nothing is copied to a
cache, so any number of processes can read the same dataset.
"""

import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
import pyarrow as pa

from dvtr_bench.dataset.manifest import CLIPS_CONFIG, MANIFEST_NAME, Manifest
from dvtr_bench.dataset.parquet_shards import ADVICE, Shards, open_shard
from dvtr_bench.dataset.video import Video
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.reading.parquet_files import BoundedParquet


_VIDEO_COLUMNS = ["video_id", "category"]


class DatasetSplit:
    """A `dvtr_bench.dataset.split.RetrievalSplit` over Parquet files, and a sequence of its videos.

    A pickle holds only the folder and the manifest: a copy in another process opens its own files.

    Example:
        >>> split = open_dataset("usrd").split("test")  # doctest: +SKIP
        >>> len(split), len(split.captions)  # doctest: +SKIP
        (296, 1480)
        >>> split[0].captions[0]  # doctest: +SKIP
        'A car turns at the crossing.'
    """

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        """Store the arguments; nothing is read yet.

        Args:
            folder: The dataset's folder.
            manifest: Its manifest.
            name: A key of ``manifest.splits``.
        """
        self.folder = folder
        self.manifest = manifest
        self._name = name
        self._shards: Shards | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without open files and cached columns."""
        return DatasetSplit, (self.folder, self.manifest, self._name)

    def __repr__(self) -> str:
        """Show name and sizes."""
        record = self.manifest.splits[self._name]
        return (
            f"DatasetSplit({self.dataset_name!r}, {self._name!r}, videos={record.num_videos}, "
            f"captions={record.num_captions})"
        )

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import ROWS_SHOWN, html_table

        record = self.manifest.splits[self._name]
        hidden = len(self) - ROWS_SHOWN
        return html_table(
            ["", "video", "category", "captions", "first caption"],
            [
                [
                    str(video.row),
                    video.video_id,
                    video.category or "",
                    str(len(video.captions)),
                    *video.captions[:1],
                ]
                for video in self[:ROWS_SHOWN]
            ],
            title=(
                f"{self.dataset_name} {self.dataset_version}, {self._name}: "
                f"{count_of(record.num_videos, 'video')}, "
                f"{count_of(record.num_captions, 'caption')}"
            ),
            notes=[f"and {count_of(hidden, 'more video')}"] if hidden > 0 else [],
            text_columns=5,
        )

    def __len__(self) -> int:
        """Return the number of videos."""
        return self.manifest.splits[self._name].num_videos

    @overload
    def __getitem__(self, index: SupportsIndex) -> Video: ...

    @overload
    def __getitem__(self, index: slice) -> list[Video]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Video | list[Video]:
        """Return one video, or those of a slice; a negative index counts from the end.

        Args:
            index: A row, or a slice of rows.

        Returns:
            The video with its captions; its frames are read on first use.

        Raises:
            IndexError: There is no such row.
        """
        if isinstance(index, slice):
            return [self._video(row) for row in range(len(self))[index]]
        row = operator.index(index)
        return self._video(self._check_row(row + len(self) if row < 0 else row))

    def __iter__(self) -> Iterator[Video]:
        """Yield the videos in row order."""
        return (self._video(row) for row in range(len(self)))

    def _video(self, row: int) -> Video:
        order, starts = self._captions_by_video
        own = order[starts[row] : starts[row + 1]]
        captions = tuple(self.captions[caption] for caption in own)
        return Video(self, row, self.video_ids[row], self.categories[row], captions)

    @cached_property
    def _captions_by_video(self) -> "tuple[list[int], list[int]]":
        """Caption rows grouped by video, and the start of each video's group."""
        counts = np.bincount(self.caption_video_index, minlength=len(self))
        order: list[int] = np.argsort(self.caption_video_index, kind="stable").tolist()
        return order, [0, *np.cumsum(counts).tolist()]

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, such as ``usrd``."""
        return self.manifest.name

    @property
    def dataset_version(self) -> str:
        """Version of the dataset, such as ``1.0.0``."""
        return self.manifest.version

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the dataset, a hash of rows and settings."""
        return self.manifest.fingerprint

    @property
    def name(self) -> str:
        """``train``, ``validation`` or ``test``."""
        return self._name

    @property
    def sampling(self) -> str:
        """How the frames were sampled, such as ``uniform:12``; ``none`` without frames."""
        return self.manifest.frames.sampling if self.manifest.frames else "none"

    @property
    def video_ids(self) -> tuple[str, ...]:
        """V ids, verbatim, in row order."""
        return self._videos[0]

    @property
    def categories(self) -> tuple[str | None, ...]:
        """V categories."""
        return self._videos[1]

    @property
    def caption_ids(self) -> tuple[str, ...]:
        """T ids: for each video in row order, its captions in source order."""
        return self._queries[0]

    @property
    def captions(self) -> tuple[str, ...]:
        """T captions, verbatim."""
        return self._queries[1]

    @property
    def caption_video_index(self) -> "NDArray[np.int64]":
        """int64, T: the row of each caption's video, in 0..V-1."""
        return self._queries[2]

    @property
    def clip_sha256(self) -> tuple[str | None, ...]:
        """V hashes of the source files; None where there was no clip."""
        return self._values(self._read("default", ["clip_sha256"]), "clip_sha256")

    @property
    def source_forms(self) -> tuple[tuple[Any, ...], ...]:
        """Width, height and rotation of V clips as they were coded: equal ones look alike."""
        names = ["source_width_px", "source_height_px", "rotation_degrees"]
        table = self._read("default", names)
        with reading(f"{self.folder}: {self._name} split", "sizes of clips", advice=ADVICE):
            return tuple(zip(*(table[name].to_pylist() for name in names), strict=True))

    @property
    def has_frames(self) -> bool:
        """False for an annotations-only dataset."""
        return self.manifest.frames is not None

    def frames(self, index: int) -> "list[NDArray[np.uint8]]":
        """Return the decoded stored frames of one video.

        Args:
            index: Row of the video, in 0..V-1.

        Returns:
            RGB uint8 arrays, height x width x 3 each, in time order.

        Raises:
            NotFoundError: The dataset was built from annotations only.
            IndexError: There is no such row.
        """
        from dvtr_bench.video.frame_store import decode_frame

        return [
            decode_frame(data, f"{self._where(index)}, frame {number}")
            for number, data in enumerate(self.encoded_frames(index))
        ]

    def encoded_frames(self, index: int) -> list[bytes]:
        """Return the stored frames of one video without decoding them.

        Args:
            index: Row of the video, in 0..V-1.

        Returns:
            The bytes of one JPEG or PNG file for each frame, in time order.

        Raises:
            NotFoundError: The dataset was built from annotations only.
            IndexError: There is no such row.
        """
        if not self.has_frames:
            raise NotFoundError(
                f"{self.folder} was built with --annotations-only and has no frames: build it "
                "again with --clips DIR"
            )
        stored = self._open_shards().cell("frames", self._check_row(index))
        with reading(self._where(index), "a row with frames", advice=ADVICE):
            return [bytes(image["bytes"]) for image in stored]

    def clip_bytes(self, index: int) -> bytes:
        """Return the file of one video's clip, as it was when the dataset was built.

        Args:
            index: Row of the video, in 0..V-1.

        Returns:
            All bytes of the file, such as an MP4.

        Raises:
            NotFoundError: The dataset does not keep its clips.
            IndexError: There is no such row.
        """
        if not self.manifest.keeps_clips:
            raise NotFoundError(
                f"{self.folder} does not keep its clips: build it again with --keep-clips"
            )
        # Opened anew, so that no clip stays in memory.
        clips = self._shards_of(CLIPS_CONFIG)
        clip = clips.cell("video", self._check_row(index))
        with reading(self._where(index), "a row with a clip", advice=ADVICE):
            return bytes(clip["bytes"])

    def row(self, index: int) -> Mapping[str, Any]:
        """Return all columns of one video except its frames.

        Args:
            index: Row of the video, in 0..V-1.

        Returns:
            Values by column name, with the dataset's extra columns.

        Raises:
            IndexError: There is no such row.
        """
        row = self._rows.slice(self._check_row(index), 1)
        with reading(self._where(index), "a row of a dataset", advice=ADVICE):
            return dict(row.to_pylist()[0])

    def _check_row(self, index: int) -> int:
        count = self.manifest.splits[self._name].num_videos
        if not 0 <= index < count:
            raise IndexError(
                f"{self.dataset_name} {self._name}: no row {index}, rows 0..{count - 1}"
            )
        return index

    def _paths(self, config: str) -> list[Path]:
        return [self.folder / path for path in self.manifest.splits[self._name].paths(config)]

    def _where(self, index: int) -> str:
        return f"{self.folder}: {self._name} split, row {index}"

    def _opened(self, config: str) -> "list[BoundedParquet]":
        """Open the files of a config, each with as many rows as the manifest states."""
        record = self.manifest.splits[self._name]
        rows = [file.num_rows for file in record.files if file.config == config]
        opened = list(map(open_shard, self._paths(config), rows))
        stated = record.num_captions if config == "captions" else record.num_videos
        if (found := sum(file.num_rows for file in opened)) != stated:
            raise InputError(
                f"{self.folder}: the {self._name} split has {count_of(found, 'row')} of config "
                f"{config}, its {MANIFEST_NAME} states {stated:,}: {ADVICE}"
            )
        return opened

    def _read(self, config: str, columns: Sequence[str]) -> pa.Table:
        tables = [file.read(columns) for file in self._opened(config)]
        with reading(f"{self.folder}: {self._name} split", "one table", advice=ADVICE):
            return pa.concat_tables(tables).combine_chunks()

    def _texts(self, table: pa.Table, column: str) -> tuple[str, ...]:
        texts = self._values(table, column)
        if None in texts:
            raise InputError(
                f"{self.folder}: {self._name} split: the column {column} has an empty cell: "
                f"{ADVICE}"
            )
        return tuple(text for text in texts if text is not None)

    def _values(self, table: pa.Table, column: str) -> tuple[str | None, ...]:
        """Return a column of texts, some of which may be missing."""
        where = f"{self.folder}: {self._name} split: the column {column}"
        with reading(where, "a column of texts", advice=ADVICE):
            kind = table.schema.field(column).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise ValueError(f"it is of {kind}")
            return tuple(table[column].to_pylist())

    def _open_shards(self) -> Shards:
        # A forked process must not share file positions with its parent.
        if self._shards is None or self._shards.process_id != os.getpid():
            self._shards = self._shards_of("default")
        return self._shards

    def _shards_of(self, config: str) -> Shards:
        return Shards(self._opened(config))

    @cached_property
    def _rows(self) -> pa.Table:
        names = self._opened("default")[0].schema.names
        return self._read("default", [name for name in names if name != "frames"])

    @cached_property
    def _videos(self) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
        table = self._read("default", _VIDEO_COLUMNS)
        return self._texts(table, "video_id"), self._values(table, "category")

    @cached_property
    def _queries(self) -> "tuple[tuple[str, ...], tuple[str, ...], NDArray[np.int64]]":
        table = self._read("captions", ["caption_id", "video_id", "caption"])
        row_of = {video_id: row for row, video_id in enumerate(self.video_ids)}
        try:
            rows = [row_of[video_id] for video_id in self._texts(table, "video_id")]
        except KeyError as failure:
            raise InputError(
                f"{self.folder}: {self._name}: a caption belongs to the video {failure}, which has "
                "no row: the files are of different builds, build the dataset again"
            ) from None
        index = np.asarray(rows, dtype=np.int64)
        index.flags.writeable = False
        return (
            self._texts(table, "caption_id"),
            self._texts(table, "caption"),
            index,
        )


def stored_sizes(split: "DatasetSplit") -> list[tuple[int, int]]:
    """Return the sizes of the stored frames of a split.

    One clip is looked at of all that were coded in the same size and turned in the same way.

    Args:
        split: A split with frames.

    Returns:
        Height and width, in pixels; each once.
    """
    first = {form: row for row, form in reversed(list(enumerate(split.source_forms)))}
    shapes = (split.frames(row)[0].shape for row in sorted(first.values()))
    return list(dict.fromkeys((height, width) for height, width, *_ in shapes))
