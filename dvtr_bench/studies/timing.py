"""Estimate the remaining time of a study from the times so far."""

import statistics
from collections.abc import Sequence

from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.plan import Run


def estimate_seconds(
    todo: Sequence[Run], everything: Sequence[Run], ledger: Ledger
) -> float | None:
    """Estimate the remaining time from the times of the same study.

    Args:
        todo: Runs that are not done.
        everything: All runs of the study.
        ledger: Existing runs and their times.

    Returns:
        Seconds on one device; None before anything was timed.
    """
    timed = [(run, *item) for run in everything for item in ledger.seconds(run).items()]
    total = 0.0
    for run in todo:
        epochs = 0 if run.recipe is None or ledger.is_trained(run) else run.recipe.epochs
        for name, count in (("epoch", epochs), ("evaluation", len(ledger.missing(run)))):
            if count:
                seconds_each = _nearest(run, name, timed)
                if seconds_each is None:
                    return None
                total += count * seconds_each
    return total


def _nearest(run: Run, name: str, timed: Sequence[tuple[Run, str, float]]) -> float | None:
    """Return the mean time of the same model and dataset, else of the dataset, else of any."""
    of_name = [(other, seconds) for other, timed_name, seconds in timed if timed_name == name]
    for close in (
        [s for other, s in of_name if (other.model, other.dataset) == (run.model, run.dataset)],
        [s for other, s in of_name if other.dataset == run.dataset],
        [s for _, s in of_name],
    ):
        if close:
            return statistics.mean(close)
    return None


def about_seconds(seconds: float) -> str:
    """Format a time for people.

    Example:
        >>> about_seconds(42), about_seconds(600), about_seconds(9000)
        ('about 42 s', 'about 10 min', 'about 2.5 h')
    """
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
