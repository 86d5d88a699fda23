"""Correction of several p-values for their number."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.ranking.bootstrap import MOST_RESAMPLES, BootstrapConfig

_RESAMPLES_A_TEST: Final = 40
"""2 / 0.05: the smallest p-value of B resamples is 2 / (B + 1), which Holm multiplies by up to the
number of tests. With this many resamples for each, it can still be below 0.05."""


def holm(p_values: NDArray[np.float64] | Sequence[float]) -> NDArray[np.float64]:
    """Correct p-values for multiple comparisons by Holm's step-down procedure.

    Args:
        p_values: float64, M: those of one family.

    Returns:
        float64, M: corrected p-values, to compare with the level.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (1979).
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def resampling_for_family(tests: int, config: BootstrapConfig) -> BootstrapConfig:
    """Return enough resamples for a p-value to be below 0.05 after its correction.

    Args:
        tests: Number of p-values that are corrected together.
        config: The usual settings.

    Returns:
        The same settings for up to 25 tests at 1,000 resamples, else with more resamples.

    Example:
        >>> resampling_for_family(45, BootstrapConfig()).resamples
        1800
    """
    wanted = min(MOST_RESAMPLES, _RESAMPLES_A_TEST * tests)
    return config if wanted <= config.resamples else replace(config, resamples=wanted)
