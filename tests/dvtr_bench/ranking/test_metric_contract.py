"""A metric that gives what figures cannot be is refused by name."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dvtr_bench.errors import ExtensionError
from dvtr_bench.ranking.figures import _checked

RANKS, COUNTS = np.array([1, 2]), np.ones((3, 2))


def metric(given: Any) -> Any:
    module = ModuleType("x")
    vars(module).update(FIGURES=("MRR",), compute=lambda ranks, counts, size: given)
    return _checked("dvtr_bench/metrics/x.py", module)


def test_what_fits_passes_through() -> None:
    values = np.array([0.0, 1.0, 2.0])
    assert metric({"MRR": values})(RANKS, COUNTS, 5)["MRR"] is values
    assert metric({})(RANKS, COUNTS, 5) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"MR": np.zeros(3)}, "compute returns MR, which FIGURES lacks"),
        ({"MRR": np.zeros(2)}, r"MRR has the shape \(2,\): expected one number for each of the 3"),
        ({"MRR": 1.0}, r"MRR has the shape \(\)"),
        ({"MRR": np.array([0, np.nan, 1])}, "MRR is nan: expected finite numbers, 0 or more"),
        ({"MRR": np.array([0, -1.0, 1])}, "MRR is -1.0: expected finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ExtensionError, match=f"dvtr_bench/metrics/x.py: {message}"):
        metric(given)(RANKS, COUNTS, 5)
