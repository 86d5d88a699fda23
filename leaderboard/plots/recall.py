"""R@1, R@5 and R@10 of every row, with their intervals."""

from dvtr_bench.metrics.recall import DEPTHS
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues
from leaderboard.plot_subject import Subject, intervals_of, values_of


def make(subject: Subject) -> Chart:
    """Return the chart."""
    columns = {f"{subject.short} R@{k}": subject.cells(f"R@{k}") for k in DEPTHS}
    known = {name: cells for name, cells in columns.items() if any(cells)}
    data = NamedValues(
        subject.title("recall, percent, with 95% intervals"),
        subject.names,
        {name: values_of(cells) for name, cells in known.items()},
        {name: intervals_of(cells) for name, cells in known.items()},
    )
    return Chart("dots", data)
