"""Studies from Python: what is trained and compared is one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.studies.choices import Choices, choose
from dvtr_bench.studies.read import read_study
from dvtr_bench.studies.study import Study, StudyDataset

if TYPE_CHECKING:
    from dvtr_bench.results import RunRecord
    from dvtr_bench.studies.work import Executor, Worked
    from leaderboard.leaderboard import Leaderboard


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult:
    """What a study came to.

    Attributes:
        study: As it was run.
        leaderboard: The boards of its results and the study's own figures; None without results.
        records: Its results.
        results: Folder of the result files.
        leaderboard_page: Its leaderboard as a Markdown page; None where the study has none.
        page: Its own page; None where the study has none.
        failures: Runs that failed, a sentence each.
        num_runs: How many runs it has.
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
        """Print its leaderboard and its own tables, as far as the study has them."""
        if self.leaderboard is not None and self.leaderboard_page is not None:
            self.leaderboard.print()
        if self.leaderboard is not None and self.page is not None:
            self.leaderboard.print_study()

    def __repr__(self) -> str:
        """Name, number of runs and results."""
        return (
            f"StudyResult({self.study.name}: {self.num_runs} runs, {len(self.failures)} failed, "
            f"{len(self.records)} results in {str(self.results)!r})"
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

    What is there already is kept, so the same call goes on after a stop, and studies in one folder
    share what they have in common.

    Args:
        study: A study file (``*.toml``), one of the package such as ``all-models``, or a study.
        only: Models of the study to run beside its reference; all when empty.
        seeds: In place of the study's.
        backbone_seed: In place of the study's.
        settings: Of every model, ``name=value``.
        recipe: Of every training, ``name=value``.
        datasets: Names or folders of built datasets, in place of the study's.
        clips: Folders or zips of clips to build from: ``PATH``, or ``NAME=PATH`` for each dataset.
        annotations: Folders of annotation files, likewise; or ``auto``, which fetches them.
        out: Folder of runs and result files.
        root: Folder of the datasets.
        pages: Folder of the pages; None for ``out/studies/NAME``.
        devices: ``auto``, ``cpu`` or a GPU's number; several, ``0,1``, get a process each.
        executor: ``local``, or ``ray`` to use all GPUs of a Ray cluster.
        address: Of the Ray cluster; None for the one that this machine is in.
        workers: Threads that decode frames.
        report: Called with the result once the pages are written, also where runs failed.
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
    chosen, wanted = _chosen(study, choices, clips, annotations)
    place, root = Path(out), Path(root)
    work, number = _executor(devices, executor, address, workers, place)
    for dataset in wanted:
        require_buildable(dataset, root)
    built = []
    for dataset in wanted:
        if not is_built(dataset, root):
            say(f"building {dataset.name}")
        built.append(Build.of(open_or_build(dataset, root)))
    worked = work_through(chosen, built, place, work, say, workers=number)
    folder = place / "studies" / chosen.name if pages is None else Path(pages)
    result = _finished(chosen, worked, folder)
    if report is not None:
        report(result)
    if worked.failures:
        failures = "\n".join(f"- {failure}" for failure in worked.failures)
        raise StudyError(
            f"{len(worked.failures)} of {len(worked.runs)} runs failed:\n{failures}\nThe same "
            "command tries them again"
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
    """Say what `run_study` would do with the same arguments, and do nothing.

    Args:
        study: As `run_study` takes it, and so are the other arguments.
        only: Models of the study to run beside its reference.
        seeds: In place of the study's.
        settings: Of every model.
        recipe: Of every training.
        datasets: In place of the study's.
        clips: Folders or zips of clips to build from.
        annotations: Folders of annotation files, or ``auto``.
        out: Folder of runs and result files.
        root: Folder of the datasets.
        devices: Among how many the runs are shared.

    Returns:
        Lines: the datasets, the runs, what is done already and, once something was timed, how long
        the rest takes.

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
    chosen, wanted = _chosen(study, choices, clips, annotations)
    root = Path(root)
    builds = [
        Build.of(open_or_build(one, root))
        if is_built(one, root)
        else Build(one.name, root / one.name)
        for one in wanted
    ]
    ledger = Ledger.open(Path(out))
    runs = plan_study(chosen, builds, ledger)
    return list(lines_of(chosen, builds, runs, ledger, len(devices.split(","))))


def open_study(study: str | Path) -> Study:
    """Read a study with the backbones that this installation knows.

    Args:
        study: A study file, or a study of the package.

    Returns:
        The study.

    Raises:
        NotFoundError: No such study.
        ConfigError: Something in it is wrong; names the line.
    """
    from baselines.weights.backbone_spec import parse_backbone

    return read_study(study, parse_backbone)


def _chosen(
    study: "str | Path | Study", choices: Choices, clips: Sequence[str], annotations: Sequence[str]
) -> tuple[Study, tuple[StudyDataset, ...]]:
    """Return a study as it is asked for, and its datasets with what they are built from."""
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
    """Return who carries runs out, and how many at a time."""
    from dvtr_bench.errors import ConfigError
    from dvtr_bench.runtime.device import choose_device
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
    names = [one.strip() for one in devices.split(",")]
    places = [choose_device(f"cuda:{one}" if one.isdigit() else one) for one in names]
    if len(places) == 1:
        return partial(run_here, means=replace(means, device=places[0])), 1
    return partial(run_on_devices, devices=places, means=means), len(places)


def _finished(study: Study, worked: "Worked", folder: Path) -> StudyResult:
    """Write the pages of a study, from its result files alone."""
    from leaderboard.board import make_boards
    from leaderboard.leaderboard import Leaderboard
    from leaderboard.study.figures import make_figures

    records = worked.records()
    made = board_page = page = None
    if records:
        found = [
            make_figures(study, rows)
            for name in {run.dataset.name: None for run in worked.runs if study.page is not None}
            if (rows := worked.rows(name))
        ]
        made = Leaderboard(make_boards(records), records, found)
        if study.leaderboard is not None:
            board_page = made.write(folder / study.leaderboard)
        if study.page is not None:
            page = made.write_study(folder)
    return StudyResult(
        study=study,
        leaderboard=made,
        records=records,
        results=worked.ledger.results,
        leaderboard_page=board_page,
        page=page,
        failures=worked.failures,
        num_runs=len(worked.runs),
    )
