"""Works through a study: what is there is kept, what is missing is handed to an executor."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from dvtr_bench.errors import BusyError, StudyError
from dvtr_bench.studies.carry_out import Task
from dvtr_bench.studies.executors.events import Ended, Event, Failed, Gave, Started
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.plan import Backbone, Build, Run, backbone_run, make_runs, with_backbone
from dvtr_bench.studies.timing import about_seconds, estimate_seconds

if TYPE_CHECKING:
    from dvtr_bench.results import RunRecord
    from dvtr_bench.studies.study import Study

_NOT_KNOWN: Final = "not known yet"

Executor: TypeAlias = Callable[[Sequence[Task]], Iterator[Event]]
"""Carries runs out and tells what happens."""


@dataclass(frozen=True)
class Worked:
    """What a study came to.

    Attributes:
        runs: All of them.
        ledger: What is there now.
        failures: Why runs failed, one text each.
    """

    runs: tuple[Run, ...]
    ledger: Ledger
    failures: tuple[str, ...] = ()

    def rows(self, dataset: str) -> dict[str, list["RunRecord"]]:
        """Return the results of each row on a dataset, one a seed; rows without any left out."""
        found: dict[str, list[RunRecord]] = {}
        for run in self.runs:
            for scoring in run.scorings if run.dataset.name == dataset else ():
                record = self.ledger.record(run, scoring)
                for name in scoring.rows if record else ():
                    found.setdefault(name, []).append(record)  # type: ignore[arg-type]
        return found

    def records(self) -> list["RunRecord"]:
        """Return all results of the study, and with them what its evaluations gave beside."""
        found: list[RunRecord] = []
        for run in self.runs:
            for scoring in run.scorings:
                record = self.ledger.record(run, scoring)
                found += [record] if record else []
                found += self.ledger.companions(run, scoring)
        return list({id(record): record for record in found}.values())


def plan_study(study: "Study", datasets: Sequence[Build], ledger: Ledger) -> tuple[Run, ...]:
    """Plan a study without doing anything, nor fetching weights.

    Args:
        study: The study.
        datasets: Its datasets, built or not.
        ledger: What is there.

    Returns:
        All runs, those that train its own backbones first. What is not known yet, such as the
        weights of a backbone that is to be trained, equals nothing that is there.
    """
    finder = _Backbones(study, ledger, fetch=False)
    backbones: list[Run] = []
    runs: list[Run] = []
    for dataset in datasets:
        backbones += finder.own_runs(dataset)
        found = {name: finder.find(name, dataset) for name in finder.names}
        known = {name: one or Backbone(name, _NOT_KNOWN) for name, one in found.items()}
        runs += make_runs(study, dataset, known)
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
    """Train and evaluate what is missing of a study.

    The same call goes on after any stop. Runs that fail do not keep others from being done.

    Args:
        study: The study.
        datasets: Its datasets, built.
        out: Folder of ``runs/`` and ``results/``, which other studies may share.
        executor: Carries runs out.
        tell: Takes one line before each run.
        workers: How many runs go on at a time, for the estimate.

    Returns:
        What it came to.

    Raises:
        BusyError: Another process works in that folder.
        StudyError: A backbone cannot be trained.
        DvtrError: Weights are missing, or a run folder or result file is damaged.
    """
    with _alone(out):
        ledger = Ledger.open(out)
        finder = _Backbones(study, ledger, fetch=True)
        bench = _Bench(ledger, executor, tell, workers)
        if failures := bench.do([run for one in datasets for run in finder.own_runs(one)]):
            raise StudyError(f"a backbone cannot be trained: {failures[0]}")
        runs: list[Run] = []
        for dataset in datasets:
            found = {name: finder.find(name, dataset) for name in finder.names}
            runs += make_runs(study, dataset, {name: one for name, one in found.items() if one})
        return Worked(tuple(runs), ledger, tuple(bench.do(runs)))


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other studies out of a folder; the lock ends with the process that holds it."""
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / ".study.lock")
    try:
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
        """What rows call their backbones."""
        return list({row.backbone: None for row in self.study.rows})

    def own_runs(self, dataset: Build) -> list[Run]:
        """Return the runs that train backbones of the study on a dataset."""
        runs = (self._own_run(name, dataset) for name in self.names)
        return [run for run in runs if run is not None]

    def find(self, name: str, dataset: Build) -> Backbone | None:
        """Return a backbone by the name that rows call it; None where it is not to be had yet."""
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
        own = self.study.backbones.get(name)
        if own is None:
            return None
        start = str(own.settings["backbone"])
        found = self._identified(start, own.model)
        return backbone_run(self.study, own, dataset, found or Backbone(start, _NOT_KNOWN))

    def _identified(self, name: str, model: str) -> Backbone | None:
        if name not in self._found:
            self._found[name] = self._identify(name, model)
        return self._found[name]

    def _identify(self, name: str, model: str) -> Backbone | None:
        from dvtr_bench.evaluation.facts import described
        from dvtr_bench.models.entry import model_entry

        if "/" in name and Backbone(name, "").weights is None:
            # Weights by tag: what runs or results state of them need not be read again.
            known = self.ledger.known_backbone(name)
            if known is not None or not self.fetch:
                return known
        built = model_entry(model).build(with_backbone(model, {}, name))
        stated = described(built).get("backbone") or {}
        return Backbone.of(name, stated.get("source"), stated.get("weights_sha256"))


@dataclass
class _Bench:
    """Hands runs to the executor and keeps what they give."""

    ledger: Ledger
    executor: Executor
    tell: Callable[[str], None]
    workers: int

    def do(self, runs: Sequence[Run]) -> list[str]:
        """Do what is missing of some runs; return why some failed."""
        todo = [run for run in runs if not self.ledger.is_done(run)]
        kept = len(runs) - len(todo)
        if kept and todo:
            self.tell(f"{kept} of {len(runs)} runs are there already")
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
                number = kept + event.index + 1
                seconds = estimate_seconds(left, runs, self.ledger)
                about = ""
                if seconds is not None:
                    about = f" · {about_seconds(seconds / max(self.workers, len(going)))} left"
                self.tell(f"{number} of {len(runs)} · {run.label} · {event.where}{about}")
            elif isinstance(event, Gave):
                self.ledger.take(run, event.made)
            elif isinstance(event, Failed):
                failures.append(f"{run.label}: {event.message}")
                self.tell(f"failed · {failures[-1]}")
            if isinstance(event, Ended | Failed):
                left.remove(run)
                going.discard(event.index)
        return failures
