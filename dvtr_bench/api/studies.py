"""Studies from Python: run or list a study file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.runtime.files import written_together
from dvtr_bench.runtime.terminal import count_of
from dvtr_bench.studies.choices import Choices, choose
from dvtr_bench.studies.read import read_study
from dvtr_bench.studies.study import Study, StudyDataset

if TYPE_CHECKING:
    from dvtr_bench.results import RunRecord
    from dvtr_bench.studies.work import Executor, Worked
    from leaderboard.leaderboard import Leaderboard


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult:
    """The outcome of a study.

    Attributes:
        study: The study as it was run.
        leaderboard: The boards of its results and the study's own figures; None without results.
        records: Its results.
        results: Folder of the result files.
        leaderboard_page: Its leaderboard as a Markdown page; None if the study has none.
        page: Its own page; None if the study has none.
        failures: One sentence for each failed run.
        num_runs: Number of runs.
    """

    study: Study
    leaderboard: "Leaderboard | None"
    records: "Sequence[RunRecord]"
    results: Path
    leaderboard_page: Path | None
    page: Path | None
    failures: Sequence[str]
    num_runs: int

    def print(self) -> None:
        """Print its leaderboard and its own tables, if the study has them."""
        if self.leaderboard is not None and self.leaderboard_page is not None:
            self.leaderboard.print()
        if self.leaderboard is not None and self.page is not None:
            self.leaderboard.print_study()

    def __repr__(self) -> str:
        """Name, number of runs and results."""
        return (
            f"StudyResult({self.study.name}: {count_of(self.num_runs, 'run')}, "
            f"{len(self.failures)} failed, "
            f"{count_of(len(self.records), 'result')} in {str(self.results)!r})"
        )

    def _repr_html_(self) -> str:
        return "" if self.leaderboard is None else self.leaderboard._repr_html_()


def run_study(
    study: "str | Path | Study",
    *,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (),
    backbone_seed: int | None = None,
    settings: Sequence[str] = (),
    recipe: Sequence[str] = (),
    datasets: Sequence[str] = (),
    clips: Sequence[str] = (),
    annotations: Sequence[str] = (),
    out: str | Path = ".",
    root: str | Path = ROOT,
    pages: str | Path | None = None,
    devices: str = "auto",
    executor: str = "local",
    address: str | None = None,
    workers: int = 2,
    report: Callable[[StudyResult], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> StudyResult:
    """Build, train and evaluate what a study names, and make its leaderboard and page.

    Existing runs are kept, so the same call continues after an interruption, and studies in one
    folder share common runs.

    Args:
        study: A study file (``*.toml``), one of the package such as ``all-models``, or a study.
        only: Models of the study to run, in addition to its reference; all if empty.
        seeds: Seeds instead of the study's.
        backbone_seed: Seed instead of the study's.
        settings: Settings of all models, ``name=value``.
        recipe: Recipe fields of all trainings, ``name=value``.
        datasets: Names or folders of built datasets, instead of the study's.
        clips: Folders or zips of clips to build from: ``PATH``, or ``NAME=PATH`` for each dataset.
        annotations: Folders of annotation files, likewise; or ``auto``, which fetches them.
        out: Folder of runs and result files.
        root: Folder of the datasets.
        pages: Folder of the pages; None for ``out/studies/NAME``.
        devices: ``auto``, ``cpu`` or a GPU's number; several, such as ``0,1``, each get a process.
        executor: ``local``, or ``ray`` to use all GPUs of a Ray cluster.
        address: Of the Ray cluster; None for the one that this machine is in.
        workers: Threads that decode frames.
        report: Called with the result after the pages are written, also if runs failed.
        tell: Called with a line about each step.

    Returns:
        Records, leaderboard and pages.

    Raises:
        NotFoundError: No such study, model or dataset, or a dataset cannot be built.
        ConfigError: A setting that does not fit.
        StudyError: Runs failed; the same call tries them again.

    Example:
        >>> import dvtr_bench as dvtr
        >>> result = dvtr.run_study("all-models", datasets=["toy"], only=["clip_zeroshot"],
        ...                         settings=["backbone=tiny"], devices="cpu")  # doctest: +SKIP
        >>> result.leaderboard  # doctest: +SKIP
    """
    from builders.study_datasets import is_built, open_or_build, require_buildable
    from dvtr_bench.errors import StudyError
    from dvtr_bench.studies.plan import Build
    from dvtr_bench.studies.work import work_through

    say = tell or (lambda line: None)
    choices = Choices(only, seeds, backbone_seed, settings, recipe, datasets)
    chosen_study, study_datasets = _chosen(study, choices, clips, annotations)
    out_folder, root = Path(out), Path(root)
    run_tasks, num_workers = _executor(devices, executor, address, workers, out_folder)
    for dataset in study_datasets:
        require_buildable(dataset, root)
    built = []
    for dataset in study_datasets:
        if not is_built(dataset, root):
            say(f"building {dataset.name}")
        built.append(Build.of(open_or_build(dataset, root)))
    worked = work_through(chosen_study, built, out_folder, run_tasks, say, workers=num_workers)
    folder = out_folder / "studies" / chosen_study.name if pages is None else Path(pages)
    result = _finished(chosen_study, worked, folder)
    if report is not None:
        report(result)
    if worked.failures:
        failures = "\n".join(f"- {failure}" for failure in worked.failures)
        raise StudyError(
            f"{len(worked.failures)} of {count_of(len(worked.runs), 'run')} "
            f"failed:\n{failures}\nThe same command tries them again"
        )
    return result


def list_study(
    study: "str | Path | Study",
    *,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (),
    settings: Sequence[str] = (),
    recipe: Sequence[str] = (),
    datasets: Sequence[str] = (),
    clips: Sequence[str] = (),
    annotations: Sequence[str] = (),
    out: str | Path = ".",
    root: str | Path = ROOT,
    devices: str = "auto",
) -> list[str]:
    """List what `run_study` would do with the same arguments, without doing it.

    Args:
        study: As for `run_study`, like the other arguments.
        only: Models of the study to run, in addition to its reference.
        seeds: Seeds instead of the study's.
        settings: Settings of all models.
        recipe: Recipe fields of all trainings.
        datasets: Datasets instead of the study's.
        clips: Folders or zips of clips to build from.
        annotations: Folders of annotation files, or ``auto``.
        out: Folder of runs and result files.
        root: Folder of the datasets.
        devices: The devices that share the runs.

    Returns:
        Lines: the datasets, the runs, what is done and, once something was timed, how long the rest
            takes.

    Raises:
        DvtrError: As `run_study`.

    Example:
        >>> import dvtr_bench as dvtr
        >>> lines = dvtr.list_study("msam-ablation", datasets=["toy"], seeds=[1],
        ...                         settings=["backbone=tiny"])
        >>> any("toy" in line for line in lines)
        True
    """
    from builders.study_datasets import is_built, open_or_build
    from dvtr_bench.studies.ledger import Ledger
    from dvtr_bench.studies.listing import list_study as lines_of
    from dvtr_bench.studies.plan import Build
    from dvtr_bench.studies.work import plan_study

    choices = Choices(only, seeds, None, settings, recipe, datasets)
    chosen_study, study_datasets = _chosen(study, choices, clips, annotations)
    root = Path(root)
    builds = [
        Build.of(open_or_build(dataset, root))
        if is_built(dataset, root)
        else Build(dataset.name, root / dataset.name)
        for dataset in study_datasets
    ]
    ledger = Ledger.open(Path(out))
    runs = plan_study(chosen_study, builds, ledger)
    return list(lines_of(chosen_study, builds, runs, ledger, len(devices.split(","))))


def open_study(study: str | Path) -> Study:
    """Read a study, checking its backbones against this installation.

    Args:
        study: A study file, or a study of the package.

    Returns:
        The study.

    Raises:
        NotFoundError: No such study.
        ConfigError: The file is wrong; the message names the line.
    """
    from baselines.weights.backbone_spec import parse_backbone

    return read_study(study, parse_backbone)


def _chosen(
    study: "str | Path | Study", choices: Choices, clips: Sequence[str], annotations: Sequence[str]
) -> tuple[Study, tuple[StudyDataset, ...]]:
    """Return the chosen study, and its datasets with their inputs."""
    from baselines.weights.backbone_spec import parse_backbone
    from builders.study_datasets import with_inputs
    from dvtr_bench.errors import NotFoundError

    read = study if isinstance(study, Study) else open_study(study)
    chosen = choose(read, choices, parse_backbone)
    if not chosen.datasets:
        raise NotFoundError(f"the study {chosen.name} names no dataset: --dataset NAME says which")
    return chosen, with_inputs(chosen.datasets, clips, annotations)


def _executor(
    devices: str, executor: str, address: str | None, workers: int, out: Path
) -> "tuple[Executor, int]":
    """Return the executor, and the number of runs at a time."""
    from dvtr_bench.errors import ConfigError
    from dvtr_bench.runtime.processes import choose_device
    from dvtr_bench.studies.carry_out import Means
    from dvtr_bench.studies.executors.local import run_here, run_on_devices

    if executor not in ("local", "ray"):
        raise ConfigError(f"--executor: expected local or ray, found {executor!r}")
    means = Means(workers=workers)
    if executor == "ray":
        if devices != "auto":
            raise ConfigError("--devices is for this machine: leave it out with --executor ray")
        from dvtr_bench.studies.executors.ray import run_on_ray

        return partial(run_on_ray, address=address, means=means, out=out), 1
    if address is not None:
        raise ConfigError("--address names a Ray cluster: it goes with --executor ray")
    names = [name.strip() for name in devices.split(",")]
    chosen = [choose_device(f"cuda:{name}" if name.isdigit() else name) for name in names]
    if len(chosen) == 1:
        return partial(run_here, means=replace(means, device=chosen[0])), 1
    return partial(run_on_devices, devices=chosen, means=means), len(chosen)


def _finished(study: Study, worked: "Worked", folder: Path) -> StudyResult:
    """Write the pages of a study from its result files."""
    from leaderboard.board import make_boards
    from leaderboard.leaderboard import Leaderboard
    from leaderboard.study.figures import make_figures

    records = worked.records()
    leaderboard = board_page = page = None
    if records:
        study_figures = [
            make_figures(study, rows)
            for name in {run.dataset.name: None for run in worked.runs if study.page is not None}
            if (rows := worked.rows(name))
        ]
        leaderboard = Leaderboard(make_boards(records), records, study_figures)
        with written_together():
            if study.leaderboard is not None:
                board_page = leaderboard.write(folder / study.leaderboard)
            if study.page is not None:
                page = leaderboard.write_study(folder)
    return StudyResult(
        study=study,
        leaderboard=leaderboard,
        records=records,
        results=worked.ledger.results,
        leaderboard_page=board_page,
        page=page,
        failures=worked.failures,
        num_runs=len(worked.runs),
    )
