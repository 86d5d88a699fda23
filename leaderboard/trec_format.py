"""The files of TREC tools: runs and qrels read back.

A line of a run is ``qid Q0 docno rank score run_id``, a line of qrels ``qid iter docno rel``, with
ids as `dvtr_bench.dataset.trec_ids` encodes them.
"""

from collections.abc import Iterator
from pathlib import Path

from dvtr_bench.dataset.trec_ids import decode_id
from dvtr_bench.errors import InputError


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Read a run.

    Args:
        path: A run file whose ids `encode_id` wrote.

    Returns:
        By query id, then by candidate id: the score. Order is that of the file.

    Raises:
        InputError: A line has not the six fields of a run, or a score is no number.
    """
    run: dict[str, dict[str, float]] = {}
    for place, (query, _, candidate, _, score, _) in _lines(path, 6):
        run.setdefault(decode_id(query), {})[decode_id(candidate)] = _number(score, place)
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read relevance.

    Args:
        path: A qrels file whose ids `encode_id` wrote.

    Returns:
        By query id, then by candidate id: how relevant.

    Raises:
        InputError: A line has not the four fields of qrels, or a relevance is no number.
    """
    qrels: dict[str, dict[str, int]] = {}
    for place, (query, _, candidate, relevance) in _lines(path, 4):
        qrels.setdefault(decode_id(query), {})[decode_id(candidate)] = int(
            _number(relevance, place)
        )
    return qrels


def _lines(path: Path, fields: int) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        if len(parts) != fields:
            raise InputError(
                f"{path}, line {number}: expected {fields} fields, found {len(parts)} in "
                f"{line[:60]!r}"
            )
        yield f"{path}, line {number}", parts


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{place}: expected a number, found {text!r}") from None
