"""Evaluation from Python: a model of ours or of one's own, or scores from elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.models import Settings, WeightsLike, find_weights, model_settings
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import Evaluation, EvaluationConfig
from dvtr_bench.evaluation.evaluate import evaluate as evaluate_retriever
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.evaluation.external_file import Form
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.run import Weights, plan_evaluation, write_evaluation
from dvtr_bench.models.entry import model_entry
from dvtr_bench.runtime.device import choose_device
from dvtr_bench.runtime.processes import Processes, joined_processes
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
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    device: str = "auto",
    cache: bool = True,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> EvaluationResult:
    """Evaluate a model on one split by the recall protocol, honesty checks included.

    Under `torchrun` several processes share the work; the ranks are the same for any number.

    Args:
        model: What `train` returned, a checkpoint or run folder (`pathlib.Path`), a model's name
            (its newest checkpoint for the dataset is taken), or any object that encodes and scores,
            see `dvtr_bench.models.retriever.Retriever`.
        dataset: A name, a folder, an open dataset or one of its splits. None takes the dataset that
            ``model`` was trained on, or else the only one that is built.
        split: Report test; validation is for choosing.
        checkpoint: A checkpoint or run folder for a model named by name; None takes the newest.
        backbone: What a model that is not trained is built on, such as ``clip_zeroshot``; None for
            its own default.
        settings: Further settings of a model that is not trained.
        post_process: What to do to the scores afterwards; each gives records of its own.
        top: Candidates of each query to keep.
        results: Folder for result files, top lists and a contact sheet; None writes nothing, and
            `EvaluationResult.save` writes them later.
        runs: Where training runs are kept.
        root: Where a dataset's name is looked for.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; an object stays on its own device.
        cache: Whether backbone features are kept beside the dataset and read from there.
        show_progress: Whether to show progress bars.
        tell: Called with a line that names the weights, and with what was left out.

    Returns:
        Records with every figure and interval, the worst queries, contact sheets.

    Raises:
        NotFoundError: No such model or dataset, no checkpoint, no such split, no frames.
        ProtocolError: The checkpoint was trained on another build of the dataset, or the model's
            claim about its scoring does not hold.
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
    chosen = [_post_process(one) for one in post_process]
    place = choose_device(device)
    with joined_processes() as processes:
        how = _How(place, chosen, top, results, cache, show_progress, tell, processes)
        if isinstance(dataset, DatasetSplit):
            split = dataset.name
        if isinstance(model, str | Path | TrainedRun | Weights):
            built = _whole(dataset, model, Path(root))
            found, told = _find(
                model, built, split, checkpoint, backbone, settings, Path(runs), Path(root)
            )
            for line in told:
                how.say(f"left out: {line}")
            return _evaluate_weights(found, built, split, how)
        opened, bank = _open(dataset, split, root)
        return how.finished(
            evaluate_retriever(
                model, opened, bank=bank if how.needs_bank else None, **how.as_arguments()
            ),
            opened,
        )


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
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    device: str = "auto",
    cache: bool = True,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> list[EvaluationResult]:
    """Evaluate a model on every dataset that is built, or every seed that it was trained with.

    Args:
        model: Its name.
        dataset: A name or folder; None takes every dataset under ``root``, and those that cannot be
            evaluated are left out, each with its reason.
        split: Report test; validation is for choosing.
        all_seeds: Whether to evaluate, beside a checkpoint, those of the finished runs that differ
            from its run in nothing but the seed.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        backbone: What a model that is not trained is built on; None for its own default.
        settings: Further settings of a model that is not trained.
        post_process: What to do to the scores afterwards; each gives records of its own.
        top: Candidates of each query to keep.
        results: Folder for result files; None writes nothing.
        runs: Where training runs are kept.
        root: Where datasets are looked for.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        cache: Whether backbone features are kept beside the dataset and read from there.
        show_progress: Whether to show progress bars.
        tell: Called with a line for each evaluation, and for what is left out and why.

    Returns:
        One result a dataset and seed; at least one.

    Raises:
        NotFoundError: Nothing can be evaluated; says what to do.
        ProtocolError: See `evaluate`.

    Example:
        >>> import dvtr_bench as dvtr
        >>> found = dvtr.evaluate_all("clip_zeroshot", backbone="tiny", device="cpu",
        ...                           show_progress=False)
        >>> [result.split.dataset_name for result in found]
        ['toy']
    """
    chosen = [_post_process(one) for one in post_process]
    place = choose_device(device)
    with joined_processes() as processes:
        how = _How(place, chosen, top, results, cache, show_progress, tell, processes)
        plan = plan_evaluation(
            model_entry(model).key,
            None if dataset is None else str(dataset),
            split,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            backbone=backbone,
            settings=model_settings(model, settings),
            runs=Path(runs),
            all_seeds=all_seeds,
            root=Path(root),
        )
        for reason in plan.left_out:
            how.say(f"left out: {reason}")
        # A dataset without a train split is told before anything is scored.
        if how.needs_bank:
            for built, _ in plan.runs:
                built.split("train")
        return [_evaluate_weights(found, built, split, how) for built, found in plan.runs]


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
    root: str | Path = ROOT,
    device: str = "auto",
    show_progress: bool = True,
) -> EvaluationResult:
    """Evaluate scores or vectors of a model from elsewhere; none of our code runs in it.

    The ids say which row belongs to which caption and which column to which video, so the order
    does not matter and a missing one is an error. The record says ``external``.

    Args:
        file: An ``.npz`` file with ``caption_ids`` and ``video_ids``, and either ``sim_matrix``
            (captions x videos) or ``text_embeds`` and ``video_embeds``.
        dataset: What was scored: a name, a folder, an open dataset or a split; without frames too.
        model_name: What the model is called in tables.
        form: ``sim_matrix``, or ``embeddings``, whose score is the inner product.
        split: Which split was scored.
        text_block: Captions that were scored together; None for scores that depend on their own
            pair alone.
        post_processing: What was done to the whole sim_matrix, such as ``dual_softmax``: it gets a
            table of its own.
        seed: That the model was trained with, if known.
        post_process: What to do to the scores here; each gives a record of its own.
        top: Candidates of each query to keep.
        results: Folder for result files; None writes nothing.
        root: Where a dataset's name is looked for.
        device: Where to score and count.
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
    chosen = [_post_process(one) for one in post_process]
    place = choose_device(device)
    with joined_processes() as processes:
        how = _How(place, chosen, top, results, False, show_progress, None, processes)
        opened, _ = _open(dataset, split, root)
        evaluation = evaluate_file(
            read_external(Path(file), form),
            opened,
            model_name=model_name,
            text_block=text_block,
            post_processing=post_processing,
            seed=seed,
            device=place,
            **how.as_arguments(),
        )
        return how.finished(evaluation, opened)


@dataclass(frozen=True)
class _How:
    """Where and how an evaluation is carried out, and what becomes of it."""

    device: str
    post_process: Sequence[PostProcess]
    top: int
    results: str | Path | None
    cache: bool
    show_progress: bool
    tell: Callable[[str], None] | None
    processes: Processes

    @property
    def needs_bank(self) -> bool:
        """Whether a post-processor needs the train split."""
        return any(one.needs_bank for one in self.post_process)

    def say(self, line: str) -> None:
        """Tell the caller, from the first process alone."""
        if self.tell is not None and self.processes.is_first:
            self.tell(line)

    def as_arguments(self) -> dict[str, Any]:
        """Return what every evaluation takes."""
        return {
            "config": EvaluationConfig(cache=self.cache, top_k=self.top),
            "post_process": self.post_process,
            "processes": self.processes,
            "show_progress": self.show_progress,
        }

    def finished(self, evaluation: Evaluation, split: "RetrievalSplit") -> EvaluationResult:
        """Write what is to be written."""
        paths: tuple[Path, ...] = ()
        if self.results is not None:
            paths = write_evaluation(evaluation, split, Path(self.results), self.processes)
        return EvaluationResult(evaluation, split, paths)


def _evaluate_weights(
    weights: Weights, built: BuiltDataset, split: str, how: _How
) -> EvaluationResult:
    bank = built.split("train") if how.needs_bank else None
    how.say(f"{weights.label} on {built.name} {split}, on {how.device}")
    opened = built.split(split)
    evaluation = evaluate_retriever(
        weights.load(how.device),
        opened,
        bank=bank,
        **origin_of(weights.description()),
        **how.as_arguments(),
    )
    return how.finished(evaluation, opened)


def _find(
    model: WeightsLike,
    built: BuiltDataset,
    split: str,
    checkpoint: str | Path | None,
    backbone: str | None,
    settings: Settings,
    runs: Path,
    root: Path,
) -> tuple[Weights, Sequence[str]]:
    """Find the weights for a dataset, and what is to be told of others."""
    if not isinstance(model, str):
        return find_weights(model, built), ()
    plan = plan_evaluation(
        model_entry(model).key,
        str(built.folder),
        split,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        backbone=backbone,
        settings=model_settings(model, settings),
        runs=runs,
        root=root,
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
    """Return the split, and the train split of its dataset where it has one."""
    if dataset is None:
        dataset = choose_dataset(None, Path(root))
    if isinstance(dataset, str | Path | BuiltDataset):
        dataset = as_dataset(dataset, root).split(split)
    bank = None
    if isinstance(dataset, DatasetSplit) and "train" in dataset.manifest.splits:
        bank = DatasetSplit(dataset.folder, dataset.manifest, "train")
    return dataset, bank


def _post_process(given: PostProcessLike) -> PostProcess:
    return PostProcess.of(given) if isinstance(given, str) else given
