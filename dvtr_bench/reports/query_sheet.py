"""Queries as rows of a contact sheet: the best clips of one run or several, and the right one."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from dvtr_bench.errors import ResultError
from dvtr_bench.reports.contact_sheet import Row, Tile
from dvtr_bench.results.setups import run_letter

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.results.record import RunRecord
    from dvtr_bench.results.top_lists import TopList

CLIPS: Final = 5
"""Clips of each query; the right one is drawn as well if it is not among them."""


class Pictured(Protocol):
    """What is drawn: a split of a dataset, or what was kept of one beside a result file."""

    @property
    def video_ids(self) -> Sequence[str]:
        """V ids in row order."""
        ...

    @property
    def captions(self) -> Sequence[str]:
        """T captions."""
        ...

    def frames(self, index: int) -> "Frames":
        """Return the frames of a video."""
        ...


def query_rows(
    records: "Sequence[RunRecord]",
    top_lists: "Sequence[TopList]",
    split: Pictured,
    queries: Sequence[int],
) -> list[Row]:
    """Lay out queries with the best clips of each run.

    Args:
        records: Runs on the same queries.
        top_lists: Their top lists, text to video.
        split: The captions and frames.
        queries: Rows of captions.

    Returns:
        A row for each query and run. The right clip is marked; it stands apart, with its rank, if
        it is not among the first five.

    Raises:
        ResultError: A top list names a video that the split does not have.
    """
    return list(_rows(records, top_lists, split, queries))


def _rows(
    records: "Sequence[RunRecord]",
    top_lists: "Sequence[TopList]",
    split: Pictured,
    queries: Sequence[int],
) -> Iterator[Row]:
    row_of = {video_id: row for row, video_id in enumerate(split.video_ids)}
    ranks = [record.rank_table.ranks["t2v"]["strict"].pessimistic for record in records]
    frames = cache(split.frames)
    for query in queries:
        own = int(records[0].caption_video_index[query])
        for run, (record, top_list) in enumerate(zip(records, top_lists, strict=True)):
            letter = f"{run_letter(run)} " if len(records) > 1 else ""
            tiles = []
            found = top_list.candidate_ids[query][:CLIPS]
            for position, video_id in enumerate(found, start=1):
                if video_id not in row_of:
                    raise ResultError(
                        f"the top lists of run {letter or record.label}".rstrip()
                        + f" name the video {video_id!r}, which the dataset does not have: "
                        "evaluate again"
                    )
                right = row_of[video_id] == own
                label = f"{letter}{position}{' right' if right else ''} · {video_id}"
                tiles.append(Tile(frames(row_of[video_id]), label, right))
            rank = int(ranks[run][query])
            if not any(tile.relevant for tile in tiles):
                label = f"{letter}{rank} right · {split.video_ids[own]}"
                tiles.append(Tile(frames(own), label, relevant=True, apart=True))
            note = f"its clip is ranked {rank} of {len(split.video_ids)}"
            named = f"{letter.rstrip()}, {record.label}: " if letter else ""
            yield Row("" if run else split.captions[query], named + note, tiles)
