"""T2V R@1 by group of captions, as bars with intervals."""

from dvtr_bench.reports.chart import Chart
from leaderboard.plot_subject import Subject
from leaderboard.recall_by_group import recall_by_group


def make(subject: Subject) -> Chart:
    """Return the chart."""
    return recall_by_group(subject, "bars")
