"""Differences of every row to one, with their paired intervals: a forest plot."""

from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues
from leaderboard.board import Entry
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart: differences row - base, from a paired bootstrap over videos.

    Args:
        subject: The board; its ``against`` names the base.

    Returns:
        The chart, the largest difference first.

    Raises:
        NotFoundError: There is one row only, no such base, or no such figure.
    """
    base = subject.base()
    others = [entry for entry in subject.board.entries if entry is not base]
    if not others:
        raise NotFoundError(
            f"{subject.title('differences')}: a difference needs two rows, found {base.name} alone"
        )
    key = (subject.direction, "strict", subject.figure)
    if key not in base.figures:
        known = dict.fromkeys(name for way, _, name in base.figures if way == subject.direction)
        raise NotFoundError(
            f"no figure of {subject.direction} is called {subject.figure!r}: there are "
            f"{', '.join(known)}"
        )
    first = _means(base)
    found = {
        entry.name: first.difference(_means(entry), subject.direction, "strict", subject.figure)
        for entry in others
        if key in entry.figures
    }
    ordered = sorted(found, key=lambda name: -found[name].difference)
    part = f"{subject.short} {subject.figure}, difference to {base.name}"
    data = NamedValues(
        subject.title(f"{subject.short} {subject.figure} beside {base.name}"),
        ordered,
        {part: [found[name].difference for name in ordered]},
        {part: [(found[name].low, found[name].high) for name in ordered]},
    )
    return Chart("forest", data)


def _means(entry: Entry) -> SeedMeans:
    # Every row is drawn with the same settings, or differences would not be paired.
    return SeedMeans.of([run.rank_table for run in entry.runs])
