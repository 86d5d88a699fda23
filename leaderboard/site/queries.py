"""The queries of a board as data: captions, groups, and the clips that each run put first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.dataset.reader import DatasetSplit
from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.ceilings import videos_with_text
from leaderboard.board import Board
from leaderboard.breakdown_tables import board_axes
from leaderboard.result_files import ResultFile, searched_split
from leaderboard.site.frames import may_be_shown
from leaderboard.site.rows import run_id

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

CLIPS: Final = 5
"""Clips of each caption that the browser shows."""


@dataclass
class Queries:
    """What is at hand of the queries of a board.

    Attributes:
        board: The board.
        split: What was searched; None where this build of the dataset is not here.
        top: By run: the rows of the best clips of each caption.
        video_ids: By row of the gallery; None for an id that nothing here tells.
        caption_ids: By row; None where nothing here tells them.
        missing: What is not here, one sentence each.
    """

    board: Board
    split: "RetrievalSplit | None"
    top: dict[str, list[list[int]]] = field(default_factory=dict)
    video_ids: list[str | None] = field(default_factory=list)
    caption_ids: Sequence[str] | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def frames(self) -> str | None:
        """Folder of the thumbnails within the site; None where none may be shown, or are here."""
        split = self.split
        if not isinstance(split, DatasetSplit) or not split.has_frames:
            return None
        if not may_be_shown(split.manifest.licence):
            return None
        return f"frames/{split.fingerprint[:16]}-{split.name}"


def find_queries(board: Board, files: Sequence[ResultFile], root: Path) -> Queries:
    """Look for the dataset and the top lists of a board.

    Args:
        board: The board.
        files: Its runs with their paths, those that are at hand.
        root: Where datasets are looked for by name.

    Returns:
        What there is.

    Raises:
        ResultError: Top lists beside a result file are those of another run.
        InputError: The dataset's manifest is not readable, too new or too old.
    """
    first = board.entries[0].runs[0]
    found = Queries(board, None)
    try:
        found.split = searched_split(first, root)
    except NotFoundError:
        # Where it was looked for is no matter of the reader's.
        found.missing.append(
            "Captions and clips are not shown: whoever made this site had the results, but not "
            "this build of the dataset."
        )
    if found.split is None:
        found.video_ids = [None] * board.num_videos
    else:
        found.video_ids = list(found.split.video_ids)
        found.caption_ids = found.split.caption_ids
    rows: dict[str, int] = {
        name: row for row, name in enumerate(found.video_ids) if name is not None
    }
    for file in files:
        try:
            lists = file.top_lists()
        except NotFoundError:
            continue
        if found.caption_ids is None:
            found.caption_ids = lists["t2v"].query_ids
        for row, name in zip(
            np.unique(first.caption_video_index).tolist(), lists["v2t"].query_ids, strict=True
        ):
            found.video_ids[row] = name
            rows[name] = row
        found.top[run_id(file.record)] = [
            [_row_of(name, rows, found.video_ids) for name in candidates[:CLIPS]]
            for candidates in lists["t2v"].candidate_ids
        ]
    if not found.top:
        found.missing.append(
            "The clips that models put first are not shown: no top lists stood beside the results."
        )
    elif found.split is not None and found.frames is None:
        found.missing.append(_why_no_frames(found.split))
    return found


def _row_of(name: str, rows: dict[str, int], video_ids: list[str | None]) -> int:
    """Return a clip's row; one whose row nothing tells gets one behind the gallery's."""
    if name not in rows:
        rows[name] = len(video_ids)
        video_ids.append(name)
    return rows[name]


def _why_no_frames(split: "RetrievalSplit") -> str:
    if not split.has_frames:
        return "Clips are not shown: the dataset was built without frames."
    licence = split.manifest.licence if isinstance(split, DatasetSplit) else None
    told = f" {licence.statement}" if licence is not None else ""
    return f"Clips are not shown: no licence allows it.{told}"


def queries_data(found: Queries) -> dict[str, Any]:
    """Lay out the queries of a board.

    Args:
        found: What is at hand.

    Returns:
        JSON values: ``own`` is the row of each caption's clip; lists that nothing here tells are
        None.
    """
    board, split = found.board, found.split
    first = board.entries[0].runs[0]
    own = first.caption_video_index
    captions = None if split is None else list(split.captions)
    return {
        "own": own.tolist(),
        "numVideos": board.num_videos,
        "videos": found.video_ids,
        "captionIds": None if found.caption_ids is None else list(found.caption_ids),
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
        "frames": found.frames,
        "top": sorted(found.top),
        "missing": found.missing,
    }
