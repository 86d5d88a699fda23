"""The result of an evaluation, with figures, worst queries and contact sheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import Evaluation
from dvtr_bench.evaluation.written import top_video_rows, top_videos_title, write_evaluation
from dvtr_bench.reports.contact_sheet import draw_contact_sheet
from dvtr_bench.reports.query_choice import (
    COUNT,
    DEFAULT,
    Queries,
    choose_queries,
    spread_queries,
    worst_queries,
)
from dvtr_bench.results import RunRecord, to_frame
from dvtr_bench.runtime.wording import count_of

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    from dvtr_bench.dataset.split import RetrievalSplit


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
