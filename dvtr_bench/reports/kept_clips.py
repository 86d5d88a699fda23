"""What the query browser needs of a split, kept beside a result file.

A result file has neither captions nor frames. ``NAME.browse.parquet`` beside ``NAME.json`` has the
captions of the split and small pictures of some of its clips, so that a site can show them on a
machine without the dataset. It has one row per video; pictures are only in it if the dataset's
licence allows showing them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.manifest import LicenceRecord
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_records import from_json
from dvtr_bench.reading.json_toml_text import parse_json
from dvtr_bench.reading.parquet_files import BoundedParquet
from dvtr_bench.reports.shown_queries import worst_queries
from dvtr_bench.reports.thumbnails import (
    Thumbnail,
    frames_of,
    is_whole,
    make_thumbnail,
    may_be_shown,
)
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.results.record import RunRecord
    from dvtr_bench.results.top_lists import TopList

SUFFIX: Final = ".browse.parquet"
FORMAT_VERSION: Final = 1
CLIPS: Final = 5
"""Clips of each query whose pictures are kept, beside the right one."""

_KEY: Final = b"dvtr_bench"
_NO_LICENCE: Final = LicenceRecord("unknown", "Nothing states a licence.", None)
_SCHEMA: Final = pa.schema(
    [
        ("video_id", pa.string()),
        ("category", pa.string()),
        ("caption_rows", pa.list_(pa.int64())),
        ("caption_ids", pa.list_(pa.string())),
        ("captions", pa.list_(pa.string())),
        ("middle_frame", pa.binary()),
        ("four_frames", pa.binary()),
    ]
)


@dataclass(frozen=True, eq=False)
class KeptSplit:
    """Captions of a split and pictures of some of its clips.

    It can stand for the split on a contact sheet: ``frames`` gives the four frames of a picture.

    Attributes:
        video_ids: V ids in row order.
        categories: V categories.
        caption_ids: T ids.
        captions: T captions.
        caption_video_index: int64, T: the row of each caption's video.
        licence: Of the dataset.
        thumbnails: Pictures by row of the video.
    """

    video_ids: Sequence[str]
    categories: Sequence[str | None]
    caption_ids: Sequence[str]
    captions: Sequence[str]
    caption_video_index: "NDArray[np.int64]"
    licence: LicenceRecord
    thumbnails: Mapping[int, Thumbnail] = field(default_factory=dict)

    has_frames = True

    def __repr__(self) -> str:
        """Sizes alone."""
        return (
            f"KeptSplit({len(self.video_ids):,} videos, {len(self.captions):,} captions, pictures "
            f"of {len(self.thumbnails):,} clips)"
        )

    def frames(self, index: int) -> "Frames":
        """Return four frames of a clip, 160 x 120; none if no picture of it was kept."""
        thumbnail = self.thumbnails.get(index)
        return [] if thumbnail is None else frames_of(thumbnail)


def licence_of(split: "RetrievalSplit") -> LicenceRecord:
    """Return the licence that a built dataset states; an unknown one for other splits."""
    return split.manifest.licence if isinstance(split, DatasetSplit) else _NO_LICENCE


def clips_of_queries(
    record: "RunRecord", top_list: "TopList", video_ids: Sequence[str], queries: Sequence[int]
) -> list[int]:
    """Return the clips that the browser shows for some queries.

    Args:
        record: The run.
        top_list: Its top list, text to video.
        video_ids: V ids in row order.
        queries: Rows of captions.

    Returns:
        Sorted rows: the first five clips of each query and the right one.
    """
    row_of = {video_id: row for row, video_id in enumerate(video_ids)}
    rows = {int(record.caption_video_index[query]) for query in queries}
    for query in queries:
        found = top_list.candidate_ids[query][:CLIPS]
        rows.update(row_of[video_id] for video_id in found if video_id in row_of)
    return sorted(rows)


def clips_to_keep(
    record: "RunRecord", top_list: "TopList", video_ids: Sequence[str], queries: int
) -> list[int]:
    """Return the clips of the worst queries; all clips if these are all queries."""
    if queries >= record.dataset.num_captions:
        return list(range(len(video_ids)))
    return clips_of_queries(record, top_list, video_ids, worst_queries([record], queries))


def keep_split(
    split: "RetrievalSplit", clips: Iterable[int], *, show_progress: bool = False
) -> KeptSplit:
    """Take what the browser needs from a split.

    Args:
        split: The split.
        clips: Rows of the videos whose pictures to keep; without a licence that allows showing
            them, none are kept.
        show_progress: Whether to show a progress bar.

    Returns:
        Captions and pictures.
    """
    licence = licence_of(split)
    thumbnails = {}
    rows = sorted(set(clips)) if may_be_shown(licence) and split.has_frames else []
    with progress_bar("keep pictures", len(rows), enabled=show_progress and bool(rows)) as advance:
        for row in rows:
            if (thumbnail := make_thumbnail(split.frames(row))) is not None:
                thumbnails[row] = thumbnail
            advance()
    return KeptSplit(
        split.video_ids,
        split.categories,
        split.caption_ids,
        split.captions,
        split.caption_video_index,
        licence,
        thumbnails,
    )


def kept_path(result: Path) -> Path:
    """Return the path of what is kept for a result file."""
    return result.with_name(result.name.removesuffix(".json") + SUFFIX)


def write_kept(kept: KeptSplit, result: Path) -> Path:
    """Write what is kept beside a result file.

    Args:
        kept: Captions and pictures.
        result: The result file.

    Returns:
        The file.
    """
    rows: list[dict[str, Any]] = [
        {"video_id": video_id, "category": category, "caption_rows": []}
        for video_id, category in zip(kept.video_ids, kept.categories, strict=True)
    ]
    for caption, video in enumerate(kept.caption_video_index.tolist()):
        rows[video]["caption_rows"].append(caption)
    for number, row in enumerate(rows):
        row["caption_ids"] = [kept.caption_ids[caption] for caption in row["caption_rows"]]
        row["captions"] = [kept.captions[caption] for caption in row["caption_rows"]]
        if (thumbnail := kept.thumbnails.get(number)) is not None:
            row["middle_frame"], row["four_frames"] = thumbnail.middle, thumbnail.strip
    about = {"format_version": FORMAT_VERSION, "licence": asdict(kept.licence)}
    schema = _SCHEMA.with_metadata({_KEY: json.dumps(about).encode()})
    with written_beside(kept_path(result)) as beside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), beside)
    return kept_path(result)


def read_kept(record: "RunRecord", result: Path) -> KeptSplit:
    """Read what is kept beside a result file.

    Args:
        record: What `dvtr_bench.results.read_result` read from the result file.
        result: The result file.

    Returns:
        Captions and pictures; no pictures if the licence in the file does not allow showing them.

    Raises:
        NotFoundError: There is no such file beside the result file.
        ResultError: The file is damaged or too new, or belongs to another split.
    """
    path = kept_path(result)
    if not path.exists():
        raise NotFoundError(f"{path}: not found. `dvtr-bench evaluate --browse 50` writes it")
    kind, advice = "a file of `evaluate --browse`", "evaluate again"
    with reading(path, kind, ResultError, advice):
        file = BoundedParquet(path, path, error=ResultError, advice=advice, kind=kind)
        stated = (file.schema.metadata or {}).get(_KEY, b"{}")
        about = parse_json(stated, str(path), ResultError)
        _require_version(about, path)
        licence = from_json(LicenceRecord, json.dumps(about["licence"]), str(path), ResultError)
        table = file.read(_SCHEMA.names)
        kept = _kept(table.select(_SCHEMA.names).cast(_SCHEMA).to_pylist(), licence)
        _require_same_split(record, kept, path)
    return kept


def _require_version(about: Mapping[str, Any], path: Path) -> None:
    version = about.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ResultError(
            f"{path}: too new: format {version}, this dvtr-bench reads {FORMAT_VERSION}: upgrade "
            "dvtr-bench"
        )


def _kept(rows: list[dict[str, Any]], licence: LicenceRecord) -> KeptSplit:
    captions: dict[int, tuple[str, str, int]] = {}
    thumbnails = {}
    for number, row in enumerate(rows):
        for caption, name, text in zip(
            row["caption_rows"], row["caption_ids"], row["captions"], strict=True
        ):
            captions[caption] = (name, text, number)
        if row["middle_frame"] is not None and may_be_shown(licence):
            thumbnail = Thumbnail(row["middle_frame"], row["four_frames"])
            if not is_whole(thumbnail):
                raise ValueError(f"the pictures of the video {row['video_id']!r} are damaged")
            thumbnails[number] = thumbnail
    in_order = [captions[caption] for caption in range(len(captions))]
    return KeptSplit(
        [row["video_id"] for row in rows],
        [row["category"] for row in rows],
        [name for name, _, _ in in_order],
        [text for _, text, _ in in_order],
        np.array([video for _, _, video in in_order], dtype=np.int64),
        licence,
        thumbnails,
    )


def _require_same_split(record: "RunRecord", kept: KeptSplit, path: Path) -> None:
    if (
        ids_sha256(kept.caption_ids) != record.dataset.queries_sha256
        or ids_sha256(kept.video_ids) != record.dataset.gallery_sha256
        or not np.array_equal(kept.caption_video_index, record.caption_video_index)
    ):
        raise ResultError(
            f"{path}: holds the captions of another split than the result file beside it: evaluate "
            "again"
        )
