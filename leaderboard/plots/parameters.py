"""R@1 against the number of parameters."""

from dvtr_bench.reports.chart import Chart
from leaderboard.plot_data import recall_against
from leaderboard.plot_subject import Subject


def make(subject: Subject) -> Chart:
    """Return the chart; rows whose number of parameters is not known are named in its notes."""
    counts = [entry.runs[0].model.num_parameters for entry in subject.board.entries]
    millions = [None if count is None else count / 1e6 for count in counts]
    return recall_against(subject, "parameters, millions", millions, "its size is not known")
