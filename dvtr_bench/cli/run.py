"""Run a study: all that its file names is trained, evaluated and put side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvtr_bench.cli._options import DecodingThreads, Root
from dvtr_bench.studies.places import shipped_studies

if TYPE_CHECKING:
    from dvtr_bench.studies.choices import Choices
    from dvtr_bench.studies.plan import Build
    from dvtr_bench.studies.study import Study, StudyDataset
    from dvtr_bench.studies.work import Executor, Worked


Name = Annotated[
    str,
    typer.Argument(
        help=f"A study file, *.toml, or one of the package: {', '.join(shipped_studies())}."
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        help="A model of the study to run beside its reference; repeat for more.",
        show_default="all",
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(help="In place of the study's: 42,43.", show_default="as the study says"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A setting of every model, name=value, such as backbone=ViT-B-32/PATH; repeat for "
        "more.",
    ),
]
RecipeSettings = Annotated[
    list[str] | None,
    typer.Option("--recipe", help="A setting of every training, name=value; repeat for more."),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        help="A built dataset, by name or folder, in place of the study's; repeat for more.",
        show_default="as the study says",
    ),
]
Clips = Annotated[
    list[str] | None,
    typer.Option(help="Folder or zip of clips to build from: PATH, or NAME=PATH for each."),
]
Annotations = Annotated[
    list[str] | None,
    typer.Option(help="Folder of published annotation files, PATH or NAME=PATH; auto fetches."),
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, head:6379; else the one this machine is in.")
]


@dataclass(frozen=True)
class How:
    """Where and by whom a study is run.

    Attributes:
        out: Folder of ``runs/`` and ``results/``.
        root: Folder of the datasets.
        pages: Folder of the pages; None for ``out/studies/NAME``.
        clips: As `--clips` takes them.
        annotations: As `--annotations` takes them.
        devices: As `--devices` takes them.
        executor: ``local`` or ``ray``.
        address: Of the Ray cluster.
        workers: Threads that decode frames.
        listed: Whether to say what would be done, and do nothing.
    """

    out: Path
    root: Path
    pages: Path | None = None
    clips: Sequence[str] = ()
    annotations: Sequence[str] = ()
    devices: str = "auto"
    executor: str = "local"
    address: str | None = None
    workers: int = 2
    listed: bool = False


def run(
    study: Name,
    only: Only = None,
    seeds: Seeds = None,
    settings: Settings = None,
    recipe_settings: RecipeSettings = None,
    dataset: Datasets = None,
    clips: Clips = None,
    annotations: Annotations = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of runs, result files and pages.")
    ] = Path(),
    root: Root = Path("dvtr"),
    listed: Annotated[
        bool, typer.Option("--list", help="Say what would be run and how long; run nothing.")
    ] = False,
    devices: Annotated[
        str, typer.Option(help="auto, cpu or a GPU's number; several, 0,1, get a process each.")
    ] = "auto",
    executor: Annotated[
        str, typer.Option(help="local, or ray to use all GPUs of a Ray cluster.")
    ] = "local",
    address: Address = None,
    workers: DecodingThreads = 2,
) -> None:
    """Build, train and evaluate what a study names, and make its leaderboard and page.

    What is there is kept, so the same command goes on after a stop, and studies in one folder
    share what they have in common.
    """
    from dvtr_bench.studies.choices import Choices

    choices = Choices(
        only=only or (),
        seeds=_numbers(seeds),
        settings=settings or (),
        recipe=recipe_settings or (),
        datasets=dataset or (),
    )
    how = How(
        out=out,
        root=root,
        clips=clips or (),
        annotations=annotations or (),
        devices=devices,
        executor=executor,
        address=address,
        workers=workers,
        listed=listed,
    )
    run_study(study, choices, how)


def run_study(
    name: str,
    choices: "Choices",
    how: How,
    change: "Callable[[Study], Study]" = lambda study: study,
) -> None:
    """Run a study as a command does.

    Args:
        name: A study file, or a study of the package.
        choices: What is asked of it.
        how: Where and by whom it is run.
        change: Changes the study as it was read.

    Raises:
        DvtrError: Something is wrong with the study, a dataset cannot be built, or runs failed.
    """
    from baselines.weights.backbone_spec import parse_backbone
    from builders.study_datasets import is_built, open_or_build, require_buildable, with_inputs
    from dvtr_bench.errors import NotFoundError, StudyError
    from dvtr_bench.studies.choices import choose
    from dvtr_bench.studies.plan import Build
    from dvtr_bench.studies.read import read_study
    from dvtr_bench.studies.work import work_through

    study = choose(change(read_study(name, parse_backbone)), choices, parse_backbone)
    if not study.datasets:
        raise NotFoundError(f"the study {study.name} names no dataset: --dataset NAME says which")
    datasets = with_inputs(study.datasets, how.clips, how.annotations)
    if how.listed:
        _list(study, [_build_of(one, how.root) for one in datasets], how)
        return
    executor, number = _executor(how)
    for dataset in datasets:
        require_buildable(dataset, how.root)
    built = []
    for dataset in datasets:
        if not is_built(dataset, how.root):
            _tell(f"building {dataset.name}")
        built.append(Build.of(open_or_build(dataset, how.root)))
    worked = work_through(study, built, how.out, executor, _tell, workers=number)
    _make_pages(study, worked, how)
    if worked.failures:
        failures = "\n".join(f"- {failure}" for failure in worked.failures)
        raise StudyError(
            f"{len(worked.failures)} of {len(worked.runs)} runs failed:\n{failures}\nThe same "
            "command tries them again"
        )


def _executor(how: How) -> "tuple[Executor, int]":
    """Return who carries runs out, and how many at a time."""
    from dvtr_bench.errors import ConfigError
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.studies.carry_out import Means
    from dvtr_bench.studies.executors.local import run_here, run_on_devices

    if how.executor not in ("local", "ray"):
        raise ConfigError(f"--executor: expected local or ray, found {how.executor!r}")
    means = Means(workers=how.workers)
    if how.executor == "ray":
        if how.devices != "auto":
            raise ConfigError("--devices is for this machine: leave it out with --executor ray")
        from dvtr_bench.studies.executors.ray import run_on_ray

        return partial(run_on_ray, address=how.address, means=means, out=how.out), 1
    if how.address is not None:
        raise ConfigError("--address names a Ray cluster: it goes with --executor ray")
    names = [one.strip() for one in how.devices.split(",")]
    devices = [choose_device(f"cuda:{one}" if one.isdigit() else one) for one in names]
    if len(devices) == 1:
        return partial(run_here, means=replace(means, device=devices[0])), 1
    return partial(run_on_devices, devices=devices, means=means), len(devices)


def _make_pages(study: "Study", worked: "Worked", how: How) -> None:
    """Write the pages of a study and print them, from its result files alone."""
    from leaderboard.board import make_boards
    from leaderboard.markdown import write_markdown
    from leaderboard.study.figures import make_figures
    from leaderboard.study.pages import print_study, write_study
    from leaderboard.terminal import print_boards

    records = worked.records()
    if not records:
        return
    folder = how.pages or how.out / "studies" / study.name
    told = []
    if study.leaderboard is not None:
        boards = make_boards(records)
        print_boards(boards)
        told.append(("leaderboard", write_markdown(boards, folder / study.leaderboard)))
    if study.page is not None:
        found = [
            make_figures(study, rows)
            for name in {run.dataset.name: None for run in worked.runs}
            if (rows := worked.rows(name))
        ]
        print_study(found)
        told.append(("page", write_study(found, folder / study.page)))
    told.append(("result files", worked.ledger.results))
    typer.echo("\n" + "\n".join(f"{what:<14} {path}" for what, path in told))


def _list(study: "Study", datasets: "Sequence[Build]", how: How) -> None:
    from dvtr_bench.studies.ledger import Ledger
    from dvtr_bench.studies.listing import list_study
    from dvtr_bench.studies.work import plan_study

    ledger = Ledger.open(how.out)
    runs = plan_study(study, datasets, ledger)
    number = len(how.devices.split(","))
    for line in list_study(study, datasets, runs, ledger, number):
        typer.echo(line)


def _build_of(dataset: "StudyDataset", root: Path) -> "Build":
    from builders.study_datasets import is_built, open_or_build
    from dvtr_bench.studies.plan import Build

    if is_built(dataset, root):
        return Build.of(open_or_build(dataset, root))
    return Build(dataset.name, root / dataset.name)


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(int(one) for one in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--seeds {text}: expected numbers, such as 42,43") from None


def _tell(line: str) -> None:
    typer.echo(line, err=True)
