"""The loss at every step, from the logs of training runs."""

from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import Series
from leaderboard.plot_subject import Subject
from leaderboard.run_logs import logged_runs


def make(subject: Subject) -> Chart:
    """Return the chart: one line for each run."""
    logs, notes = logged_runs(subject)
    lines = {name: log.loss for name, log in logs.items() if log.loss}
    title = subject.title("loss while training")
    return Chart("lines", Series(title, "step", "loss", lines, True), notes)
