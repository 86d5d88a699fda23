"""R@1 of rows against a number that each row has, such as its parameters."""

from collections.abc import Sequence

from dvtr_bench.errors import NotFoundError
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues
from leaderboard.plot_subject import RANKED, Subject, intervals_of, values_of


def recall_against(
    subject: Subject, axis: str, numbers: Sequence[float | None], why_missing: str
) -> Chart:
    """Return a scatter plot of R@1, with intervals, against a number of each row.

    Args:
        subject: The board and direction.
        axis: What the number is, with its unit.
        numbers: One for each row; None for a row that is left out.
        why_missing: Why a row has none, for the notes.

    Returns:
        The chart; its notes name the rows that are left out.

    Raises:
        NotFoundError: No row has the number.
    """
    rows = [
        (name, number, cell)
        for name, number, cell in zip(subject.names, numbers, subject.cells(RANKED), strict=True)
        if number is not None and cell is not None
    ]
    if not rows:
        raise NotFoundError(f"{subject.title(axis)}: no row has it ({why_missing})")
    shown = [name for name, _, _ in rows]
    cells = [cell for _, _, cell in rows]
    upwards = f"{subject.short} {RANKED}, percent"
    data = NamedValues(
        subject.title(f"{RANKED} against {axis.partition(',')[0]}"),
        shown,
        {axis: [number for _, number, _ in rows], upwards: values_of(cells)},
        {upwards: intervals_of(cells)},
    )
    left_out = [name for name in subject.names if name not in shown]
    return Chart("scatter", data, tuple(f"{name}: left out, {why_missing}" for name in left_out))
