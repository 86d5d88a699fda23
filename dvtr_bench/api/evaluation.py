"""Evaluation from Python: models of this project, your own models, or external scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.evaluation_options import (
    ChosenReranker,
    EvaluationOptions,
    PostProcessLike,
    RerankerLike,
    WrittenFiles,
    as_post_process,
    open_split,
)
from dvtr_bench.api.models import Settings, WeightsLike, find_unseen_weights, model_settings
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.evaluate import evaluate as evaluate_retriever
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.evaluation.run import Weights, plan_evaluation
from dvtr_bench.models.entry import model_entry
from dvtr_bench.reports.shown_queries import DEFAULT, Queries
from dvtr_bench.runtime.processes import choose_device, joined_processes
from dvtr_bench.searching.choice import choose_dataset

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever


def evaluate(
    model: "WeightsLike | Retriever",
    dataset: "DatasetLike | RetrievalSplit | None" = None,
    *,
    split: str = "test",
    checkpoint: str | Path | None = None,
    backbone: str | None = None,
    settings: Settings = (),
    post_process: Sequence[PostProcessLike] = (),
    reranker: "RerankerLike | None" = None,
    rerank_top: int = ChosenReranker.top,
    reranker_settings: Settings = (),
    top: int = EvaluationConfig.top_k,
    results: str | Path | None = None,
    queries: Queries = DEFAULT,
    browse: int = 0,
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    allow_seen_clips: bool = False,
    device: str = "auto",
    cache: bool = True,
    check_seed: int = 0,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> EvaluationResult:
    """Evaluate a model on one split by the recall protocol, including honesty checks.

    Under `torchrun` several processes share the work; the ranks are the same for any number.

    Args:
        model: A result of `train`, a checkpoint or run folder (`pathlib.Path`), a model's name (its
            newest checkpoint for the dataset is taken), or any
            `dvtr_bench.models.retriever.Retriever`.
        dataset: A name, a folder, an open dataset or one of its splits. None takes the dataset that
            ``model`` was trained on, else the only built one.
        split: Report test; validation is for choosing.
        checkpoint: A checkpoint or run folder if ``model`` is a name; None takes the newest.
        backbone: Backbone of an untrained model such as ``clip_zeroshot``; None for its default.
        settings: Further settings of an untrained model.
        post_process: Post-processing of the scores; each gives separate records.
        reranker: A ``pairwise`` model that puts the best candidates of each query in a new order:
            a name, a checkpoint or run folder, a result of `train`, or a model. It gives a separate
            record.
        rerank_top: Candidates of each query that it scores; ranks beyond them stay as they were.
        reranker_settings: Settings of a reranker that is named and not trained, such as
            ``["backbone=tiny"]``.
        top: Candidates to keep of each query.
        results: Folder for result files, top lists and a contact sheet; None writes nothing, and
            `EvaluationResult.save` writes them later.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: Worst queries whose clips to keep beside each result file, with all captions, for
            sites without the dataset, where its licence allows showing them; 0 for nothing.
        runs: Folder of training runs.
        root: Folder in which a dataset's name is looked up.
        allow_seen_clips: Whether to evaluate a checkpoint of another version of the dataset whose
            training used clips of the split; the record says so.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; an object stays on its own
            device.
        cache: Whether to store backbone features beside the dataset and reuse them.
        check_seed: Seed of the order in which the model is asked, and of what is asked again: it
            changes no rank. Choose one of your own to run somebody else's model.
        show_progress: Whether to show progress bars.
        tell: Called with lines that name the weights and what was left out.

    Returns:
        Records with every figure and interval, the worst queries, contact sheets.

    Raises:
        NotFoundError: No such model or dataset, no checkpoint, no such split, no frames.
        ProtocolError: The checkpoint was trained on clips of the split, in another version of the
            dataset, or the model's claim about its scoring does not hold.
        NotANumberError: Scores were NaN.

    Example:
        >>> import dvtr_bench as dvtr
        >>> result = dvtr.evaluate("clip_zeroshot", "toy", backbone="tiny", device="cpu",
        ...                        show_progress=False)
        >>> result.record.label, len(result.records)
        ('clip_zeroshot', 1)
        >>> sorted(result.record.metrics["t2v"]["strict"])
        ['MdR', 'MdR-lower', 'MnR', 'R@1', 'R@10', 'R@5']
        >>> list(result.worst(3).columns)
        ['query', 'rank', 'caption', 'video_id', 'found']
    """
    written = WrittenFiles(results, queries, browse)
    processors = list(map(as_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device,
            processors,
            top,
            written,
            cache,
            show_progress,
            tell,
            processes,
            check_seed,
            ChosenReranker(reranker, rerank_top, reranker_settings, Path(runs), allow_seen_clips),
        )
        if isinstance(dataset, DatasetSplit):
            split = dataset.name
        if isinstance(model, str | Path | TrainedRun | Weights):
            built = _whole(dataset, model, Path(root))
            weights, left_out = find_unseen_weights(
                model,
                built,
                split,
                checkpoint=checkpoint,
                backbone=backbone,
                settings=settings,
                runs=runs,
                allow_seen=allow_seen_clips,
            )
            for reason in left_out:
                options.say(f"left out: {reason}")
            return _evaluate_weights(weights, built, split, options)
        opened, bank = open_split(dataset, split, root)
        written.require_queries(opened)
        bank = bank if options.needs_bank else None
        evaluation = evaluate_retriever(
            options.introduced(model, opened),
            opened,
            bank=bank,
            reranker=options.reranker.load(opened, device, options.say),
            **options.as_arguments(),
        )
        return options.finished(evaluation, opened)


def evaluate_all(
    model: str,
    dataset: str | Path | None = None,
    *,
    split: str = "test",
    all_seeds: bool = False,
    checkpoint: str | Path | None = None,
    backbone: str | None = None,
    settings: Settings = (),
    post_process: Sequence[PostProcessLike] = (),
    reranker: "RerankerLike | None" = None,
    rerank_top: int = ChosenReranker.top,
    reranker_settings: Settings = (),
    top: int = EvaluationConfig.top_k,
    results: str | Path | None = None,
    queries: Queries = DEFAULT,
    browse: int = 0,
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    allow_seen_clips: bool = False,
    device: str = "auto",
    cache: bool = True,
    check_seed: int = 0,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> list[EvaluationResult]:
    """Evaluate a model on every built dataset, or every seed that it was trained with.

    Args:
        model: Its name.
        dataset: A name or folder; None takes every dataset under ``root`` and leaves out those that
            cannot be evaluated.
        split: Report test; validation is for choosing.
        all_seeds: Whether to also evaluate finished runs that differ only in their seed.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        backbone: Backbone of an untrained model; None for its default.
        settings: Further settings of an untrained model.
        post_process: Post-processing of the scores; each gives separate records.
        reranker: As for `evaluate`.
        rerank_top: As for `evaluate`.
        reranker_settings: As for `evaluate`.
        top: Candidates to keep of each query.
        results: Folder for result files; None writes nothing.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: As for `evaluate`.
        runs: Folder of training runs.
        root: Folder of the datasets.
        allow_seen_clips: As for `evaluate`.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        cache: Whether to store backbone features beside the dataset and reuse them.
        check_seed: As for `evaluate`.
        show_progress: Whether to show progress bars.
        tell: Called with a line for each evaluation, and for what is left out and why.

    Returns:
        One result per dataset and seed; at least one.

    Raises:
        NotFoundError: Nothing can be evaluated; the message says what to do.
        ProtocolError: See `evaluate`.

    Example:
        >>> import dvtr_bench as dvtr
        >>> found = dvtr.evaluate_all("clip_zeroshot", backbone="tiny", device="cpu",
        ...                           show_progress=False)
        >>> [result.split.dataset_name for result in found]
        ['toy']
    """
    written = WrittenFiles(results, queries, browse)
    processors = list(map(as_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device,
            processors,
            top,
            written,
            cache,
            show_progress,
            tell,
            processes,
            check_seed,
            ChosenReranker(reranker, rerank_top, reranker_settings, Path(runs), allow_seen_clips),
        )
        plan = plan_evaluation(
            model_entry(model).key,
            None if dataset is None else str(dataset),
            split,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            backbone=backbone,
            settings=model_settings(model, settings),
            runs=Path(runs),
            all_seeds=all_seeds,
            allow_seen=allow_seen_clips,
            root=Path(root),
        )
        for reason in plan.left_out:
            options.say(f"left out: {reason}")
        # What a later dataset lacks is reported before the first is scored.
        for built, _ in plan.runs:
            written.require_queries(built.split(split))
            if options.needs_bank:
                built.split("train")
        return [_evaluate_weights(weights, built, split, options) for built, weights in plan.runs]


def _evaluate_weights(
    weights: Weights, built: BuiltDataset, split: str, options: EvaluationOptions
) -> EvaluationResult:
    bank = built.split("train") if options.needs_bank else None
    opened = built.split(split)
    options.written.require_queries(opened)
    options.say(f"{weights.label} on {built.label} {split}, on {options.device}")
    seen_clips = weights.seen_clips(built)
    if seen_clips is not None:
        options.say(seen_clips.statement(opened))
    reranker = options.reranker.load(opened, options.device, options.say)
    evaluation = evaluate_retriever(
        options.introduced(weights.load(options.device), opened),
        opened,
        bank=bank,
        seen_clips=seen_clips,
        reranker=reranker,
        **origin_of(weights.description()),
        **options.as_arguments(),
    )
    return options.finished(evaluation, opened)


def _whole(
    dataset: "DatasetLike | RetrievalSplit | None", model: WeightsLike, root: Path
) -> BuiltDataset:
    if isinstance(dataset, DatasetSplit):
        return BuiltDataset(dataset.folder, dataset.manifest)
    if dataset is None and isinstance(model, TrainedRun):
        return model.dataset
    if dataset is None:
        return choose_dataset(None, root)
    if isinstance(dataset, str | Path | BuiltDataset):
        return as_dataset(dataset, root)
    raise InputError(
        f"{dataset!r}: a model that is loaded by name needs a built dataset, or one of its splits; "
        "load it with load_model and pass the model to evaluate it on a split of your own"
    )
