"""Carries an ablation out: trains and evaluates what is not there yet, keeps what is."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.ablation.plan import Job, Plan, Training
from dvtr_bench.ablation.variant import Ablations, Variant
from dvtr_bench.catalog import MODELS
from dvtr_bench.protocol import PROTOCOL_VERSION
from dvtr_bench.results import RunRecord, load_results, write_result
from dvtr_bench.runtime.checkpoint import (
    RUN_FILE,
    checkpoint_folder,
    load_checkpoint,
    new_model,
    read_checkpoint_config,
    read_json,
)
from dvtr_bench.training.run import comparable
from dvtr_bench.training.splits import training_splits

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.evaluation.evaluate import Evaluation
    from dvtr_bench.training.recipe import Recipe

SPLIT: Final = "test"
"""What is evaluated; validation has chosen the checkpoints."""


@dataclass(frozen=True)
class Workshop:
    """Where and how an ablation is carried out.

    Attributes:
        ablations: The model's.
        built: The dataset.
        recipe: Of every training, but for its seed.
        out: Folder of the runs and result files.
        device: Such as ``cpu`` or ``cuda:0``.
        workers: Threads that decode frames.
    """

    ablations: Ablations
    built: "BuiltDataset"
    recipe: "Recipe"
    out: Path
    device: str = "cpu"
    workers: int = 2

    @property
    def results(self) -> Path:
        """Folder of the result files."""
        return self.out / "results"

    def run_folder(self, training: Training, seed: int) -> Path:
        """Return the run folder of one seed of a training."""
        name = f"{training.name.replace('=', '_')}-seed{seed}"
        return self.out / "runs" / self.built.name / self.ablations.model / name


def run_ablation(
    plan: Plan, workshop: Workshop, report: Callable[[str], None]
) -> dict[str, list[RunRecord]]:
    """Train and evaluate all that a plan holds, one seed after the other.

    What a run folder or a result file already has is kept, so the same call goes on after a stop.

    Args:
        plan: What is wanted.
        workshop: Where and how.
        report: Takes one line before each piece of work.

    Returns:
        The runs of each variant by its name, one a seed, in order of the table.

    Raises:
        ConfigError: A run folder holds a training of another setup.
        NotFoundError: The dataset lacks a split, or the backbone is not to be had.
    """
    known = load_results(workshop.results) if workshop.results.is_dir() else []
    bench = _Bench(workshop, known)
    total = len(plan.jobs) * len(plan.seeds)
    found: dict[str, list[RunRecord]] = {
        variant.name: [] for variant in workshop.ablations.variants if variant.name in plan.names
    }
    steps = [(seed, job) for seed in plan.seeds for job in plan.jobs]
    for number, (seed, job) in enumerate(steps, start=1):
        told = f"{number} of {total} · {job.name} · seed {seed}"
        kept = bench.finished(job, seed)
        report(f"{told} · kept" if kept else told)
        for name, record in (kept or bench.carry_out(job, seed)).items():
            found[name].append(record)
    return found


def count_finished(training: Training, plan: Plan, workshop: Workshop) -> int:
    """Say how many seeds of a training have been trained, by what their run folders state."""
    runs = [workshop.run_folder(training, seed) / RUN_FILE for seed in plan.seeds]
    return sum(bool(read_json(run).get("finished")) for run in runs if run.is_file())


class _Bench:
    """The work on one ablation, with what is already known of it."""

    def __init__(self, workshop: Workshop, known: list[RunRecord]) -> None:
        self._workshop = workshop
        self._known = known
        self._config_class = MODELS.load(workshop.ablations.model).Config
        self._backbones: dict[str, Any] = {}

    def finished(self, job: Job, seed: int) -> dict[str, RunRecord] | None:
        """Return what a job gives where all of it is there, else None."""
        folder = self._workshop.run_folder(job.training, seed)
        if not self._is_trained(job.training, seed, folder):
            return None
        description = read_checkpoint_config(checkpoint_folder(folder))
        found = {
            variant.name: record
            for variant in job.variants
            for record in list(self._matching(job, variant, description))[:1]
        }
        return found if len(found) == len(job.variants) else None

    def carry_out(self, job: Job, seed: int) -> dict[str, RunRecord]:
        """Train what is not trained, evaluate, write the result files."""
        folder = self._workshop.run_folder(job.training, seed)
        if self._is_trained(job.training, seed, folder):
            checkpoint = checkpoint_folder(folder)
        else:
            checkpoint = self._train(job.training, seed, folder)
        description = read_checkpoint_config(checkpoint)
        evaluation = self._evaluate(job, seed, checkpoint, description)
        # With other scoring of the same weights, block 1 would be what the full model gave.
        records = evaluation.records[:1] if job.scoring else evaluation.records
        for record in records:
            write_result(record, self._workshop.results)
            self._known.append(record)
        return {
            variant.name: next(self._matching(job, variant, description))
            for variant in job.variants
        }

    def _train(self, training: Training, seed: int, folder: Path) -> Path:
        from dvtr_bench.training.train import train

        workshop = self._workshop
        return train(
            new_model(workshop.ablations.model, training.settings, seed=seed),
            *training_splits(workshop.built),
            replace(workshop.recipe, seed=seed),
            folder,
            device=workshop.device,
            workers=workshop.workers,
        )

    def _evaluate(
        self, job: Job, seed: int, checkpoint: Path, description: Mapping[str, Any]
    ) -> "Evaluation":
        import torch

        from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
        from dvtr_bench.evaluation.facts import training_facts

        workshop = self._workshop
        model = load_checkpoint(checkpoint).to(torch.device(workshop.device)).eval()
        if job.scoring:
            captions = workshop.built.split("train").captions
            model = workshop.ablations.with_scoring(model, job.scoring, captions)
        return evaluate(
            model,
            workshop.built.split(SPLIT),
            config=EvaluationConfig(cache=True),
            checkpoint_sha256=description["weights_sha256"],
            seeds=(seed,),
            training=training_facts(description),
        )

    def _is_trained(self, training: Training, seed: int, folder: Path) -> bool:
        """Say whether a run folder holds this very training, finished; builds no model of it."""
        if not (folder / RUN_FILE).is_file():
            return False
        state = read_json(folder / RUN_FILE)
        if not state.get("finished"):
            return False
        setup, manifest = comparable(state["setup"]), self._workshop.built.manifest
        found = (
            setup["model"]["config"],
            setup["model"]["backbone"],
            setup["dataset"]["fingerprint"],
            setup["recipe"],
        )
        return found == (
            self._config(training.settings),
            self._backbone(training),
            manifest.fingerprint,
            _as_json(replace(self._workshop.recipe, seed=seed).as_mapping()),
        )

    def _matching(
        self, job: Job, variant: Variant, description: Mapping[str, Any]
    ) -> Iterator[RunRecord]:
        config = self._config({**job.training.settings, **variant.settings})
        for record in self._known:
            if (
                record.model.checkpoint_sha256 == description["weights_sha256"]
                and _as_json(record.model.config) == config
                and record.scoring.post_processing == "none"
                and record.dataset.fingerprint == self._workshop.built.manifest.fingerprint
                and record.dataset.split == SPLIT
                and record.protocol_version == PROTOCOL_VERSION
            ):
                yield record

    def _config(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return _as_json(self._config_class.from_mapping(dict(settings)).as_mapping())

    def _backbone(self, training: Training) -> dict[str, Any]:
        """Describe the backbone that trainings start from; its weights are read once."""
        name = str(training.settings.get("backbone"))
        if name not in self._backbones:
            model = new_model(self._workshop.ablations.model, training.settings, seed=0)
            self._backbones[name] = _as_json(model.describe()["backbone"])
        return self._backbones[name]  # type: ignore[no-any-return]


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what reading it back gives: tuples become lists."""
    read: dict[str, Any] = json.loads(json.dumps(value))
    return read
