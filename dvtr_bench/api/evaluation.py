"""Evaluation from Python: models of this project, your own models, or external scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.evaluation_options import EvaluationOptions, WrittenFiles
from dvtr_bench.api.models import Settings, WeightsLike, find_weights, model_settings
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.evaluate import evaluate as evaluate_retriever
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.evaluation.external_file import Form
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.run import Weights, plan_evaluation, require_unseen
from dvtr_bench.models.entry import model_entry
from dvtr_bench.reports.query_choice import DEFAULT, Queries
from dvtr_bench.runtime.device import choose_device
from dvtr_bench.runtime.processes import joined_processes
from dvtr_bench.searching.choice import choose_dataset

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever

PostProcessLike: TypeAlias = str | PostProcess
"""``dual_softmax`` or ``qb_norm``, with settings as ``qb_norm:bank_captions=1000``."""


def evaluate(
    model: "WeightsLike | Retriever",
    dataset: "DatasetLike | RetrievalSplit | None" = None,
    *,
    split: str = "test",
    checkpoint: str | Path | None = None,
    backbone: str | None = None,
    settings: Settings = (),
    post_process: Sequence[PostProcessLike] = (),
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
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; an object stays on its own device.
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
    processors = list(map(_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device, processors, top, written, cache, show_progress, tell, processes, check_seed
        )
        if isinstance(dataset, DatasetSplit):
            split = dataset.name
        if isinstance(model, str | Path | TrainedRun | Weights):
            built = _whole(dataset, model, Path(root))
            weights, left_out = _find(
                model, built, split, checkpoint, backbone, settings, Path(runs), allow_seen_clips
            )
            for reason in left_out:
                options.say(f"left out: {reason}")
            return _evaluate_weights(weights, built, split, options)
        opened, bank = _open(dataset, split, root)
        written.require_queries(opened)
        bank = bank if options.needs_bank else None
        model = options.introduced(model, opened)
        evaluation = evaluate_retriever(model, opened, bank=bank, **options.as_arguments())
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
        top: Candidates to keep of each query.
        results: Folder for result files; None writes nothing.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: As for `evaluate`.
        runs: Folder of training runs.
        root: Folder of the datasets.
        allow_seen_clips: As for `evaluate`.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
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
    processors = list(map(_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device, processors, top, written, cache, show_progress, tell, processes, check_seed
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


def evaluate_external(
    file: str | Path,
    dataset: "DatasetLike | RetrievalSplit",
    *,
    model_name: str,
    form: Form = "sim_matrix",
    split: str = "test",
    text_block: int | None = None,
    post_processing: str = "none",
    seed: int | None = None,
    post_process: Sequence[PostProcessLike] = (),
    top: int = EvaluationConfig.top_k,
    results: str | Path | None = None,
    queries: Queries = DEFAULT,
    browse: int = 0,
    root: str | Path = ROOT,
    device: str = "auto",
    show_progress: bool = True,
) -> EvaluationResult:
    """Evaluate external scores or vectors, without running the model.

    Ids assign rows to captions and columns to videos, so the order does not matter and a missing id
    is an error. The record says ``external``.

    Args:
        file: An ``.npz`` file with ``caption_ids`` and ``video_ids``, and either ``sim_matrix``
            (captions x videos) or ``text_embeds`` and ``video_embeds``.
        dataset: The scored dataset: a name, a folder, an open dataset or a split. Frames are not
            needed.
        model_name: What the model is called in tables.
        form: ``sim_matrix``, or ``embeddings``, whose score is the inner product.
        split: Which split was scored.
        text_block: Captions that were scored together; None for scores that depend only on their
            own pair.
        post_processing: What was done to the whole sim_matrix, such as ``dual_softmax``: such
            results get a separate table.
        seed: Training seed of the model, if known.
        post_process: Post-processing of the scores here; each gives a separate record.
        top: Candidates to keep of each query.
        results: Folder for result files; None writes nothing.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: As for `evaluate`.
        root: Folder in which a dataset's name is looked up.
        device: Device for scoring and counting.
        show_progress: Whether to show progress bars.

    Returns:
        Records of kind ``external``, the worst queries, contact sheets.

    Raises:
        NotFoundError: No such file or dataset.
        InputError: The file is not of that form.
        ProtocolError: The ids are not those of the split.
        NotANumberError: A score is NaN.

    Example:
        >>> import numpy as np
        >>> import dvtr_bench as dvtr
        >>> split = dvtr.open_dataset("toy")["test"]
        >>> scores = np.random.default_rng(0).random((len(split.captions), len(split)))
        >>> np.savez("scores.npz", sim_matrix=scores, caption_ids=split.caption_ids,
        ...          video_ids=split.video_ids)
        >>> result = dvtr.evaluate_external("scores.npz", split, model_name="mine", device="cpu",
        ...                                 show_progress=False)
        >>> result.record.kind, result.record.label
        ('external', 'mine')
    """
    from dvtr_bench.evaluation.external import evaluate_external as evaluate_file
    from dvtr_bench.evaluation.external_file import read_external, require_external

    require_external(Path(file), form)
    written = WrittenFiles(results, queries, browse)
    processors = list(map(_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device, processors, top, written, False, show_progress, None, processes
        )
        opened, _ = _open(dataset, split, root)
        written.require_queries(opened)
        evaluation = evaluate_file(
            read_external(Path(file), form),
            opened,
            model_name=model_name,
            text_block=text_block,
            post_processing=post_processing,
            seed=seed,
            device=device,
            **options.as_arguments(),
        )
        return options.finished(evaluation, opened)


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
    evaluation = evaluate_retriever(
        options.introduced(weights.load(options.device), opened),
        opened,
        bank=bank,
        seen_clips=seen_clips,
        **origin_of(weights.description()),
        **options.as_arguments(),
    )
    return options.finished(evaluation, opened)


def _find(
    model: WeightsLike,
    built: BuiltDataset,
    split: str,
    checkpoint: str | Path | None,
    backbone: str | None,
    settings: Settings,
    runs: Path,
    allow_seen: bool,
) -> tuple[Weights, Sequence[str]]:
    """Find the weights for a dataset, and the reasons for leaving out others."""
    if not isinstance(model, str):
        weights = find_weights(model, built)
        if not allow_seen:
            require_unseen(weights, built, split)
        return weights, ()
    plan = plan_evaluation(
        model_entry(model).key,
        str(built.folder),
        split,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        backbone=backbone,
        settings=model_settings(model, settings),
        runs=runs,
        allow_seen=allow_seen,
    )
    return plan.runs[0][1], plan.left_out


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


def _open(
    dataset: "DatasetLike | RetrievalSplit | None", split: str, root: str | Path
) -> "tuple[RetrievalSplit, DatasetSplit | None]":
    """Return the split, and the train split of its dataset if there is one."""
    if dataset is None:
        dataset = choose_dataset(None, Path(root))
    if isinstance(dataset, str | Path | BuiltDataset):
        dataset = as_dataset(dataset, root).split(split)
    bank = None
    if isinstance(dataset, DatasetSplit) and "train" in dataset.manifest.splits:
        bank = DatasetSplit(dataset.folder, dataset.manifest, "train")
    return dataset, bank


def _post_process(post_process: PostProcessLike) -> PostProcess:
    return PostProcess.of(post_process) if isinstance(post_process, str) else post_process
