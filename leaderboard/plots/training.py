"""T2V R@1 on validation after every epoch, from the logs of training runs."""

from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import Series
from leaderboard.plot_subject import Subject
from leaderboard.run_logs import logged_runs


def make(subject: Subject) -> Chart:
    """Return the chart: one line for each run."""
    logs, notes = logged_runs(subject)
    lines = {name: log.validation for name, log in logs.items() if log.validation}
    title = subject.title("T2V R@1 on validation while training")
    data = Series(title, "epoch", "T2V R@1 on validation, percent", lines, True)
    return Chart("lines", data, notes)
