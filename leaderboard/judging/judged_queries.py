"""The figures of single queries of a run under judged relevance, from its top lists."""

from collections.abc import Collection, Mapping, Sequence
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.metrics.recall import DEPTHS
from dvtr_bench.ranking import Direction
from dvtr_bench.results.record import RunRecord
from dvtr_bench.results.top_lists import TopList
from leaderboard.judging.facts import FITS, UNFIT
from leaderboard.judging.judgements import Judgements

NDCG_DEPTH: Final = 10
NDCG: Final = f"nDCG@{NDCG_DEPTH}"
WHOLE: Final = 100.0


def strict(k: int) -> str:
    """Return the name of R@k under strict relevance."""
    return f"R@{k} strict"


def judged(k: int) -> str:
    """Return the name of R@k under judged relevance: unjudged candidates count as wrong."""
    return f"R@{k} judged"


def at_most(k: int) -> str:
    """Return the name of R@k where unjudged candidates count as right."""
    return f"R@{k} at most"


def unjudged(k: int) -> str:
    """Return the name of the share of unjudged candidates among the first k."""
    return f"unjudged@{k}"


def query_figures(
    record: RunRecord, listed: TopList, judgements: Judgements, direction: Direction
) -> dict[str, NDArray[np.float64]]:
    """Compute the figures of each query.

    Ranks are pessimistic, as everywhere: a candidate that does not fit and scores as high as the
    best one that fits stands before it. The ranks of known candidates are those of the record,
    which saw the whole gallery. Ties of a judged candidate beyond the list are not seen: it is no
    hit where several listed ones share the last score.

    Args:
        record: The run.
        listed: Its top list in that direction.
        judgements: Of the same split.
        direction: Which way the queries go.

    Returns:
        float64, Q, in percent, by name: R@k `strict`, `judged` and `at_most` for each k up to the
        list's depth, the share `unjudged` among the first candidates, and nDCG@10, in which grade 2
        gains 2 and grade 1 gains 1.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with
    log2(1 + rank) as the discount, as trec_eval's ndcg_cut has it. differs: equal scores are
    ordered with the lowest grade first.
    """
    table = record.rank_table
    gallery = table.gallery_size(direction)
    depth = max(map(len, listed.candidate_ids))
    depths = [k for k in DEPTHS if k <= min(depth, gallery)]
    deepest = depths[-1]
    own = table.ranks[direction]["strict"].pessimistic
    known = table.ranks[direction]["text_identical"].pessimistic
    ideal = judgements.relevant[direction]
    figures = {
        name: np.zeros(len(listed.query_ids))
        for k in depths
        for name in (strict(k), judged(k), at_most(k))
    }
    figures[unjudged(deepest)] = np.zeros(len(listed.query_ids))
    if min(NDCG_DEPTH, gallery) <= depth:
        figures[NDCG] = np.zeros(len(listed.query_ids))
    lists = zip(listed.query_ids, listed.candidate_ids, listed.scores, strict=True)
    for row, (query, candidates, scores) in enumerate(lists):
        grades = [judgements.grade_of(direction, query, each) for each in candidates]
        is_whole = len(candidates) >= gallery
        ranked = list(grades)
        if not is_whole and judgements.is_known(direction, query, candidates[-1]):
            ranked[-1] = UNFIT  # it may tie beyond the list, and its rank is known
        surely = min(rank_of((FITS,), ranked, scores, is_whole), known[row])
        perhaps = min(rank_of((FITS, None), ranked, scores, is_whole), known[row])
        for k in depths:
            for name, rank in ((strict, own[row]), (judged, surely), (at_most, perhaps)):
                figures[name(k)][row] = WHOLE * (rank <= k)
        figures[unjudged(deepest)][row] = WHOLE * grades[:deepest].count(None) / deepest
        if NDCG in figures:
            figures[NDCG][row] = WHOLE * ndcg(grades, scores, ideal.get(query, {}))
    return figures


def rank_of(
    right: Collection[int | None],
    grades: Sequence[int | None],
    scores: Sequence[float],
    is_whole: bool,
) -> float:
    """Return the pessimistic rank of the best candidate of a list that counts as right.

    Args:
        right: The grades that count as right.
        grades: Of the candidates, best first.
        scores: Of the candidates.
        is_whole: Whether the list holds every candidate there is.

    Returns:
        From 1; infinity where no listed one is right, or where candidates beyond the list may score
        the same.

    Example:
        >>> rank_of((2,), [0, 0, 2], [0.9, 0.5, 0.5], is_whole=True)
        3
    """
    best = next((s for grade, s in zip(grades, scores, strict=True) if grade in right), None)
    if best is None:
        return float("inf")
    if not is_whole and best == scores[-1] and list(scores).count(best) > 1:
        return float("inf")
    return 1 + sum(
        grade not in right and score >= best for grade, score in zip(grades, scores, strict=True)
    )


def ndcg(grades: Sequence[int | None], scores: Sequence[float], ideal: Mapping[str, int]) -> float:
    """Return nDCG@10 of a query, 0 to 1; unjudged candidates gain nothing.

    Args:
        grades: Of the candidates, best first.
        scores: Of the candidates.
        ideal: The grades of all candidates that gain something.

    Example:
        >>> ndcg([0, 2], [0.9, 0.8], {"a": 2}) == 1 / log2(3)
        True
    """
    gains = [grade or 0 for grade in grades]
    order = sorted(range(len(gains)), key=lambda place: (-scores[place], gains[place]))
    best = _discounted(sorted(ideal.values(), reverse=True))
    return _discounted([gains[place] for place in order]) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains[:NDCG_DEPTH]))
