"""How far scores moved when the same pairs were scored again, and the tolerance."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.runtime.json_records import Count, NotNegative, Text

LARGEST_MOVE: Final = 1e-4
"""Largest move of a score, by the protocol."""

QUERIES_SHUFFLED: Final = "queries shuffled and re-blocked"
GALLERY_SHUFFLED: Final = "gallery shuffled and re-chunked"
CAPTIONS_ENCODED_AGAIN: Final = "captions encoded in other batches"
VIDEOS_ENCODED_AGAIN: Final = "videos encoded in other batches"

_SMALL_STEPS: Final = 4
"""Steps that always pass as rounding, because a model may give equal scores to everything."""

_SHARE_OF_RANGE: Final = 1 / 8
"""Largest share of the range of the scores that passes as rounding."""


@dataclass(frozen=True)
class HonestyCheck:
    """The result of scoring pairs again in one way.

    Attributes:
        check: What was changed.
        pairs: Pairs scored again.
        largest_move: Largest difference between the two scores of a pair.
        tolerance: Largest difference that passes.
    """

    check: Text
    pairs: Count
    largest_move: NotNegative
    tolerance: NotNegative

    @property
    def passed(self) -> bool:
        """True when no score moved by more than the tolerance."""
        return self.largest_move <= self.tolerance


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
    return HonestyCheck(check, int(first.size), largest, tolerance)


def _step(scores: NDArray[np.float64]) -> float:
    """Return the distance between neighbouring floats at the size of the largest score.

    Scores that float32 cannot represent are taken as float64.
    """
    with np.errstate(over="ignore"):
        is_single = bool((scores == scores.astype(np.float32)).all())
    epsilon = np.finfo(np.float32 if is_single else np.float64).eps
    return float(epsilon) * float(np.abs(scores).max(initial=0.0))
