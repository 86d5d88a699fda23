"""R@1 against the seconds that scoring took."""

import statistics

from dvtr_bench.reports.chart import Chart
from leaderboard.board import Entry
from leaderboard.plot_data import recall_against
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart; rows that were not timed are named in its notes."""
    seconds = [_seconds(entry) for entry in subject.board.entries]
    return recall_against(subject, "scoring, seconds", seconds, "its scoring was not timed")


def _seconds(entry: Entry) -> float | None:
    """Return the mean over the runs of a row that were timed."""
    timed = [run.seconds.score for run in entry.runs if run.seconds.score is not None]
    return statistics.mean(timed) if timed else None
