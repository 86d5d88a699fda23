"""How far scores moved when the same pairs were scored again, and how far they may."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.runtime.json_records import Count, NotNegative, Text

LARGEST_MOVE: Final = 1e-4
"""Largest move of a score, by the protocol."""

_SMALL_STEPS: Final = 4
"""Steps that are rounding whatever the range: a model may score everything alike."""

_SHARE_OF_RANGE: Final = 1 / 8
"""Share of the range of the scores that may pass as rounding."""


@dataclass(frozen=True)
class HonestyCheck:
    """One way in which pairs were scored again.

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

    The protocol allows a move of 1e-4. A model whose scores all lie within less than 1 of each
    other may move by that share of their range alone, or scaling its scores down would hide any
    dependence. Rounding is never held against a model, but it must be small beside the range:
    a large number added to every score would hide the rest behind its rounding.

    Args:
        check: What was changed in between.
        before: float, captions x videos: scores of the run.
        after: float, the same pairs scored again.
        rounding_steps: Steps of a float, at the size of the largest score, that rounding may move.
        cap: Largest tolerance that rounding is granted.

    Returns:
        What was found; infinite where a finite score became infinite or not a number.
    """
    one, other = before.astype(np.float64), after.astype(np.float64)
    with np.errstate(invalid="ignore"):
        moves = np.where(one == other, 0.0, np.abs(one - other))
    largest = float(np.nan_to_num(moves, nan=np.inf).max(initial=0.0))
    finite = one[np.isfinite(one)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    step = _step(finite)
    rounding = min(rounding_steps * step, max(_SMALL_STEPS * step, _SHARE_OF_RANGE * spread))
    tolerance = max(LARGEST_MOVE * min(1.0, spread), min(rounding, cap))
    return HonestyCheck(check, int(one.size), largest, tolerance)


def _step(scores: NDArray[np.float64]) -> float:
    """Return the distance of two neighbouring floats at the size of the largest score.

    Scores that float32 does not hold were made in float64, and are rounded as such.
    """
    with np.errstate(over="ignore"):
        is_single = bool((scores == scores.astype(np.float32)).all())
    epsilon = np.finfo(np.float32 if is_single else np.float64).eps
    return float(epsilon) * float(np.abs(scores).max(initial=0.0))
