"""Results as one chart: which board, which kind."""

from collections.abc import Sequence

from dvtr_bench.catalog import PLOTS
from dvtr_bench.errors import NotFoundError
from dvtr_bench.reports.chart import Chart
from leaderboard.board import Board
from leaderboard.charts import board_data
from leaderboard.plot_subject import Subject
from leaderboard.tables import board_title


def make_plot(kind: str, subject: Subject) -> Chart:
    """Return the chart of a board.

    Args:
        kind: A file of `leaderboard.plots`, or a chart, see `board_data`.
        subject: The board, and what is shown of it.

    Returns:
        The chart; its notes say what is left out.

    Raises:
        NotFoundError: There is no such kind, or the results lack what it shows.
        ExtensionError: A chart's file lacks something.
    """
    entry, module = PLOTS.entry(kind), PLOTS.load(kind)
    if not hasattr(module, "make"):
        return Chart(entry.name, board_data(subject.board, entry.name))
    chart: Chart = module.make(subject)
    return chart


def choose_board(
    boards: Sequence[Board],
    dataset: str | None = None,
    split: str | None = None,
    post_processing: str | None = None,
) -> Board:
    """Return the one board that is meant.

    Args:
        boards: All there are; at least one.
        dataset: Name of its dataset; None for any.
        split: Name of its split; None for any.
        post_processing: Of its scores; None for raw scores where there are several.

    Returns:
        The board.

    Raises:
        NotFoundError: None fits, or several do; lists those there are.
    """
    fitting = [
        board
        for board in boards
        if dataset in (None, board.key.dataset)
        and split in (None, board.key.split)
        and post_processing in (None, board.key.post_processing)
    ]
    raw = [board for board in fitting if board.key.post_processing == "none"]
    if len(fitting) > 1 and post_processing is None and len(raw) == 1:
        return raw[0]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(
        f"{board_title(board)} (fingerprint {board.key.fingerprint[:12]})"
        for board in fitting or boards
    )
    if not fitting:
        raise NotFoundError(f"no results of that dataset, split and post-processing: {listed}")
    raise NotFoundError(
        "a plot shows results of one dataset, split, build and post-processing, found several: "
        f"{listed}: say which dataset and split, or name the result files"
    )
