"""Charts of results from Python."""

from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.results import RESULTS, ResultLike, make_leaderboard
from dvtr_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dvtr_bench.reports.chart import Chart

_DIRECTIONS = ("t2v", "v2t", "v2t_caption")


def plot(
    results: "ResultLike | Iterable[ResultLike]" = RESULTS,
    kind: str = "recall",
    *,
    dataset: str | None = None,
    split: str | None = None,
    post_processing: str | None = None,
    direction: str = "t2v",
    against: str | None = None,
    figure: str = "R@1",
    axis: str | None = None,
    runs: str | Path = "runs",
) -> "Chart":
    """Draw results of one dataset and split as a chart.

    Args:
        results: Result files, folders of them, records, or results of `evaluate`; one or many.
        kind: ``recall``, ``parameters``, ``seconds``, ``breakdown``, ``breakdown_bars``,
            ``curves``, ``ranks``, ``ablation``, ``training``, ``training_loss``, or a chart.
        dataset: Name of the dataset, if the results are of several.
        split: Name of the split, if the results are of several.
        post_processing: Of the scores; raw ones by default.
        direction: ``t2v``, ``v2t`` or ``v2t_caption``.
        against: The row that ``ablation`` compares with; the best one by default.
        figure: The figure that ``ablation`` compares.
        axis: The groups of ``breakdown``, such as ``caption_length``; the first by default.
        runs: Folder of training runs, whose logs ``training`` shows.

    Returns:
        The chart: a picture in a notebook. ``save("fig.pdf", "column")`` writes PDF, SVG or PNG.

    Raises:
        NotFoundError: No results, no such kind, row or groups, or no log of any training.
        ConfigError: There is no such direction.
        ResultError: A file is not a result, or its figures differ from its ranks.

    Example:
        >>> import dvtr_bench as dvtr
        >>> chart = dvtr.plot("results", "ablation", against="clip4clip_meanp")
        >>> chart.data.names
        ['msam (block 32)']
        >>> chart.save("fig.pdf", "column").name
        'fig.pdf'
    """
    if direction not in _DIRECTIONS:
        raise ConfigError(
            f"no direction is called {direction!r}: expected {', '.join(_DIRECTIONS)}"
        )
    from dvtr_bench.catalog import PLOTS
    from leaderboard.plot import choose_board, make_plot
    from leaderboard.plot_subject import Subject

    # A wrong name is reported before many files are read.
    PLOTS.entry(kind)
    board = choose_board(make_leaderboard(results).boards, dataset, split, post_processing)
    return make_plot(kind, Subject(board, direction, figure, axis, against, Path(runs)))
