"""Carry out one run of a study: train it if needed, then evaluate it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from dvtr_bench.errors import ProtocolError, WeightsError
from dvtr_bench.runtime.files import temporary_folder
from dvtr_bench.studies.plan import Backbone, Run, Scoring, stated_config_of, with_backbone

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.evaluate import Evaluation
    from dvtr_bench.models.retriever import Retriever
    from dvtr_bench.results import RunRecord
    from dvtr_bench.results.top_lists import TopLists


@dataclass(frozen=True)
class Trained:
    """A training that has just finished.

    Attributes:
        seconds: Average seconds per epoch.
    """

    timed_as: ClassVar[str] = "epoch"

    seconds: float


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One result that is not written yet.

    Attributes:
        record: The result.
        top: The best candidates of its queries.
        sheet: A contact sheet as the bytes of a PNG file; None if not wanted.
        seconds: Seconds of the evaluation, which can give several results.
    """

    timed_as: ClassVar[str] = "evaluation"

    record: "RunRecord"
    top: "TopLists"
    sheet: bytes | None
    seconds: float


Made: TypeAlias = Trained | Evaluated


@dataclass(frozen=True)
class Means:
    """Device and threads with which runs are carried out.

    Attributes:
        device: Such as ``cpu`` or ``cuda:0``.
        workers: Threads that decode frames.
        show_progress: Whether to show progress bars.
    """

    device: str = "cpu"
    workers: int = 2
    show_progress: bool = True


@dataclass(frozen=True)
class Task:
    """A run and its folder.

    Attributes:
        run: The run, with the scorings to do.
        folder: Its run folder.
        backbone: Path of the backbone if it differs from the run's name for it, as on a machine
            that got a copy.
    """

    run: Run
    folder: Path
    backbone: str | None = None


def carry_out(task: Task, means: Means) -> Iterator[Made]:
    """Train a run if it is not trained yet, and do its evaluations.

    After an interruption, call it again: it continues from the last complete epoch and with the
    remaining evaluations.

    Args:
        task: The run and its folder.
        means: Device and threads.

    Yields:
        The training, if it was finished now, then each result.

    Raises:
        ProtocolError: The dataset was built again since the run was planned.
        DvtrError: Training or evaluation failed.
    """
    from dvtr_bench.dataset.reader import open_dataset

    run = task.run
    built = open_dataset(run.dataset.folder)
    if built.manifest.fingerprint != run.dataset.fingerprint:
        raise ProtocolError(
            f"{built.folder} was built again while the study ran: run the same command again"
        )
    if run.recipe is not None:
        yield from _train(task, built, means)
    done_configs: list[dict[str, Any]] = []
    for scoring in run.scorings:
        if dict(scoring.config) in done_configs:
            continue
        for made in _evaluate(task, scoring, built, means):
            done_configs.append(stated_config_of(run.model, made.record.model.config))
            yield made


def _new_model(task: Task) -> Any:
    """Build the model of a run, with the backbone named as in the run."""
    from dvtr_bench.evaluation.facts import described
    from dvtr_bench.models.entry import model_entry
    from dvtr_bench.runtime.checkpoint import new_model

    run = task.run
    backbone = run.backbone.name if task.backbone is None else task.backbone
    settings = with_backbone(run.model, run.settings, backbone)
    model: Any
    if run.recipe is None:
        model = model_entry(run.model).build(settings)
    else:
        model = new_model(run.model, settings, seed=0 if run.seed is None else run.seed)
    stated = described(model).get("backbone") or {}
    identity = Backbone.of("", stated.get("source"), stated.get("weights_sha256")).identity
    if identity != run.backbone.identity:
        raise WeightsError(
            f"the weights of the backbone {run.backbone.name} have changed since the study was "
            f"planned ({identity} instead of {run.backbone.identity}): run the same command again"
        )
    if task.backbone is not None:
        model.config = replace(model.config, **with_backbone(run.model, {}, run.backbone.name))
    return model


def _train(task: Task, built: "BuiltDataset", means: Means) -> Iterator[Trained]:
    from dvtr_bench.runtime.checkpoint import RUN_FILE, read_json
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train

    recipe = task.run.recipe
    state = read_json(task.folder / RUN_FILE) if (task.folder / RUN_FILE).is_file() else {}
    if state.get("finished") or recipe is None:
        return
    epochs_before, started = int(state.get("epochs_done", 0)), time.perf_counter()
    train(
        _new_model(task),
        *training_splits(built),
        recipe,
        task.folder,
        device=means.device,
        workers=means.workers,
        show_progress=means.show_progress,
    )
    epochs = int(read_json(task.folder / RUN_FILE)["epochs_done"]) - epochs_before
    yield Trained((time.perf_counter() - started) / max(1, epochs))


def _evaluate(
    task: Task, scoring: Scoring, built: "BuiltDataset", means: Means
) -> Iterator[Evaluated]:
    from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
    from dvtr_bench.evaluation.facts import origin_of
    from dvtr_bench.runtime.checkpoint import checkpoint_folder, read_checkpoint_config

    started = time.perf_counter()
    run = task.run
    description: dict[str, Any] = {}
    if run.recipe is not None:
        description = read_checkpoint_config(checkpoint_folder(task.folder))
    split = built.split(run.split)
    evaluation = evaluate(
        _loaded(task, scoring, built, means),
        split,
        config=EvaluationConfig(cache=True),
        **origin_of(description),
        show_progress=means.show_progress,
    )
    seconds = time.perf_counter() - started
    first, *beside = zip(evaluation.records, evaluation.top, strict=True)
    # With other scoring settings the result at block 1 is the same as before, so it is skipped. The
    # main result comes last: if it exists after an interruption, so do the others.
    for record, top in [] if scoring.settings else beside:
        yield Evaluated(record, top, None, seconds)
    sheet = _sheet(evaluation, split) if run.contact_sheets else None
    yield Evaluated(*first, sheet, seconds)


def _loaded(task: Task, scoring: Scoring, built: "BuiltDataset", means: Means) -> "Retriever":
    from dvtr_bench.models.entry import on_device
    from dvtr_bench.runtime.checkpoint import load_checkpoint

    if task.run.recipe is None:
        model = on_device(_new_model(task), means.device)
    else:
        model = on_device(load_checkpoint(task.folder), means.device)
    if scoring.settings:
        scored: Any = model
        model = scored.with_scoring(scoring.settings, built.split("train").captions)
    return model


def _sheet(evaluation: "Evaluation", split: "RetrievalSplit") -> bytes:
    from dvtr_bench.evaluation.evaluation_result import draw_top_videos

    with temporary_folder() as folder:
        return draw_top_videos(evaluation, split, folder / "sheet.png").read_bytes()
