"""The best candidates of each query of a run: a Parquet file beside the result file.

A result file holds ranks, from which figures are computed. Run files for other tools and pictures
of search results also need the candidates. They are in ``NAME.top.parquet`` beside ``NAME.json``,
one row per query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.ranking import DIRECTIONS, Direction
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.parquet_files import BoundedParquet
from dvtr_bench.results.record import RunRecord
from dvtr_bench.runtime.files import written_beside

SUFFIX: Final = ".top.parquet"

_COLUMNS: Final = ["direction", "query_id", "candidate_ids", "scores"]
_TYPES: Final = [pa.string(), pa.string(), pa.list_(pa.string()), pa.list_(pa.float64())]


@dataclass(frozen=True, eq=False)
class TopList:
    """The best candidates of the queries of one direction.

    Attributes:
        query_ids: Q ids. The queries of t2v are the captions, those of v2t and v2t_caption the
            videos that have captions, in row order.
        candidate_ids: Q lists, best first; of equal scores the first row of the dataset. The
            candidates of v2t are caption sets, named by their video.
        scores: Q lists, the scores of the candidates.
    """

    query_ids: Sequence[str]
    candidate_ids: Sequence[Sequence[str]]
    scores: Sequence[Sequence[float]]

    def __repr__(self) -> str:
        """Sizes alone."""
        num_candidates = max(map(len, self.candidate_ids), default=0)
        return f"TopList({len(self.query_ids):,} queries, up to {num_candidates} candidates each)"

    @classmethod
    def of(
        cls,
        query_ids: Sequence[str],
        gallery_ids: Sequence[str],
        rows: NDArray[np.int64],
        scores: NDArray[np.floating],
    ) -> "TopList":
        """Make a list from rows of the gallery.

        Args:
            query_ids: Q ids.
            gallery_ids: Ids of all candidates.
            rows: int64, Q x k: rows of the gallery, best first.
            scores: float, Q x k.

        Returns:
            The list.
        """
        return cls(
            query_ids,
            [[gallery_ids[row] for row in row_indices] for row_indices in rows.tolist()],
            scores.tolist(),
        )


TopLists: TypeAlias = Mapping[Direction, TopList]
"""By direction."""


def top_path(result: Path) -> Path:
    """Return the path of the top lists of a result file."""
    return result.with_name(result.name.removesuffix(".json") + SUFFIX)


def write_top_lists(lists: TopLists, result: Path) -> Path:
    """Write the top lists of a run beside its result file.

    Args:
        lists: All directions.
        result: The result file.

    Returns:
        The file.
    """
    table = pa.concat_tables(
        pa.table(
            {
                "direction": [direction] * len(lists[direction].query_ids),
                "query_id": lists[direction].query_ids,
                "candidate_ids": lists[direction].candidate_ids,
                "scores": lists[direction].scores,
            }
        )
        for direction in DIRECTIONS
    )
    with written_beside(top_path(result)) as beside:
        pq.write_table(table, beside)
    return top_path(result)


def read_top_lists(record: RunRecord, result: Path) -> TopLists:
    """Read the top lists of a run.

    Args:
        record: What `dvtr_bench.results.read_result` read from the result file.
        result: The result file.

    Returns:
        All directions.

    Raises:
        NotFoundError: There is no such file beside the result file.
        ResultError: The lists belong to another run.
    """
    path = top_path(result)
    if not path.exists():
        raise NotFoundError(
            f"{path}: not found. It holds the best candidates of each query and is written beside "
            f"the result file: evaluate again, or copy it to where {result.name} is"
        )
    with reading(path, "a file of top lists", ResultError, "evaluate again"):
        file = BoundedParquet(
            path, path, error=ResultError, advice="evaluate again", kind="a file of top lists"
        )
        table = file.read(_COLUMNS)
        if [table.schema.field(name).type for name in _COLUMNS] != _TYPES:
            raise ValueError(f"expected columns of {_TYPES}, found {table.schema.types}")
        lists = {}
        for direction in DIRECTIONS:
            part = table.filter(pc.equal(table["direction"], direction))
            lists[direction] = TopList(*(part[name].to_pylist() for name in _COLUMNS[1:]))
        _require_same_run(record, lists, path)
    return lists


def relevant_ids(record: RunRecord, lists: TopLists, direction: Direction) -> list[list[str]]:
    """Return the relevant ids of each query, under strict relevance.

    Args:
        record: The run.
        lists: Its top lists, which hold the ids.
        direction: The direction of the queries.

    Returns:
        Q lists of ids: one video a caption, one caption set a video, or a video's captions.
    """
    video_index = np.asarray(record.caption_video_index)
    videos = np.unique(video_index)
    positions = np.searchsorted(videos, video_index)
    video_ids, caption_ids = lists["v2t"].query_ids, lists["t2v"].query_ids
    if direction == "t2v":
        return [[video_ids[video]] for video in positions]
    if direction == "v2t":
        return [[video] for video in video_ids]
    captions: list[list[str]] = [[] for _ in videos]
    for caption, video in zip(caption_ids, positions, strict=True):
        captions[video].append(caption)
    return captions


def _require_same_run(record: RunRecord, lists: TopLists, path: Path) -> None:
    """Raise if the lists have other queries or ranks than the record."""
    queries_sha256 = ids_sha256(lists["t2v"].query_ids)
    if queries_sha256 != record.dataset.queries_sha256:
        raise ResultError(
            f"{path}: holds other queries than the result file beside it (hash "
            f"{queries_sha256[:12]}, "
            f"expected {record.dataset.queries_sha256[:12]}): evaluate again"
        )
    for direction in DIRECTIONS:
        ranks = record.rank_table.ranks[direction]["strict"]
        listed = lists[direction]
        relevant = relevant_ids(record, lists, direction)
        if len(relevant) != len(listed.query_ids):
            raise ResultError(
                f"{path}: {len(listed.query_ids)} queries of {direction}, expected "
                f"{len(relevant)}: evaluate again"
            )
        for query, (query_relevant, candidates) in enumerate(
            zip(relevant, listed.candidate_ids, strict=True)
        ):
            rank = next(
                (n for n, candidate in enumerate(candidates, 1) if candidate in query_relevant),
                None,
            )
            low, high = int(ranks.optimistic[query]), int(ranks.pessimistic[query])
            if rank is None and high <= len(candidates) or rank and not low <= rank <= high:
                raise ResultError(
                    f"{path}: {direction} query {listed.query_ids[query]!r} has its relevant "
                    "candidate at rank "
                    f"{rank or 'none'}, but the result file ranks it {low}..{high}: these are the "
                    "lists of another run, evaluate again"
                )
