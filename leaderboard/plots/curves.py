"""R@k over k, to 50."""

from dvtr_bench.reports.chart import Chart
from leaderboard.plot import MOST_RANKS
from leaderboard.plot_data import found_within
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart; of several seeds it shows the mean."""
    return Chart("lines", found_within(subject, "R@k", "k", MOST_RANKS))
