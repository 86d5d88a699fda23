"""The contact sheet of runs, from their result files and what stands beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import IncomparableError, InputError, NotFoundError
from dvtr_bench.reports.contact_sheet import draw_contact_sheet
from dvtr_bench.reports.kept_clips import KeptSplit
from dvtr_bench.reports.shown_queries import Queries, choose_queries, query_rows
from dvtr_bench.results.setups import comparable_key, differing_field
from leaderboard.result_files import ResultFile, searched_split

if TYPE_CHECKING:
    from PIL import Image

    from dvtr_bench.dataset.split import RetrievalSplit


def draw_runs(
    files: Sequence[ResultFile],
    queries: Queries,
    root: Path = ROOT,
    split: "RetrievalSplit | None" = None,
) -> "Image.Image":
    """Draw queries with the best clips of each run.

    Args:
        files: Runs with top lists, on the same queries.
        queries: Which queries, as `choose_queries` takes them.
        root: Folder of the datasets.
        split: The split that they searched, if it is open.

    Returns:
        An RGB image.

    Raises:
        NotFoundError: Top lists are missing, or neither the dataset nor kept clips are there.
        InputError: There are no runs or no queries.
        IncomparableError: The runs must not share a table.
        ResultError: What stands beside a result file belongs to another run.
    """
    if not files:
        raise InputError("a contact sheet needs at least one result: found none")
    records = [file.record for file in files]
    first = comparable_key(records[0])
    for file in files[1:]:
        if (field := differing_field(first, comparable_key(file.record))) is not None:
            raise IncomparableError(
                f"{files[0].stem} and {file.stem} differ in {field}: a sheet shows runs on the "
                "same queries"
            )
    lists = [file.top_lists()["t2v"] for file in files]
    rows = choose_queries(queries, records, lists[0].query_ids)
    if not rows:
        raise InputError("a contact sheet needs at least one query: found none")
    clips = split or _searched(files, root)
    dataset = records[0].dataset
    runs = records[0].label if len(files) == 1 else f"{len(files)} runs"
    title = f"{runs} on {dataset.name}, {dataset.split}: the best clips, the right one green"
    return draw_contact_sheet(title, query_rows(records, lists, clips, rows))


def _searched(files: Sequence[ResultFile], root: Path) -> "RetrievalSplit | KeptSplit":
    """Return the split, or what was kept of it beside one of the results."""
    try:
        split = searched_split(files[0].record, root)
    except NotFoundError as failure:
        kept = [found for file in files if (found := file.kept_split()) is not None]
        if not kept:
            raise NotFoundError(
                f"no clips to draw: {failure}; and `evaluate --browse` kept none beside the results"
            ) from None
        return KeptSplit(
            kept[0].video_ids,
            kept[0].categories,
            kept[0].caption_ids,
            kept[0].captions,
            kept[0].caption_video_index,
            kept[0].licence,
            {row: picture for found in kept for row, picture in found.thumbnails.items()},
        )
    if not split.has_frames:
        raise NotFoundError(
            f"no clips to draw: {root / split.dataset_name} was built without frames"
        )
    return split
