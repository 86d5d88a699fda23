"""The files of TREC tools: ids that hold anything, runs and qrels read back.

A line of a run is ``qid Q0 docno rank score run_id``, a line of qrels ``qid iter docno rel``; tools
split them at any white space. Ids of videos and captions hold what their authors wrote, so they are
percent-encoded on the way out and decoded on the way in.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from dvtr_bench.errors import InputError

_SAFE: Final = "/:@+,=()#"
"""Stands for itself beside letters, digits and ``_.-~``; no TREC tool takes it for anything."""

_EMPTY: Final = "%"
"""An empty id; a percent sign alone never comes out of encoding."""


def encode_id(text: str) -> str:
    """Encode an id for a TREC file.

    Args:
        text: Any text.

    Returns:
        ASCII without white space, never empty; another text for another id.

    Example:
        >>> encode_id("DJI 0012 (50%).mp4")
        'DJI%200012%20(50%25).mp4'
    """
    return quote(text, safe=_SAFE, errors="surrogatepass") or _EMPTY


def decode_id(text: str) -> str:
    """Undo `encode_id`.

    Args:
        text: What it returned.

    Returns:
        The id.

    Example:
        >>> decode_id("DJI%200012%20(50%25).mp4")
        'DJI 0012 (50%).mp4'
    """
    return "" if text == _EMPTY else unquote(text, errors="surrogatepass")


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
