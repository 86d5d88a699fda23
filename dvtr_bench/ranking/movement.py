"""How far scores moved when pairs were scored again, and whether candidates changed places.

A tolerance for moves alone can be widened: a model that sinks all hopeless pairs far below has a
large range of scores, and what its few good ones do is small beside it. Ranks have no such range.
So two candidates that follow each other in the ranking of a query must do so when the same pairs
are scored in other company.

Rounding may exchange two candidates only where their scores are closer than it reaches: with 256
candidates over a range R they are R/256 apart, and rounding reaches a millionth of R. That is one
pair in thousands, at any height of the ranking. A score that depends on its company exchanges a
good part of the pairs at the height where it does. So the share of exchanged pairs is taken at each
height by itself, the first two ranks as one.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dvtr_bench.reading.json_records import MAY_BE_ABSENT, Count, NotNegative, Text

LARGEST_MOVE: Final = 1e-4
"""Largest move of a score, by the protocol."""

QUERIES_SHUFFLED: Final = "queries shuffled and re-blocked"
GALLERY_SHUFFLED: Final = "gallery shuffled and re-chunked"
CAPTIONS_ENCODED_AGAIN: Final = "captions encoded in other batches"
VIDEOS_ENCODED_AGAIN: Final = "videos encoded in other batches"

_OF_V2T: Final = "v2t: "

_SMALL_STEPS: Final = 4
"""Steps that always pass as rounding, because a model may give equal scores to everything."""

_SHARE_OF_RANGE: Final = 1 / 8
"""Largest share of the range of the scores that passes as rounding."""

LARGEST_SHARE_EXCHANGED: Final = 0.02
"""Largest share of neighbouring candidates, at any height of the ranking, that may be exchanged."""

_ALWAYS_EXCHANGED: Final = 2
"""Exchanges that pass at each height, however few pairs there are."""

_HEIGHTS: Final = (0, 1, 2, 5, 10)
"""Where heights begin: places between candidates, counted from the best."""

_SAME_STEPS: Final = 16
"""Candidates whose scores differ by so many floating-point steps at most are one, such as two equal
captions: rounding alone decides which comes first."""

_MOST_CANDIDATES: Final = 512
"""Of more candidates, as many, evenly spaced, are compared."""


Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class HonestyCheck:
    """The result of scoring pairs again in one way.

    Attributes:
        check: What was changed.
        pairs: Pairs scored again.
        largest_move: Largest difference between the two scores of a pair.
        tolerance: Largest difference that passes.
        exchanged: Largest share, over all heights of the rankings, of neighbouring candidates that
            changed places, without the two at each height that always pass. None in files from
            before it was measured.
    """

    check: Text
    pairs: Count
    largest_move: NotNegative
    tolerance: NotNegative
    exchanged: Share | None = field(default=None, metadata=MAY_BE_ABSENT)

    @property
    def passed(self) -> bool:
        """True when no score moved by more than the tolerance, and candidates kept their places."""
        return self.moved_little and (self.exchanged or 0.0) <= LARGEST_SHARE_EXCHANGED

    @property
    def moved_little(self) -> bool:
        """True when no score moved by more than the tolerance."""
        return self.largest_move <= self.tolerance


def of_v2t(check: str) -> str:
    """Return the name of a check of the scores of v2t, where that direction has its own.

    Example:
        >>> of_v2t(GALLERY_SHUFFLED)
        'v2t: gallery shuffled and re-chunked'
    """
    return f"{_OF_V2T}{check}"


def measure(
    check: str,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    *,
    rounding_steps: int,
    cap: float = LARGEST_MOVE,
) -> HonestyCheck:
    """Compare two scorings of the same pairs.

    The protocol allows a move of 1e-4. If the range of the scores is less than 1, the tolerance is
    that share of the range; otherwise scaling the scores down would hide any dependence. Rounding
    is tolerated, but only if it is small compared with the range; otherwise a large number added to
    every score would hide a dependence behind its rounding.

    Args:
        check: What was changed in between.
        before: float, captions x videos: scores of the run.
        after: float, the same pairs scored again.
        rounding_steps: Steps of a float, at the size of the largest score, that rounding may move.
        cap: Largest tolerance for rounding.

    Returns:
        The result; its move is infinite if a finite score became infinite or NaN.
    """
    first, second = before.astype(np.float64), after.astype(np.float64)
    with np.errstate(invalid="ignore"):
        moves = np.where(first == second, 0.0, np.abs(first - second))
    largest = float(np.nan_to_num(moves, nan=np.inf).max(initial=0.0))
    finite = first[np.isfinite(first)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    step = _step(finite)
    rounding = min(rounding_steps * step, max(_SMALL_STEPS * step, _SHARE_OF_RANGE * spread))
    tolerance = max(LARGEST_MOVE * min(1.0, spread), min(rounding, cap))
    exchanged = max(share_exchanged(first, second), share_exchanged(first.T, second.T))
    return HonestyCheck(check, int(first.size), largest, tolerance, exchanged)


def share_exchanged(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Return the largest share, over all heights, of neighbouring candidates that changed places.

    Args:
        before: float64, queries x candidates: scores of the run.
        after: float64, the same pairs scored again.

    Returns:
        0 to 1, without the exchanges that always pass. Candidates that tied before are not
        compared; those that tie after, and did not before, have changed places.

    Example:
        >>> import numpy as np
        >>> scores = np.random.default_rng(0).normal(size=(100, 20))
        >>> share_exchanged(scores, scores + 5), share_exchanged(scores, -scores) > 0.9
        (0.0, True)
    """
    chosen = _distinct(before)
    first, second = before[:, chosen], after[:, chosen]
    order = np.argsort(-first, axis=1, kind="stable")
    first, second = (np.take_along_axis(scores, order, 1) for scores in (first, second))
    compared = first[:, :-1] > first[:, 1:]
    changed = compared & ~(second[:, :-1] > second[:, 1:])
    shares = [0.0]
    for start, stop in zip(_HEIGHTS, (*_HEIGHTS[1:], None), strict=True):
        total = int(compared[:, start:stop].sum())
        beyond = int(changed[:, start:stop].sum()) - _ALWAYS_EXCHANGED
        if beyond > 0:
            shares.append(beyond / total)
    return max(shares)


def _distinct(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return one of each kind of candidates that score alike with every query."""
    count = scores.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_CANDIDATES)).astype(np.int64))
    columns = np.ascontiguousarray(scores[:, chosen].T)
    finite = np.where(np.isfinite(columns), columns, 0.0)
    step = np.finfo(np.float32).eps if _is_single(finite) else np.finfo(np.float64).eps
    reach = _SAME_STEPS * step * np.abs(finite).max(axis=1, initial=0.0)
    is_new = np.ones(len(chosen), dtype=bool)
    for place in range(len(chosen)):
        if is_new[place]:
            with np.errstate(invalid="ignore"):
                apart = np.abs(columns[place + 1 :] - columns[place])
            alike = (np.nan_to_num(apart, nan=0.0) <= reach[place]).all(axis=1)
            is_new[place + 1 :] &= ~alike
    return chosen[is_new]


def _step(scores: NDArray[np.float64]) -> float:
    """Return the distance between neighbouring floats at the size of the largest score.

    Scores that float32 cannot represent are taken as float64.
    """
    epsilon = np.finfo(np.float32 if _is_single(scores) else np.float64).eps
    return float(epsilon) * float(np.abs(scores).max(initial=0.0))


def _is_single(scores: NDArray[np.float64]) -> bool:
    with np.errstate(over="ignore"):
        return bool((scores == scores.astype(np.float32)).all())
