"""T2V R@1 by group of captions, as bars with intervals."""

from dvtr_bench.reports.chart import Chart
from leaderboard.plot_data import recall_by_group
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart."""
    return recall_by_group(subject, "bars")
