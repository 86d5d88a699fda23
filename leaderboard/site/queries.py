"""The data of a board's queries: captions, groups and the first clips of each run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.dataset.reader import DatasetSplit
from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.ceilings import videos_with_text
from dvtr_bench.reports.kept_clips import KeptSplit, clips_of_queries, licence_of
from dvtr_bench.reports.shown_queries import worst_queries
from dvtr_bench.reports.thumbnails import Thumbnail, make_thumbnail, may_be_shown
from leaderboard.board import Board
from leaderboard.result_files import ResultFile, searched_split
from leaderboard.row_json import run_id
from leaderboard.tables import board_axes

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

CLIPS: Final = 5
"""Number of first clips that the query browser shows."""


@dataclass
class Queries:
    """What is known about the queries of a board.

    Attributes:
        board: The board.
        split: The split that was searched; None if this build of the dataset is not available.
        kept: What `evaluate --browse` kept of it beside one of the results, for want of a split.
        thumbnails: Kept pictures by row of the video, of all results together.
        clips: Rows whose pictures are wanted; None for all.
        top: Rows of the first clips of each caption, by run.
        video_ids: Ids by gallery row; None for an unknown id.
        caption_ids: Ids by caption row; None if unknown.
        missing: What is missing and why, one sentence each.
    """

    board: Board
    split: "RetrievalSplit | None"
    kept: KeptSplit | None = None
    thumbnails: Mapping[int, Thumbnail] = field(default_factory=dict)
    clips: Collection[int] | None = None
    top: dict[str, list[list[int]]] = field(default_factory=dict)
    video_ids: list[str | None] = field(default_factory=list)
    caption_ids: Sequence[str] | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def texts(self) -> "RetrievalSplit | KeptSplit | None":
        """Where captions and categories come from; None if they are not available."""
        return self.kept if self.split is None else self.split

    @property
    def pictured(self) -> Sequence[int]:
        """Rows of the videos with pictures; none if they may not be shown or do not exist."""
        split = self.split
        if split is None:
            rows: Collection[int] = self.thumbnails
        elif (
            isinstance(split, DatasetSplit)
            and split.has_frames
            and may_be_shown(split.manifest.licence)
        ):
            rows = range(len(split))
        else:
            rows = ()
        return sorted(row for row in rows if self.clips is None or row in self.clips)

    @property
    def frames(self) -> str | None:
        """Folder of the thumbnails in the site; None if there are none."""
        dataset = self.board.entries[0].runs[0].dataset
        return f"frames/{dataset.fingerprint[:16]}-{dataset.split}" if self.pictured else None

    def picture(self, row: int) -> Thumbnail | None:
        """Return the pictures of a video of ``pictured``; None for a clip without frames."""
        split = self.split
        return self.thumbnails[row] if split is None else make_thumbnail(split.frames(row))


def find_queries(
    board: Board, files: Sequence[ResultFile], root: Path, worst: int | None = None
) -> Queries:
    """Find the dataset and the top lists of a board.

    Args:
        board: The board.
        files: Those of its runs that have a path or top lists.
        root: Folder of the datasets.
        worst: Number of queries of each run, the worst, whose clips are wanted as pictures; None
            for the pictures of all clips.

    Returns:
        What is known.

    Raises:
        ResultError: The top lists beside a result file belong to another run.
        InputError: The dataset's manifest is not readable, too new or too old.
    """
    first = board.entries[0].runs[0]
    queries = Queries(board, None)
    try:
        queries.split = searched_split(first, root)
    except NotFoundError:
        _take_kept(queries, files)
    if queries.texts is None:
        # The searched path would mean nothing to readers of the site.
        queries.missing.append(
            "Captions and clips are not shown: whoever made this site had the results, but not "
            "this build of the dataset."
        )
        queries.video_ids = [None] * board.num_videos
    else:
        queries.video_ids = list(queries.texts.video_ids)
        queries.caption_ids = queries.texts.caption_ids
    rows: dict[str, int] = {
        name: row for row, name in enumerate(queries.video_ids) if name is not None
    }
    wanted: set[int] = set()
    for file in files:
        try:
            lists = file.top_lists()
        except NotFoundError:
            continue
        if queries.caption_ids is None:
            queries.caption_ids = lists["t2v"].query_ids
        for row, name in zip(
            np.unique(first.caption_video_index).tolist(), lists["v2t"].query_ids, strict=True
        ):
            queries.video_ids[row] = name
            rows[name] = row
        queries.top[run_id(file.record)] = [
            [_row_of(name, rows, queries.video_ids) for name in candidates[:CLIPS]]
            for candidates in lists["t2v"].candidate_ids
        ]
        if worst is not None:
            chosen = worst_queries([file.record], worst)
            wanted.update(clips_of_queries(file.record, lists["t2v"], list(rows), chosen))
    queries.clips = None if worst is None else wanted
    if not queries.top:
        queries.missing.append(
            "The clips that models put first are not shown: no top lists stood beside the results."
        )
    elif queries.texts is not None and queries.frames is None:
        queries.missing.append(_why_no_frames(queries.texts))
    return queries


def _take_kept(queries: Queries, files: Sequence[ResultFile]) -> None:
    """Take captions and pictures from what stands beside the results."""
    thumbnails: dict[int, Thumbnail] = {}
    for file in files:
        if (kept := file.kept_split()) is not None:
            queries.kept = queries.kept or kept
            thumbnails |= kept.thumbnails
    queries.thumbnails = thumbnails


def _row_of(name: str, rows: dict[str, int], video_ids: list[str | None]) -> int:
    """Return a clip's row; a clip of unknown row gets a new one after those of the gallery."""
    if name not in rows:
        rows[name] = len(video_ids)
        video_ids.append(name)
    return rows[name]


def _why_no_frames(split: "RetrievalSplit | KeptSplit") -> str:
    if not split.has_frames:
        return "Clips are not shown: the dataset was built without frames."
    licence = split.licence if isinstance(split, KeptSplit) else licence_of(split)
    if may_be_shown(licence):
        return "Clips are not shown: no pictures of them were kept."
    return f"Clips are not shown: no licence allows it. {licence.statement}"


def _all_or_rows(rows: Sequence[int], count: int) -> list[int] | None:
    """Return rows; None if they are all."""
    return None if len(rows) == count else list(rows)


def queries_data(queries: Queries) -> dict[str, Any]:
    """Return the data of a board's queries.

    Args:
        queries: What is known about them.

    Returns:
        JSON values; ``own`` is the row of each caption's clip, ``pictured`` the rows of clips with
        pictures, None if all have them. Unknown lists are None.
    """
    board, split = queries.board, queries.texts
    first = board.entries[0].runs[0]
    own = first.caption_video_index
    captions = None if split is None else list(split.captions)
    return {
        "own": own.tolist(),
        "numVideos": board.num_videos,
        "videos": queries.video_ids,
        "captionIds": None if queries.caption_ids is None else list(queries.caption_ids),
        "captions": captions,
        "categories": None if split is None else list(split.categories),
        "words": None if captions is None else [len(text.split()) for text in captions],
        "sharing": None if captions is None else videos_with_text(captions, own).tolist(),
        "axes": {
            axis: {
                "title": breakdown.title,
                "unit": breakdown.unit,
                "groups": list(breakdown.groups),
                "codes": breakdown.codes.tolist(),
            }
            for axis, breakdown in board_axes(board).items()
        },
        "frames": queries.frames,
        "pictured": _all_or_rows(queries.pictured, board.num_videos),
        "top": sorted(queries.top),
        "missing": queries.missing,
    }
