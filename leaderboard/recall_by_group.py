"""T2V R@1 of every row by group of captions, as charts show it."""

from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues
from leaderboard.breakdown_tables import group_cell, sorted_alike
from leaderboard.plot_subject import Subject, intervals_of, values_of


def recall_by_group(subject: Subject, chart: str) -> Chart:
    """Return T2V R@1 by group.

    Args:
        subject: The board, and the axis along which captions are grouped.
        chart: The chart that draws it.

    Returns:
        The chart: a row for each row of the board, a part for each group that has captions. A row
        whose captions were sorted otherwise is left out and named in the notes.

    Raises:
        NotFoundError: There are no groups, or none along that axis.
    """
    axis, breakdown = subject.chosen_axis()
    entries = [e for e in subject.board.entries if sorted_alike(e, axis, breakdown)]
    groups = [name for name, one in breakdown.results["t2v"].items() if one.queries]
    columns = {
        group: [
            group_cell([run.breakdowns[axis].results["t2v"][group] for run in entry.runs])
            for entry in entries
        ]
        for group in groups
    }
    title = breakdown.title[0].lower() + breakdown.title[1:]
    data = NamedValues(
        subject.title(f"T2V R@1 by {title}, percent"),
        [entry.name for entry in entries],
        {group: values_of(cells) for group, cells in columns.items()},
        {group: intervals_of(cells) for group, cells in columns.items()},
    )
    notes = tuple(
        f"{entry.name}: left out, its captions were not sorted by {title} as the others were"
        for entry in subject.board.entries
        if entry not in entries
    )
    return Chart(chart, data, notes)
