"""The contact sheet of a comparison: what both runs found for the captions that changed most."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import ResultError
from dvtr_bench.reports.contact_sheet import Row, Tile, save_contact_sheet
from dvtr_bench.results.top_lists import TopLists
from leaderboard.comparison.differences import Comparison, QueryChange
from leaderboard.comparison.evidence import Evidence

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames

QUERIES_EACH_WAY: Final = 3
"""Largest number of captions that B ranks better, and of those it ranks worse."""

CLIPS: Final = 5
"""Clips shown of each run."""


def draw_comparison(comparison: Comparison, evidence: Evidence, path: Path) -> Path | None:
    """Draw two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Evidence with frames and top lists.
        path: The PNG to write.

    Returns:
        The path written; None if no caption changed.
    """
    rows = sheet_rows(comparison, evidence)
    return save_contact_sheet(sheet_title(comparison), rows, path) if rows else None


def sheet_title(comparison: Comparison) -> str:
    """Return the heading of the contact sheet."""
    dataset = comparison.first.dataset
    return (
        f"{dataset.name}, {dataset.split}: captions that changed most.   "
        f"A: {comparison.first.label}   B: {comparison.second.label}"
    )


def sheet_rows(comparison: Comparison, evidence: Evidence) -> list[Row]:
    """Return two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Caption texts, top lists and frames.

    Returns:
        The rows; none if no caption changed, or frames or top lists are not available.
    """
    if not evidence.can_be_drawn:
        return []
    changes = [*comparison.gained[:QUERIES_EACH_WAY], *comparison.lost[:QUERIES_EACH_WAY]]
    return list(_rows(comparison, evidence, changes))


def _rows_by_id(video_ids: Sequence[str], top: Sequence[TopLists]) -> dict[str, int]:
    """Return the row of each video; raise if the lists name others."""
    row_of = {video_id: row for row, video_id in enumerate(video_ids)}
    for run, lists in zip("AB", top, strict=True):
        for line in lists["t2v"].candidate_ids:
            if (stranger := next((name for name in line if name not in row_of), None)) is not None:
                raise ResultError(
                    f"the top lists of run {run} name the video {stranger!r}, which the dataset "
                    "does not have: evaluate again"
                )
    return row_of


def _rows(comparison: Comparison, evidence: Evidence, changes: list[QueryChange]) -> Iterator[Row]:
    split, top = evidence.split, evidence.top
    if split is None or top is None:
        return
    row_of = _rows_by_id(split.video_ids, top)
    video_index = comparison.first.caption_video_index
    labels = (comparison.first.label, comparison.second.label)

    @cache
    def frames(row: int) -> "Frames":
        return split.frames(row)

    for change in changes:
        ranks = (change.first_rank, change.second_rank)
        for run, label, lists, rank, text in zip(
            "AB", labels, top, ranks, (split.captions[change.query], ""), strict=True
        ):
            candidate_ids = lists["t2v"].candidate_ids[change.query][:CLIPS]
            yield Row(
                text,
                f"{run}, {label}: its clip is ranked {rank} of {len(split.video_ids)}",
                [
                    Tile(
                        frames(row_of[video_id]),
                        f"{run} {position} · {video_id}",
                        relevant=row_of[video_id] == video_index[change.query],
                    )
                    for position, video_id in enumerate(candidate_ids, start=1)
                ],
            )
