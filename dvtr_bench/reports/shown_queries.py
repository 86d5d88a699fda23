"""Queries to look at: which are chosen, and how they become rows of a contact sheet.

A row has the best clips of one run or several, and the right one.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.reports.contact_sheet import Row, Tile
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.results.setups import run_letter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.results.record import RunRecord
    from dvtr_bench.results.top_lists import TopList


Queries: TypeAlias = str | Sequence[str]
"""How to choose: ``worst``, with a number ``worst:12``, or ids of captions."""

KINDS: Final = ("spread", "worst", "best", "random", "disagree")
"""Ways to choose queries, each with a number: ``worst:12``."""

DEFAULT: Final = "spread"
COUNT: Final = 6
"""Number of queries if none is given."""

_SEED: Final = 0


def choose_queries(
    wanted: Queries, records: "Sequence[RunRecord]", caption_ids: Sequence[str] | None = None
) -> list[int]:
    """Choose captions to look at.

    Args:
        wanted: ``spread`` (captions of different videos, spread evenly over the split), ``worst``
            (own video ranked lowest), ``best``, ``random`` (always the same draw), ``disagree``
            (ranks of the runs differ by the largest factor); each takes a number, as in
            ``worst:12``. Else ids of captions, one text with commas between them or a sequence.
        records: One or more runs on the same queries.
        caption_ids: T ids in row order, to find captions by id.

    Returns:
        Rows of captions, in the order to show them.

    Raises:
        InputError: There is no such way to choose, no such caption, or only one run to disagree.

    Example:
        >>> from dvtr_bench.results import load_results
        >>> choose_queries("worst:3", load_results("results"))  # doctest: +SKIP
        [17, 4, 60]
    """
    known = {name: row for row, name in enumerate(caption_ids or ())}
    words = [wanted] if isinstance(wanted, str) else list(wanted)
    if len(words) == 1 and (chosen := parse_kind(words[0], len(records))) is not None:
        return _by_kind(*chosen, records)
    rows = [row for word in words for row in _by_id(word, known)]
    return list(dict.fromkeys(rows))


def require_queries(wanted: Queries, caption_ids: Sequence[str]) -> None:
    """Check that a choice fits one run on these captions, before they are ranked.

    Args:
        wanted: As `choose_queries` takes it.
        caption_ids: T ids.

    Raises:
        InputError: There is no such way to choose, or no such caption.

    Example:
        >>> require_queries("clip 8#0", ["clip 8#0", "clip 8#1"])
    """
    words = [wanted] if isinstance(wanted, str) else list(wanted)
    if len(words) == 1 and parse_kind(words[0], runs=1) is not None:
        return
    known = {name: row for row, name in enumerate(caption_ids)}
    for word in words:
        _by_id(word, known)


def parse_kind(word: str, runs: int) -> tuple[str, int] | None:
    """Return a way to choose and how many; None for something else, such as an id.

    Args:
        word: Such as ``worst`` or ``worst:12``.
        runs: Number of runs to choose by.

    Returns:
        The kind and the number.

    Raises:
        InputError: The number is none, or one run cannot disagree.

    Example:
        >>> parse_kind("worst:12", 1), parse_kind("clip 8#0", 1)
        (('worst', 12), None)
    """
    kind, colon, number = word.partition(":")
    if kind not in KINDS:
        return None
    if colon and not (number.isascii() and number.isdecimal() and int(number) > 0):
        raise InputError(
            f"--queries {one_line(word)}: expected a number of queries after the colon, such as "
            f"{kind}:{COUNT}"
        )
    if kind == "disagree" and runs < 2:
        raise InputError(
            "--queries disagree: there is one run, and it takes two to disagree: `dvtr-bench sheet "
            "A B --queries disagree` draws what two result files disagree on"
        )
    return kind, int(number) if colon else COUNT


def spread_queries(caption_video_index: "NDArray[np.int64]", queries: int) -> list[int]:
    """Choose queries of different videos, spread evenly, now the first caption, now the last."""
    videos = np.unique(caption_video_index)
    queries = min(queries, len(videos))
    chosen = []
    for place in range(queries):
        video = videos[(2 * place + 1) * len(videos) // (2 * queries)]
        captions = np.flatnonzero(caption_video_index == video)
        chosen.append(int(captions[-1 - place % len(captions)]))
    return chosen


def worst_queries(records: "Sequence[RunRecord]", count: int) -> list[int]:
    """Return the captions whose own video is ranked lowest by any run; of equal ones the first."""
    return _first(np.argsort(-_ranks(records).max(0), kind="stable"), count)


def _by_kind(kind: str, count: int, records: "Sequence[RunRecord]") -> list[int]:
    ranks = _ranks(records)
    shuffled = np.random.default_rng(_SEED).permutation(ranks.shape[1])
    if kind == "spread":
        return spread_queries(records[0].caption_video_index, count)
    if kind == "worst":
        return worst_queries(records, count)
    if kind == "random":
        return _first(shuffled, count)
    if kind == "best":
        # Many have rank 1: a draw shows captions of different clips, the first ones would not.
        return _first(shuffled[np.argsort(ranks.max(0)[shuffled], kind="stable")], count)
    ratio = ranks.max(0) / ranks.min(0)
    return _first(np.argsort(-ratio, kind="stable"), count)


def _first(queries: "NDArray[np.int64]", count: int) -> list[int]:
    return [int(query) for query in queries[:count]]


def _by_id(word: str, known: dict[str, int]) -> list[int]:
    """Return the row of one id, or those of ids with commas between them."""
    if word in known:
        return [known[word]]
    names = word.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        example = f", such as {one_line(next(iter(known)))}" if known else ""
        raise InputError(
            f"--queries: no caption has the id {one_line(unknown[0])!r}: expected one of "
            f"{', '.join(KINDS)} (with a number: worst:12), or ids of captions{example}"
        )
    return [known[name] for name in names]


def _ranks(records: "Sequence[RunRecord]") -> "NDArray[np.int64]":
    return np.stack([record.rank_table.ranks["t2v"]["strict"].pessimistic for record in records])


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
