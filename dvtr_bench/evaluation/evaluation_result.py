"""The result of an evaluation: figures, worst queries, contact sheets, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import Evaluation
from dvtr_bench.reports.contact_sheet import Row, draw_contact_sheet, save_contact_sheet
from dvtr_bench.reports.kept_clips import clips_to_keep, keep_split, write_kept
from dvtr_bench.reports.shown_queries import (
    COUNT,
    DEFAULT,
    Queries,
    choose_queries,
    query_rows,
    spread_queries,
    worst_queries,
)
from dvtr_bench.results import RunRecord, to_frame, write_result
from dvtr_bench.results.top_lists import write_top_lists
from dvtr_bench.runtime.files import written_together
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

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


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationResult:
    """The result of an evaluation on one split.

    Attributes:
        evaluation: Records and the best candidates of every query.
        split: The split.
        paths: Files that were written: result files, top lists and a contact sheet.
    """

    evaluation: Evaluation
    split: "RetrievalSplit"
    paths: tuple[Path, ...] = ()

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """One record for each way to score.

        A ``pairwise`` model has one; a ``query_block`` model has one as published and one at block
        1. Then, for each of these, there is one for each post-processor.
        """
        return self.evaluation.records

    @property
    def record(self) -> RunRecord:
        """The first record: the model as published, without post-processing."""
        return self.records[0]

    def to_frame(self) -> "pd.DataFrame":
        """Return all figures of all records, one a row, see `dvtr_bench.results`."""
        return to_frame(self.records)

    def worst(self, count: int = 10) -> "pd.DataFrame":
        """Return the captions whose video has the lowest ranks.

        Args:
            count: Number of captions.

        Returns:
            Columns query (the caption's row), rank, caption, video_id (of its own video) and found
            (the video ranked first). Captions with equal ranks are in row order.
        """
        import pandas as pd

        ranks = self.record.rank_table.ranks["t2v"]["strict"].pessimistic
        queries = worst_queries([self.record], count)
        own, best = self.split.caption_video_index, self.evaluation.top[0]["t2v"].candidate_ids
        return pd.DataFrame(
            {
                "query": query,
                "rank": int(ranks[query]),
                "caption": self.split.captions[query],
                "video_id": self.split.video_ids[own[query]],
                "found": best[query][0],
            }
            for query in queries
        )

    def contact_sheet(self, queries: int | str | Sequence[int] = COUNT) -> "Image.Image":
        """Draw queries with their five best videos, the right one in green.

        Args:
            queries: Rows of captions, such as ``result.worst(6)["query"]``; or how many, spread
                evenly over the split; or a way to choose them such as ``worst:12``, as
                `dvtr_bench.draw_queries` takes it.

        Returns:
            An RGB image.

        Raises:
            InputError: There are no queries, or the split has no such row.
            NotFoundError: The split has no frames.
        """
        own = self.split.caption_video_index
        if isinstance(queries, str):
            rows = choose_queries(queries, [self.record], self.split.caption_ids)
        elif isinstance(queries, int):
            rows = spread_queries(own, queries)
        else:
            rows = list(map(int, queries))
        if not rows or not all(0 <= row < len(own) for row in rows):
            raise InputError(
                f"a contact sheet needs rows of captions in 0..{len(own) - 1}, found {rows[:5]}"
            )
        drawn = top_video_rows(self.evaluation, self.split, rows)
        return draw_contact_sheet(top_videos_title(self.evaluation, self.split), drawn)

    def save(
        self, results: str | Path = "results", *, queries: Queries = DEFAULT, browse: int = 0
    ) -> tuple[Path, ...]:
        """Write the result files, and a contact sheet where there are frames.

        Args:
            results: Folder for the files.
            queries: Which queries the sheet shows, as `dvtr_bench.draw_queries` takes them.
            browse: Worst queries whose clips to keep for a site, see `dvtr_bench.evaluate`.

        Returns:
            The paths written.
        """
        return write_evaluation(
            self.evaluation, self.split, Path(results), queries=queries, browse=browse
        )

    def __repr__(self) -> str:
        """Show the first record and the number of others."""
        more = len(self.records) - 1
        told = f" and {count_of(more, 'more record')}" if more else ""
        return f"EvaluationResult({self.record!r}{told})"

    def _repr_html_(self) -> str:
        return "".join(record._repr_html_() for record in self.records)
