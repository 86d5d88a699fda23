"""What an evaluation writes: result files, top lists, what the browser needs, a contact sheet."""

from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.evaluation.evaluate import Evaluation
from dvtr_bench.reports.contact_sheet import Row, save_contact_sheet
from dvtr_bench.reports.kept_clips import clips_to_keep, keep_split, write_kept
from dvtr_bench.reports.query_choice import DEFAULT, Queries, choose_queries
from dvtr_bench.reports.query_sheet import query_rows
from dvtr_bench.results import write_result
from dvtr_bench.results.top_lists import write_top_lists
from dvtr_bench.runtime.files import written_together
from dvtr_bench.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


def write_evaluation(
    evaluation: Evaluation,
    split: "RetrievalSplit",
    results: Path,
    processes: Processes = ALONE,
    *,
    queries: Queries = DEFAULT,
    browse: int = 0,
) -> tuple[Path, ...]:
    """Write the result files of an evaluation, and a contact sheet where there are frames.

    Args:
        evaluation: Of the split.
        split: What was evaluated on.
        results: Folder for the files.
        processes: Those that shared the work; the first one alone writes.
        queries: Which queries the sheet shows, as `choose_queries` takes them.
        browse: Worst queries whose clips to keep as small pictures, beside all captions; 0 keeps
            neither.

    Returns:
        What this process wrote: for each record its result file, its top lists and what the browser
        needs, then the sheet.
    """
    if not processes.is_first:
        return ()
    with written_together():
        return tuple(_write(evaluation, split, results, queries, browse))


def _write(
    evaluation: Evaluation, split: "RetrievalSplit", results: Path, queries: Queries, browse: int
) -> list[Path]:
    paths = []
    for record, lists in zip(evaluation.records, evaluation.top, strict=True):
        path = write_result(record, results)
        paths += [path, write_top_lists(lists, path)]
        if browse:
            clips = clips_to_keep(record, lists["t2v"], split.video_ids, browse)
            paths.append(write_kept(keep_split(split, clips), path))
    if split.has_frames:
        # Two runs of one model may differ in their settings alone: the sheet has its file's number.
        sheet = paths[0].with_suffix(".png")
        paths.append(draw_top_videos(evaluation, split, sheet, queries))
    return paths


def draw_top_videos(
    evaluation: Evaluation, split: "RetrievalSplit", path: Path, queries: Queries = DEFAULT
) -> Path:
    """Draw a few queries with their best videos.

    Args:
        evaluation: Of the split.
        split: With frames.
        path: The PNG to write.
        queries: Which queries, as `choose_queries` takes them.

    Returns:
        The path written.
    """
    rows = choose_queries(queries, evaluation.records[:1], split.caption_ids)
    title = top_videos_title(evaluation, split)
    return save_contact_sheet(title, top_video_rows(evaluation, split, rows), path)


def top_videos_title(evaluation: Evaluation, split: "RetrievalSplit") -> str:
    """Return the heading of a contact sheet of queries with their best videos."""
    label = evaluation.records[0].label
    return f"{label} on {split.dataset_name}, {split.name}: the best clips, the right one green"


def top_video_rows(
    evaluation: Evaluation, split: "RetrievalSplit", queries: list[int]
) -> list[Row]:
    """Lay out queries with their best videos, as rows of a contact sheet.

    Args:
        evaluation: Of the split.
        split: With frames.
        queries: Rows of captions.

    Returns:
        A row a query, its own video marked as relevant.
    """
    return query_rows(evaluation.records[:1], [evaluation.top[0]["t2v"]], split, queries)
