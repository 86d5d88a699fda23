"""Work through a study: keep what exists, hand what is missing to an executor."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from dvtr_bench.errors import BusyError, StudyError
from dvtr_bench.runtime.writing import writing
from dvtr_bench.studies.carry_out import Task
from dvtr_bench.studies.executors.events import Ended, Event, Failed, Gave, Started
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.listing import about_seconds, estimate_seconds
from dvtr_bench.studies.plan import Backbone, Build, Run, backbone_run, make_runs, with_backbone

if TYPE_CHECKING:
    from dvtr_bench.results import RunRecord
    from dvtr_bench.studies.study import Study

_NOT_KNOWN: Final = "not known yet"

Executor: TypeAlias = Callable[[Sequence[Task]], Iterator[Event]]
"""Carries out runs and yields events."""


@dataclass(frozen=True)
class Worked:
    """The outcome of a study.

    Attributes:
        runs: All runs.
        ledger: Existing runs and results.
        failures: Why runs failed, one text each.
    """

    runs: tuple[Run, ...]
    ledger: Ledger
    failures: tuple[str, ...] = ()

    def rows(self, dataset: str) -> dict[str, list["RunRecord"]]:
        """Return the results of each row with results on a dataset, one per seed."""
        results: dict[str, list[RunRecord]] = {}
        for run in self.runs:
            for scoring in run.scorings if run.dataset.name == dataset else ():
                record = self.ledger.record(run, scoring)
                for name in scoring.rows if record else ():
                    results.setdefault(name, []).append(record)  # type: ignore[arg-type]
        return results

    def records(self) -> list["RunRecord"]:
        """Return all results of the study, including the additional ones of its evaluations."""
        records: list[RunRecord] = []
        for run in self.runs:
            for scoring in run.scorings:
                record = self.ledger.record(run, scoring)
                records += [record] if record else []
                records += self.ledger.companions(run, scoring)
        return list({id(record): record for record in records}.values())


def plan_study(study: "Study", datasets: Sequence[Build], ledger: Ledger) -> tuple[Run, ...]:
    """Plan a study without running or downloading anything.

    Args:
        study: The study.
        datasets: Its datasets, built or not.
        ledger: Existing runs and results.

    Returns:
        All runs, those that train its own backbones first. Backbones that are not trained yet
        match no existing result.
    """
    finder = _Backbones(study, ledger, fetch=False)
    backbones: list[Run] = []
    runs: list[Run] = []
    for dataset in datasets:
        backbones += finder.own_runs(dataset)
        found_backbones = {name: finder.find(name, dataset) for name in finder.names}
        backbones_by_name = {
            name: backbone or Backbone(name, _NOT_KNOWN)
            for name, backbone in found_backbones.items()
        }
        runs += make_runs(study, dataset, backbones_by_name)
    return (*backbones, *runs)


def work_through(
    study: "Study",
    datasets: Sequence[Build],
    out: Path,
    executor: Executor,
    tell: Callable[[str], None],
    *,
    workers: int = 1,
) -> Worked:
    """Do the missing trainings and evaluations of a study.

    After an interruption, the same call continues. Failed runs do not stop others.

    Args:
        study: The study.
        datasets: Its datasets, built.
        out: Folder of ``runs/`` and ``results/``, which other studies may share.
        executor: Carries out runs.
        tell: Called with a line of text before each run.
        workers: Number of runs at a time, for the estimate.

    Returns:
        The outcome.

    Raises:
        BusyError: Another process works in that folder.
        StudyError: A backbone cannot be trained.
        DvtrError: Weights are missing, or a run folder or result file is damaged.
    """
    with _locked(out):
        ledger = Ledger.open(out)
        finder = _Backbones(study, ledger, fetch=True)
        bench = _Bench(ledger, executor, tell, workers)
        if failures := bench.do([run for dataset in datasets for run in finder.own_runs(dataset)]):
            raise StudyError(f"a backbone cannot be trained: {failures[0]}")
        runs: list[Run] = []
        for dataset in datasets:
            backbones = {
                name: backbone for name in finder.names if (backbone := finder.find(name, dataset))
            }
            runs += make_runs(study, dataset, backbones)
        return Worked(tuple(runs), ledger, tuple(bench.do(runs)))


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Lock a folder against other studies; the lock ends with its process."""
    from filelock import FileLock, Timeout

    lock = FileLock(out / ".study.lock")
    try:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(
            f"another `dvtr-bench run` is at work in {out}: wait for it, or use another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Backbones:
    """Finds the backbones of a study, each once."""

    study: "Study"
    ledger: Ledger
    fetch: bool
    _found: dict[str, Backbone | None] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the backbones in the rows."""
        return list({row.backbone: None for row in self.study.rows})

    def own_runs(self, dataset: Build) -> list[Run]:
        """Return the runs that train backbones of the study on a dataset."""
        runs = (self._own_run(name, dataset) for name in self.names)
        return [run for run in runs if run is not None]

    def find(self, name: str, dataset: Build) -> Backbone | None:
        """Return a backbone by its name in the rows; None if it is not trained yet."""
        from dvtr_bench.runtime.checkpoint import checkpoint_folder

        model = next(row.model for row in self.study.rows if row.backbone == name)
        run = self._own_run(name, dataset)
        if run is None:
            return self._identified(name, model)
        if not self.ledger.is_trained(run):
            return None
        architecture = run.backbone.name.partition("/")[0]
        folder = checkpoint_folder(self.ledger.folder(run))
        return self._identified(f"{architecture}/{folder}", model)

    def _own_run(self, name: str, dataset: Build) -> Run | None:
        trained_backbone = self.study.backbones.get(name)
        if trained_backbone is None:
            return None
        start = str(trained_backbone.settings["backbone"])
        start_backbone = self._identified(start, trained_backbone.model)
        return backbone_run(
            self.study, trained_backbone, dataset, start_backbone or Backbone(start, _NOT_KNOWN)
        )

    def _identified(self, name: str, model: str) -> Backbone | None:
        if name not in self._found:
            self._found[name] = self._identify(name, model)
        return self._found[name]

    def _identify(self, name: str, model: str) -> Backbone | None:
        from dvtr_bench.evaluation.facts import described
        from dvtr_bench.models.entry import model_entry

        if "/" in name and Backbone(name, "").weights is None:
            # Weights by tag: if runs or results state their hash, they need not be read again.
            known_backbone = self.ledger.known_backbone(name)
            if known_backbone is not None or not self.fetch:
                return known_backbone
        built = model_entry(model).build(with_backbone(model, {}, name))
        stated = described(built).get("backbone") or {}
        return Backbone.of(name, stated.get("source"), stated.get("weights_sha256"))


@dataclass
class _Bench:
    """Hands runs to the executor and stores their results."""

    ledger: Ledger
    executor: Executor
    tell: Callable[[str], None]
    workers: int

    def do(self, runs: Sequence[Run]) -> list[str]:
        """Do the missing parts of runs; return the messages of failed ones."""
        todo = [run for run in runs if not self.ledger.is_done(run)]
        num_done = len(runs) - len(todo)
        if num_done and todo:
            self.tell(f"{num_done} of {len(runs)} runs are done already")
        tasks = [
            Task(replace(run, scorings=self.ledger.missing(run)), self.ledger.folder(run))
            for run in todo
        ]
        failures: list[str] = []
        left, going = list(todo), set()
        for event in self.executor(tasks):
            run = todo[event.index]
            if isinstance(event, Started):
                going.add(event.index)
                number = num_done + event.index + 1
                seconds = estimate_seconds(left, runs, self.ledger)
                time_left = ""
                if seconds is not None:
                    time_left = f" · {about_seconds(seconds / max(self.workers, len(going)))} left"
                self.tell(f"{number} of {len(runs)} · {run.label} · {event.where}{time_left}")
            elif isinstance(event, Gave):
                self.ledger.take(run, event.made)
            elif isinstance(event, Failed):
                failures.append(f"{run.label}: {event.message}")
                self.tell(f"failed · {failures[-1]}")
            if isinstance(event, Ended | Failed):
                left.remove(run)
                going.discard(event.index)
        return failures
