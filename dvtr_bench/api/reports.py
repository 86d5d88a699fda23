"""Reports from Python: one run as an HTML file, queries and datasets as contact sheets."""

from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.results import ResultLike, as_list, one_file
from dvtr_bench.dataset.reader import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

    from dvtr_bench.reports.shown_queries import Queries


def report(
    result: ResultLike,
    out: str | Path = "report.html",
    *,
    root: str | Path = ROOT,
    runs: str | Path = "runs",
) -> Path:
    """Write everything about one run as one HTML file, which opens without a network.

    It has the pages that a site has for a run: its config, the command that repeats it, the curves
    of its training, honesty checks, figures with intervals and by group, and its queries, the worst
    first. Captions come from the dataset, or from what ``evaluate(browse=...)`` kept; frames
    likewise, where the dataset's licence allows showing them.

    Args:
        result: A result file, a record, or a result of `evaluate` (its first record).
        out: The HTML file to write.
        root: Folder in which the dataset's name is looked up.
        runs: Folder of training runs, whose logs give the curves.

    Returns:
        The path written.

    Raises:
        NotFoundError: The result file does not exist.
        ResultError: The file is not a result, or what stands beside it belongs to another run.

    Example:
        >>> import dvtr_bench as dvtr
        >>> record = dvtr.load_results("results")[0]
        >>> dvtr.report(record, "report.html").name
        'report.html'
    """
    from leaderboard.board import make_boards
    from leaderboard.site.one_file import write_report

    file = one_file(result)
    (board,) = make_boards([file.record])
    return write_report(board, file, Path(out), Path(root), Path(runs))


def draw_queries(
    results: "ResultLike | Iterable[ResultLike]",
    queries: "Queries" = "spread",
    *,
    root: str | Path = ROOT,
) -> "Image.Image":
    """Draw queries with the five best clips of one run or several, the right one in green.

    The right clip stands apart, with its rank, if it is not among the five.

    Args:
        results: A result file with its top lists, a result of `evaluate`, or several on the same
            queries: each query has a row for each run.
        queries: ``spread`` (captions of different videos, spread evenly over the split), ``worst``
            (own video ranked lowest), ``best``, ``random`` (always the same draw) or ``disagree``
            (ranks of the runs differ by the largest factor); six, or as many as a number says:
            ``worst:12``. Else ids of captions, one text with commas between them or a sequence.
        root: Folder in which the dataset's name is looked up; without the dataset, what
            ``evaluate(browse=...)`` kept is drawn.

    Returns:
        An RGB image, which a notebook shows.

    Raises:
        NotFoundError: A result file or its top lists do not exist, or neither the dataset nor kept
            clips are there.
        InputError: There is no such way to choose or no such caption.
        IncomparableError: The runs must not share a table.
        ResultError: A file is not a result, or what stands beside it belongs to another run.

    Example:
        >>> import dvtr_bench as dvtr
        >>> result = dvtr.evaluate("clip_zeroshot", "toy", backbone="tiny", device="cpu",
        ...                        show_progress=False)
        >>> three, six = (dvtr.draw_queries(result, f"worst:{count}") for count in (3, 6))
        >>> three.height < six.height
        True
    """
    from leaderboard.run_sheet import draw_runs

    items = as_list(results)
    # A text has a method of that name.
    opened = [getattr(item, "split", None) for item in items if not isinstance(item, str)]
    split = next((found for found in opened if found is not None), None)
    return draw_runs(list(map(one_file, items)), queries, Path(root), split)


def draw_dataset(
    dataset: DatasetLike,
    split: str | None = None,
    *,
    clips: int = 24,
    seed: int | None = None,
    root: str | Path = ROOT,
) -> "Image.Image":
    """Draw clips of a dataset with their ids and captions.

    Args:
        dataset: A name, a folder, or an open dataset.
        split: The split; None for the whole dataset.
        clips: Largest number of clips.
        seed: Draws the clips at random; None chooses them evenly, in order.
        root: Folder in which names are looked up.

    Returns:
        An RGB image, which a notebook shows.

    Raises:
        NotFoundError: There is no such dataset or split, or it has no frames.
        ConfigError: The number of clips is not positive.

    Example:
        >>> import dvtr_bench as dvtr
        >>> dvtr.draw_dataset("toy", "test", clips=5).width
        1164
    """
    from dvtr_bench.reports.dataset_sheet import draw_dataset_sheet

    return draw_dataset_sheet(as_dataset(dataset, root), split, clips=clips, seed=seed)
