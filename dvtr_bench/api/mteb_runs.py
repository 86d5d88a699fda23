"""Evaluation of what mteb has run, from Python."""

from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.evaluation_options import EvaluationOptions, WrittenFiles, open_split
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.reports.shown_queries import DEFAULT, Queries
from dvtr_bench.runtime.processes import choose_device, joined_processes

if TYPE_CHECKING:
    from dvtr_bench.api.datasets import DatasetLike
    from dvtr_bench.dataset.split import RetrievalSplit


def evaluate_mteb(
    place: str | Path,
    dataset: "DatasetLike | RetrievalSplit",
    *,
    model_name: str | None = None,
    split: str = "test",
    seed: int | None = None,
    top: int = EvaluationConfig.top_k,
    results: str | Path | None = None,
    queries: Queries = DEFAULT,
    browse: int = 0,
    root: str | Path = ROOT,
    device: str = "auto",
    show_progress: bool = True,
) -> EvaluationResult:
    """Evaluate the predictions of a run of mteb on the tasks of a dataset.

    Predictions must hold the scores of all candidates. With those of both tasks, text to video is
    ranked by the one and video to text by the other; with those of one, both by it, and the record
    says so. If mteb's figures are in the folder too, its hit rates are compared with the ranks.

    Args:
        place: A file of predictions (``TASK_predictions.json``), or a folder with those of one
            model.
        dataset: The dataset: a name, a folder, an open dataset or a split. Frames are not needed.
        model_name: What the model is called in tables; None for its name in mteb.
        split: Which split was evaluated.
        seed: Training seed of the model, if known.
        top: Candidates to keep of each query.
        results: Folder for result files; None writes nothing.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: As for `evaluate`.
        root: Folder in which a dataset's name is looked up.
        device: Device for counting.
        show_progress: Whether to show progress bars.

    Returns:
        A record of kind ``external``, the worst queries, contact sheets.

    Raises:
        NotFoundError: No such dataset, or no predictions.
        InputError: A file is not what mteb writes.
        ProtocolError: Scores are missing, or of another split or version of the dataset.
        ResultError: mteb's hit rates are not those of the predictions.
        NotANumberError: A score is NaN.

    Example:
        >>> import dvtr_bench as dvtr
        >>> dvtr.evaluate_mteb("predictions", "usrd", results="results")  # doctest: +SKIP
    """
    from dvtr_bench.evaluation.external import evaluate_external
    from dvtr_bench.evaluation.mteb_run import read_mteb_run, require_same_figures

    written = WrittenFiles(results, queries, browse)
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(device, [], top, written, False, show_progress, None, processes)
        opened, _ = open_split(dataset, split, root)
        written.require_queries(opened)
        run = read_mteb_run(Path(place), opened)
        first, *second = run.scores.values()
        evaluation = evaluate_external(
            first,
            opened,
            model_name=f"mteb:{run.model_name}" if model_name is None else model_name,
            v2t=second[0] if second else None,
            about=run.facts,
            seed=seed,
            device=device,
            **options.as_arguments(),
        )
        require_same_figures(run, evaluation.records[0])
        return options.finished(evaluation, opened)
