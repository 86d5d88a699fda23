"""Run a study: all that its file names is trained, evaluated and put side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._options import DecodingThreads, Root
from dvtr_bench.studies.places import shipped_studies

if TYPE_CHECKING:
    from dvtr_bench.api.studies import StudyResult
    from dvtr_bench.studies.study import Study


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
    asked: dict[str, Any] = {
        "only": only or (),
        "seeds": _numbers(seeds),
        "settings": settings or (),
        "recipe": recipe_settings or (),
        "datasets": dataset or (),
        "clips": clips or (),
        "annotations": annotations or (),
        "out": out,
        "root": root,
        "devices": devices,
    }
    if listed:
        print_plan(study, asked)
    else:
        print_study(study, {**asked, "executor": executor, "address": address, "workers": workers})


def print_plan(study: str, asked: Mapping[str, Any]) -> None:
    """Print what a study would do; ``asked`` as `dvtr_bench.list_study` takes it."""
    for line in dvtr.list_study(study, **asked):
        typer.echo(line)


def print_study(study: "str | Study", asked: Mapping[str, Any]) -> None:
    """Run a study and print what it came to; ``asked`` as `dvtr_bench.run_study` takes it."""
    dvtr.run_study(study, **asked, report=_report, tell=lambda line: typer.echo(line, err=True))


def _report(result: "StudyResult") -> None:
    if not result.records:
        return
    result.print()
    places = {
        "leaderboard": result.leaderboard_page,
        "page": result.page,
        "result files": result.results,
    }
    told = [f"{what:<14} {path}" for what, path in places.items() if path is not None]
    typer.echo("\n" + "\n".join(told))


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(int(one) for one in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--seeds {text}: expected numbers, such as 42,43") from None
