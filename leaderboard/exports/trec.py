"""TREC runs and qrels: one of each for every result file and direction.

``NAME.t2v.run``, ``NAME.t2v.qrels`` and the same for v2t and v2t_caption. A run has the best
candidates that the evaluation kept (`--top`, ten by default), so deeper measures see no others. The
qrels hold every relevant pair under strict relevance.

If all scores of a query differ, trec_eval's success_1, success_5 and success_10 equal our R@1, R@5
and R@10 (except if the gallery has fewer than k candidates: R@k is then not defined here, and
success_k is 1). With equal scores they differ: our rank counts every equal candidate against the
model, while trec_eval sorts equal ones in descending order of their docno. trec_eval also reads
scores as 32-bit floats, so scores that differ only beyond 32 bits become equal. The notes of an
export name both cases.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dvtr_bench.dataset.trec_ids import encode_id
from dvtr_bench.ranking import DIRECTIONS, Direction
from dvtr_bench.results.top_lists import TopList, relevant_ids
from dvtr_bench.runtime.files import written_beside
from leaderboard.exported import Exported, named
from leaderboard.result_files import ResultFile


def export(results: Sequence[ResultFile], folder: Path) -> Exported:
    """Write runs and qrels.

    Args:
        results: Result files with their top lists beside them.
        folder: The output folder.

    Returns:
        The files, and notes on queries that trec_eval would order differently.

    Raises:
        NotFoundError: A result file has no top lists beside it.
        ResultError: The top lists belong to another run.
    """
    files: list[Path] = []
    notes: list[str] = []
    for name, result in named(results):
        lists = result.top_lists()
        run_id = encode_id(result.record.label)
        for direction in DIRECTIONS:
            relevant = relevant_ids(result.record, lists, direction)
            queries = lists[direction].query_ids
            files += [
                _write(folder / f"{name}.{direction}.run", _run(lists[direction], run_id)),
                _write(folder / f"{name}.{direction}.qrels", _qrels(queries, relevant)),
            ]
            notes += _tie_notes(name, result, direction, lists[direction])
    return Exported(tuple(files), tuple(notes))


def _run(listed: TopList, run_id: str) -> Iterator[str]:
    for query, candidates, scores in zip(
        listed.query_ids, listed.candidate_ids, listed.scores, strict=True
    ):
        start = f"{encode_id(query)} Q0"
        for rank, (candidate, score) in enumerate(zip(candidates, scores, strict=True), start=1):
            yield f"{start} {encode_id(candidate)} {rank} {score!r} {run_id}"


def _qrels(queries: Sequence[str], relevant: Sequence[Sequence[str]]) -> Iterator[str]:
    for query, candidates in zip(queries, relevant, strict=True):
        for candidate in candidates:
            yield f"{encode_id(query)} 0 {encode_id(candidate)} 1"


def _write(path: Path, lines: Iterator[str]) -> Path:
    with written_beside(path) as beside, beside.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


def _tie_notes(
    name: str, result: ResultFile, direction: Direction, listed: TopList
) -> Iterator[str]:
    if direction in result.record.ties:
        yield (
            f"{name}, {direction}: the rank of {result.record.ties[direction].queries} queries "
            "depends on the order of equal scores; trec_eval orders them by docno, our rank counts "
            "them all against the model."
        )
    if merged := sum(map(_merged_as_float32, listed.scores)):
        yield (
            f"{name}, {direction}: {merged} queries have different scores that are equal as the "
            "32-bit floats that trec_eval reads; it orders them by docno."
        )


def _merged_as_float32(scores: Sequence[float]) -> bool:
    """Tell whether different scores become equal as 32-bit floats."""
    with np.errstate(over="ignore"):
        narrow = np.asarray(scores).astype(np.float32)
    return len(np.unique(narrow)) < len(set(scores))
