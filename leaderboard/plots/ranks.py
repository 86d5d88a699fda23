"""How many queries have found what they want up to each rank, to the last one."""

from dvtr_bench.reports.chart import Chart
from leaderboard.plot_data import found_within
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart: the cumulative distribution of ranks, over a logarithmic axis."""
    return Chart("steps", found_within(subject, "queries found up to a rank", "rank"))
