"""Read the files of TREC tools: runs and qrels.

A line of a run is ``qid Q0 docno rank score run_id``, a line of qrels ``qid iter docno rel``, with
ids as `dvtr_bench.dataset.trec_ids` encodes them.
"""

from collections.abc import Iterator
from pathlib import Path

from dvtr_bench.dataset.trec_ids import decode_id
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import reading


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Read a run.

    Args:
        path: A run file whose ids `encode_id` wrote.

    Returns:
        Scores by query id, then by candidate id, in file order.

    Raises:
        InputError: A line does not have six fields, or a score is not a number.
    """
    run: dict[str, dict[str, float]] = {}
    for where, (query, _, candidate, _, score, _) in _lines(path, 6):
        run.setdefault(decode_id(query), {})[decode_id(candidate)] = _number(score, where)
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read relevance.

    Args:
        path: A qrels file whose ids `encode_id` wrote.

    Returns:
        Relevance by query id, then by candidate id.

    Raises:
        InputError: A line does not have four fields, or a relevance is not a number.
    """
    qrels: dict[str, dict[str, int]] = {}
    for where, (query, _, candidate, relevance) in _lines(path, 4):
        with reading(where, "a line of qrels"):
            grade = int(_number(relevance, where))
        qrels.setdefault(decode_id(query), {})[decode_id(candidate)] = grade
    return qrels


def _lines(path: Path, fields: int) -> Iterator[tuple[str, list[str]]]:
    with reading(path, "a file of TREC"):
        lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        parts = line.split()
        if len(parts) != fields:
            raise InputError(
                f"{path}, line {number}: expected {fields} fields, found {len(parts)} in "
                f"{line[:60]!r}"
            )
        yield f"{path}, line {number}", parts


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: expected a number, found {text!r}") from None
