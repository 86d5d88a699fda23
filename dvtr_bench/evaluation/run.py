"""What one `dvtr-bench evaluate` evaluates: which weights on which datasets, and what it writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.dataset.reader import ROOT, BuiltDataset, find_datasets, open_dataset
from dvtr_bench.errors import NotFoundError, ProtocolError
from dvtr_bench.evaluation.evaluate import Evaluation, EvaluationConfig, evaluate
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.models.listing import list_models
from dvtr_bench.reports.contact_sheet import Row, Tile, save_contact_sheet
from dvtr_bench.results import RunRecord, write_result
from dvtr_bench.results.files import file_stem
from dvtr_bench.results.top_lists import write_top_lists
from dvtr_bench.runtime.checkpoint import (
    checkpoint_folder,
    find_checkpoint,
    load_checkpoint,
    new_model,
    read_checkpoint_config,
)
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.training.run_choice import find_other_seeds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever

SHEET_QUERIES: Final = 6
"""Queries of a contact sheet."""

SHEET_CLIPS: Final = 5
"""Clips of each of its queries."""


@dataclass(frozen=True)
class Weights:
    """Where a model's weights come from.

    Attributes:
        model: The model's key.
        checkpoint: Folder of its checkpoint; None for a model that is not trained.
        backbone: What a model without a checkpoint is built on.
    """

    model: str
    checkpoint: Path | None
    backbone: str

    @property
    def label(self) -> str:
        """Name and origin, for messages."""
        return f"{self.model} ({self.checkpoint or self.backbone})"

    def description(self) -> dict[str, Any]:
        """Return what the checkpoint says of itself; empty without a checkpoint."""
        return {} if self.checkpoint is None else read_checkpoint_config(self.checkpoint)

    def load(self, device: str) -> "Retriever":
        """Load the model onto a device, set for evaluation."""
        import torch

        if self.checkpoint is None:
            model = new_model(self.model, {"backbone": self.backbone}, seed=0)
        else:
            model = load_checkpoint(self.checkpoint)
        return model.to(torch.device(device)).eval()


@dataclass(frozen=True)
class Plan:
    """What is evaluated on what.

    Attributes:
        runs: Datasets and the weights for each; a dataset stands once for every seed.
        left_out: Datasets and seeds that are not evaluated and why, one sentence each.
    """

    runs: tuple[tuple[BuiltDataset, Weights], ...]
    left_out: tuple[str, ...]


def plan_evaluation(
    model: str,
    dataset: str | None,
    split: str,
    *,
    checkpoint: Path | None = None,
    backbone: str = "ViT-B-32/openai",
    runs: Path = Path("runs"),
    all_seeds: bool = False,
) -> Plan:
    """Find the datasets and the weights of an evaluation.

    Args:
        model: The model's key.
        dataset: A dataset's name or folder; None takes every dataset built under ``./dvtr``.
        split: The split to evaluate.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        backbone: What a model that is not trained is built on.
        runs: Where training runs are kept.
        all_seeds: Whether to take, beside that checkpoint, those of the finished runs that differ
            from its run in nothing but the seed.

    Returns:
        At least one dataset with weights. Where every built dataset was asked for, those that
        cannot be evaluated are left out, each with its reason.

    Raises:
        NotFoundError: No dataset, no checkpoint, no such split, no frames; says what to do.
        ProtocolError: The checkpoint found for a dataset was trained on another build of it.
    """
    listed = {entry.name: entry for entry in list_models()}
    needs_checkpoint = listed[model].trainable
    wanted = find_datasets() if dataset is None else [open_dataset(dataset)]
    if not wanted:
        raise NotFoundError(
            f"no dataset is built under ./{ROOT}: `dvtr-bench build NAME` builds one, "
            "`dvtr-bench datasets` lists what can be built"
        )
    found: list[tuple[BuiltDataset, Weights]] = []
    problems: list[NotFoundError | ProtocolError] = []
    seeds_left_out: list[str] = []
    for built in wanted:
        try:
            _require_split(built, split)
            folder = None
            if checkpoint is not None:
                folder = checkpoint_folder(checkpoint)
            elif needs_checkpoint:
                folder = find_checkpoint(model, built.name, runs)
                _require_same_build(built, folder)
            found.append((built, Weights(model, folder, backbone)))
            if folder is not None:
                others, told = _other_seeds(folder, built.name, all_seeds)
                found += [(built, Weights(model, other, backbone)) for other in others]
                seeds_left_out += told
        except (NotFoundError, ProtocolError) as problem:
            problems.append(problem)
    if len(problems) == 1 and not found:
        raise problems[0]
    if not found:
        reasons = "\n".join(f"- {problem}" for problem in problems)
        raise NotFoundError(
            f"{model} cannot be evaluated on any dataset under ./{ROOT}:\n{reasons}"
        )
    return Plan(tuple(found), (*map(str, problems), *seeds_left_out))


@dataclass(frozen=True)
class Written:
    """What an evaluation left on disk.

    Attributes:
        records: Its records.
        paths: Result files and the contact sheet.
    """

    records: tuple[RunRecord, ...]
    paths: tuple[Path, ...]


def evaluate_and_write(
    weights: Weights,
    split: "RetrievalSplit",
    results: Path,
    *,
    device: str = "cpu",
    post_process: Sequence[PostProcess] = (),
    bank: "RetrievalSplit | None" = None,
    cache: bool = True,
    top: int = EvaluationConfig.top_k,
    processes: Processes = ALONE,
    show_progress: bool = True,
) -> Written:
    """Evaluate a model on a split and write its result files and a contact sheet.

    Args:
        weights: The model.
        split: What to evaluate on.
        results: Folder for the files.
        device: Where to compute.
        post_process: What to do to the scores afterwards, each into a result file of its own.
        bank: The train split of the same dataset, for a post-processor that needs it.
        cache: Whether backbone features are kept beside the dataset and read from there.
        top: Candidates of each query to keep beside the result file.
        processes: Those that share the work; the first one writes.
        show_progress: Whether to show progress bars.

    Returns:
        What was written; no paths in the other processes.
    """
    evaluation = evaluate(
        weights.load(device),
        split,
        config=EvaluationConfig(cache=cache, top_k=top),
        **origin_of(weights.description()),
        post_process=post_process,
        bank=bank,
        processes=processes,
        show_progress=show_progress,
    )
    return write_evaluation(evaluation, split, results, processes)


def write_evaluation(
    evaluation: Evaluation,
    split: "RetrievalSplit",
    results: Path,
    processes: Processes = ALONE,
) -> Written:
    """Write the result files of an evaluation, and a contact sheet where there are frames.

    Args:
        evaluation: Of the split.
        split: What was evaluated on.
        results: Folder for the files.
        processes: Those that shared the work; the first one alone writes.

    Returns:
        What this process wrote.
    """
    if not processes.is_first:
        return Written(evaluation.records, ())
    paths = []
    for record, lists in zip(evaluation.records, evaluation.top, strict=True):
        path = write_result(record, results)
        paths += [path, write_top_lists(lists, path)]
    if split.has_frames:
        sheet = results / f"{file_stem(evaluation.records[0])}.png"
        paths.append(draw_top_videos(evaluation, split, sheet))
    return Written(evaluation.records, tuple(paths))


def draw_top_videos(
    evaluation: Evaluation, split: "RetrievalSplit", path: Path, queries: int = SHEET_QUERIES
) -> Path:
    """Draw a few queries with their best videos.

    Args:
        evaluation: Of the split.
        split: With frames.
        path: The PNG to write.
        queries: How many queries, each of another video, spread evenly over the split.

    Returns:
        The path written.
    """
    record = evaluation.records[0]
    ranks = record.rank_table.ranks["t2v"]["strict"].pessimistic
    own = split.caption_video_index
    row_of = {video_id: row for row, video_id in enumerate(split.video_ids)}
    rows = []
    for query in _spread(own, queries):
        found = evaluation.top[0]["t2v"].candidate_ids[query][:SHEET_CLIPS]
        tiles = [
            Tile(
                split.frames(row_of[video_id]),
                f"{number} · {video_id}",
                relevant=row_of[video_id] == own[query],
            )
            for number, video_id in enumerate(found, start=1)
        ]
        note = f"its clip is ranked {int(ranks[query])} of {len(split.video_ids)}"
        rows.append(Row(split.captions[query], note, tiles))
    title = f"{record.label} on {split.dataset_name}, {split.name}: the five best clips"
    return save_contact_sheet(title, rows, path)


def _spread(caption_video_index: "NDArray[np.int64]", queries: int) -> list[int]:
    """Choose queries of different videos, spread evenly, now the first caption, now the last."""
    videos = np.unique(caption_video_index)
    queries = min(queries, len(videos))
    chosen = []
    for place in range(queries):
        video = videos[(2 * place + 1) * len(videos) // (2 * queries)]
        captions = np.flatnonzero(caption_video_index == video)
        chosen.append(int(captions[-1 - place % len(captions)]))
    return chosen


def _other_seeds(folder: Path, dataset: str, wanted: bool) -> tuple[list[Path], list[str]]:
    """Return the checkpoints of the other seeds to evaluate, and why the rest is left out."""
    others = find_other_seeds(folder)
    if not wanted:
        seeds = ", ".join(map(str, others.checkpoints))
        told = f"{dataset}: the same setup trained with seed {seeds}: --all-seeds evaluates it too"
        return [], [told] if seeds else []
    return list(others.checkpoints.values()), [
        f"{dataset}: seed {seed} is not finished ({run}): run the same `dvtr-bench train` again"
        for seed, run in others.unfinished.items()
    ]


def _require_split(built: BuiltDataset, split: str) -> None:
    if not built.split(split).has_frames:
        raise NotFoundError(
            f"{built.folder} was built with --annotations-only and has no frames to evaluate on: "
            "build it again with its clips"
        )


def _require_same_build(built: BuiltDataset, folder: Path) -> None:
    trained = read_checkpoint_config(folder)["training"].get("dataset", {})
    if trained.get("fingerprint") != built.manifest.fingerprint:
        raise ProtocolError(
            f"the newest checkpoint for {built.name}, {folder}, was trained on another build of it "
            f"(fingerprint {str(trained.get('fingerprint'))[:12]}, this one has "
            f"{built.manifest.fingerprint[:12]}), whose train split may hold clips of this test "
            f"split: train again, or name the checkpoint with --checkpoint"
        )
