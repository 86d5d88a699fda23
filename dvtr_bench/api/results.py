"""Results from Python: read and compare them, and make a leaderboard."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reports.html_table import ROWS_SHOWN, Cell, html_table
from dvtr_bench.results import RunRecord, to_frame
from dvtr_bench.results import load_results as read_results
from dvtr_bench.results.files import result_paths
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    import pandas as pd

    from dvtr_bench.evaluation.evaluation_result import EvaluationResult
    from dvtr_bench.studies.study import Study
    from leaderboard.comparison.run_comparison import RunComparison
    from leaderboard.comparison.several import SeveralComparison
    from leaderboard.judging.judgements import Judgements
    from leaderboard.leaderboard import Leaderboard
    from leaderboard.mistakes import Mistakes
    from leaderboard.result_files import ResultFile
    from leaderboard.study.figures import StudyFigures

RESULTS = Path("results")
"""Where result files are written and read by default."""

ResultLike: TypeAlias = "str | Path | RunRecord | EvaluationResult"
"""A result file or a folder of them, a record, or the result of an evaluation."""


JudgementsLike: TypeAlias = "str | Path | Judgements"
"""A file that `dvtr-bench judge` wrote, or what `collect_judgements` returned."""


class Results(list[RunRecord]):
    """Records of runs: a list that a notebook shows as a table."""

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per figure of each record, see `dvtr_bench.results`."""
        return to_frame(self)

    def __repr__(self) -> str:
        """Show the number of records and the first ones."""
        shown = ", ".join(map(repr, self[:2]))
        return (
            f"Results({count_of(len(self), 'record')}: {shown}{', ...' if len(self) > 2 else ''})"
        )

    def _repr_html_(self) -> str:
        names = ("R@1", "R@5", "R@10", "MdR", "MnR")
        columns = [(direction, name) for direction in ("t2v", "v2t") for name in names]
        rows: list[list[Cell]] = []
        for record in self[:ROWS_SHOWN]:
            dataset, method = record.dataset, record.scoring.post_processing
            figures = [record.metrics[direction]["strict"].get(name) for direction, name in columns]
            rows.append(
                [
                    (record.label, "" if method == "none" else method),
                    f"{dataset.name} {dataset.version}, {dataset.split}",
                    ", ".join(map(str, record.model.seeds)),
                    *("" if figure is None else f"{figure.value:.1f}" for figure in figures),
                ]
            )
        hidden = len(self) - ROWS_SHOWN
        return html_table(
            ["model", "dataset", "seed", *(f"{d.upper()} {name}" for d, name in columns)],
            rows,
            title=f"{count_of(len(self), 'result')}",
            notes=[f"and {hidden} more"] if hidden > 0 else [],
            text_columns=3,
        )


def load_results(places: str | Path | Iterable[str | Path] = RESULTS) -> Results:
    """Read result files; each is checked against its own ranks.

    Args:
        places: A result file, a folder of them (its ``*.json``), or several of either.

    Returns:
        A list of records with ``to_frame()``; those of a folder in order of file name.

    Raises:
        NotFoundError: A file or folder does not exist.
        ResultError: A file is not a result, or its figures differ from its ranks.

    Example:
        >>> import dvtr_bench as dvtr
        >>> results = dvtr.load_results("results")
        >>> [record.label for record in results]
        ['clip4clip_meanp', 'msam (block 32)']
        >>> results.to_frame().query("direction == 't2v' and metric == 'R@1'").shape
        (4, 18)
    """
    return Results(read_results(places))


@overload
def compare(
    first: ResultLike, second: ResultLike, *, queries: int = 10, root: str | Path = ROOT
) -> "RunComparison": ...


@overload
def compare(
    first: ResultLike,
    second: ResultLike,
    third: ResultLike,
    /,
    *more: ResultLike,
    all_pairs: bool = False,
) -> "SeveralComparison": ...


def compare(
    first: ResultLike,
    second: ResultLike,
    *more: ResultLike,
    queries: int = 10,
    root: str | Path = ROOT,
    all_pairs: bool = False,
) -> "RunComparison | SeveralComparison":
    """Compare runs on the same queries in pairs: a difference is second - first.

    Intervals and p-values come from a paired bootstrap over videos. If the dataset and the top
    lists exist, the comparison of two runs has caption texts and contact sheets. With more runs,
    all others are compared with the first, and p-values are corrected by Holm.

    Args:
        first: Run A: a result file, a record, or a result of `evaluate` (its first record).
        second: Run B, likewise.
        *more: Further runs.
        queries: Largest number of captions to list as better and as worse; of two runs.
        root: Folder in which the dataset's name is looked up; for two runs.
        all_pairs: Whether to compare all pairs of several runs.

    Returns:
        Differences with intervals, by figure and by group; of two runs also the captions that
        changed most.

    Raises:
        IncomparableError: The runs must not share a table.
        NotFoundError: A result file does not exist.
        ResultError: A file is not a result, or its figures differ from its ranks.

    Example:
        >>> import dvtr_bench as dvtr
        >>> first, second = dvtr.load_results("results")
        >>> comparison = dvtr.compare(first, second)
        >>> found = comparison.figures["t2v", "R@1"]
        >>> found.low <= found.difference <= found.high
        True
        >>> comparison.to_frame().columns.tolist()[:5]
        ['direction', 'metric', 'first', 'second', 'difference']
    """
    from leaderboard.comparison.differences import make_comparison
    from leaderboard.comparison.evidence import find_evidence
    from leaderboard.comparison.run_comparison import RunComparison

    if more:
        from leaderboard.comparison.several import SeveralComparison

        runs = [one_file(run) for run in (first, second, *more)]
        return SeveralComparison.of(runs, all_pairs=all_pairs)
    files = one_file(first), one_file(second)
    comparison = make_comparison(files[0].record, files[1].record, queries)
    splits = [getattr(result, "split", None) for result in (first, second)]
    split = next((each for each in splits if each is not None), None)
    return RunComparison(comparison, files, find_evidence(*files, Path(root), split))


def find_mistakes(result: ResultLike, *, root: str | Path = ROOT) -> "Mistakes":
    """Count the errors of the first clips of a run, by fact.

    Args:
        result: A result file with its top lists, or a result of `evaluate`, on a dataset that knows
            the facts of its clips (aerosynth).
        root: Folder in which the dataset's name is looked up.

    Returns:
        The number of correct first clips, and for each fact that captions mention, how often
        it is wrong.

    Raises:
        NotFoundError: The result file, its top lists or the dataset do not exist.
        InputError: The dataset does not know its facts.
        ResultError: The file is not a result, or its figures differ from its ranks.

    Example:
        >>> import dvtr_bench as dvtr
        >>> mistakes = dvtr.find_mistakes("results/msam.json")  # doctest: +SKIP
        >>> mistakes.facts[0].fact  # doctest: +SKIP
        'colour'
    """
    from leaderboard.mistakes import find_mistakes as find
    from leaderboard.result_files import searched_split

    file = one_file(result)
    split = getattr(result, "split", None)
    split = searched_split(file.record, Path(root)) if split is None else split
    dataset = file.record.dataset
    title = f"{file.record.label} on {dataset.name} {dataset.version}, {dataset.split}"
    return find(split, file.top_lists()["t2v"], title)


def make_leaderboard(
    results: "ResultLike | Iterable[ResultLike]" = RESULTS,
    *,
    study: str | None = None,
    judged: "JudgementsLike | None" = None,
) -> "Leaderboard":
    """Make the leaderboard of results: one board for each set that can share a table.

    Runs that differ only in their seed are one row, with mean and standard deviation.

    Args:
        results: Result files, folders of them, records, or results of `evaluate`; one or many.
        study: A study file or name, to also make the tables of this study.
        judged: Judged relevance of a split: what `collect_judgements` or `judge_by_facts` returned,
            or their file. Boards of that split have its figures beside the strict ones, for results
            with top lists.

    Returns:
        The boards, to show, print or write as a page.

    Raises:
        NotFoundError: There are no results.
        ResultError: A file is not a result, or its figures differ from its ranks.
        IncomparableError: The judgements are of a split that no result has.

    Example:
        >>> import dvtr_bench as dvtr
        >>> leaderboard = dvtr.make_leaderboard("results")
        >>> len(leaderboard), [entry.name for entry in leaderboard[0].entries]
        (1, ['clip4clip_meanp', 'msam (block 32)'])
        >>> leaderboard.write("LEADERBOARD.md").name
        'LEADERBOARD.md'
    """
    from dvtr_bench.studies.read import read_study
    from leaderboard.board import make_boards
    from leaderboard.judging.judged_board import judged_boards
    from leaderboard.leaderboard import Leaderboard

    # A wrong name is reported before many files are read.
    study_read = None if study is None else read_study(study)
    judgements = None if judged is None else as_judgements(judged)
    items = as_list(results)
    files = [file for result in items for file in files_of(result)]
    records = [file.record for file in files]
    if not records:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, items)) or 'an empty list'}: "
            "`dvtr-bench evaluate --model NAME` writes them into ./results"
        )
    study_figures = [] if study_read is None else _study_figures(study_read, records)
    boards = make_boards(records)
    judged_too = [] if judgements is None else judged_boards(boards, files, judgements)
    return Leaderboard(boards, records, study_figures, files, judged_too)


def as_list(results: "ResultLike | Iterable[ResultLike]") -> "list[ResultLike]":
    """Return one result, or several, as a list."""
    # No isinstance check for EvaluationResult: its module loads torch, which tables do not need.
    if isinstance(results, Iterable) and not isinstance(results, str):
        return list(results)
    return [results]


def as_judgements(judged: JudgementsLike) -> "Judgements":
    """Return judgements, read from their file where that is given."""
    from leaderboard.judging.judgements import read_judgements

    return read_judgements(judged) if isinstance(judged, str | Path) else judged


def files_of(result: ResultLike) -> "Iterator[ResultFile]":
    """Yield the runs of a result, each with its path or top lists, as far as there are any."""
    from leaderboard.result_files import ResultFile, read_result_file

    if isinstance(result, str | Path):
        yield from map(read_result_file, result_paths(result))
    elif isinstance(result, RunRecord):
        yield ResultFile(result, None)
    else:
        for record, top in zip(result.records, result.evaluation.top, strict=True):
            yield ResultFile(record, None, top)


def one_file(result: ResultLike) -> "ResultFile":
    """Return a run with its path or top lists, as far as there are any."""
    from leaderboard.result_files import ResultFile, read_result_file

    if isinstance(result, str | Path):
        return read_result_file(Path(result))
    if isinstance(result, RunRecord):
        return ResultFile(result, None)
    if not hasattr(result, "record"):
        raise InputError(
            f"{type(result).__name__} is not a run: pass a result file, a record, or a result of "
            "evaluate"
        )
    path = result.paths[0] if result.paths else None
    return ResultFile(result.record, path, result.evaluation.top[0])


def _study_figures(study: "Study", records: list[RunRecord]) -> "list[StudyFigures]":
    from dvtr_bench.studies.match import results_by_row
    from leaderboard.study.figures import make_figures

    return [make_figures(study, rows) for rows in results_by_row(study, records).values()]
