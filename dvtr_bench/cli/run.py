"""Run a study: all that its file names is trained, evaluated and put side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import (
    DATASET,
    MACHINE,
    DecodingThreads,
    Json,
    Root,
    StudyDatasets,
    out_folder,
    print_json,
)
from dvtr_bench.cli._recipe_options import RecipeSettings
from dvtr_bench.runtime.terminal import say, write_line
from dvtr_bench.studies.study_file import shipped_studies

if TYPE_CHECKING:
    from dvtr_bench.api.studies import StudyResult
    from dvtr_bench.studies.study import Study


STUDY: Final = "Of the study"

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
        rich_help_panel=STUDY,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="In place of the study's: 42,43.",
        show_default="as the study says",
        rich_help_panel=STUDY,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of every model, name=value, such as backbone=ViT-B-32/PATH; repeat for "
        "more.",
        rich_help_panel=STUDY,
    ),
]
Clips = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder or zip of clips to build from: PATH, or NAME=PATH for each.",
        rich_help_panel=DATASET,
    ),
]
Annotations = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder of published annotation files, PATH or NAME=PATH; auto fetches.",
        rich_help_panel=DATASET,
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Of the Ray cluster, head:6379; else the one this machine is in.",
        rich_help_panel=MACHINE,
    ),
]


def run(
    study: Name,
    only: Only = None,
    seeds: Seeds = None,
    settings: Settings = None,
    recipe_settings: RecipeSettings = None,
    dataset: StudyDatasets = None,
    clips: Clips = None,
    annotations: Annotations = None,
    root: Root = Path("dvtr"),
    out: Annotated[Path, out_folder("Folder of runs, result files and pages.")] = Path(),
    listed: Annotated[
        bool,
        typer.Option(
            "--list",
            help="Say what would be run and how long; run nothing.",
            rich_help_panel=MACHINE,
        ),
    ] = False,
    devices: Annotated[
        str,
        typer.Option(
            help="auto, cpu or a GPU's number; several, 0,1, get a process each.",
            rich_help_panel=MACHINE,
        ),
    ] = "auto",
    executor: Annotated[
        str,
        typer.Option(
            help="local, or ray to use all GPUs of a Ray cluster.", rich_help_panel=MACHINE
        ),
    ] = "local",
    address: Address = None,
    workers: DecodingThreads = 2,
    as_json: Json = False,
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
        print_plan(study, asked, as_json)
    else:
        how = {"executor": executor, "address": address, "workers": workers}
        print_study(study, {**asked, **how}, as_json)


def print_plan(study: str, asked: Mapping[str, Any], as_json: bool) -> None:
    """Print what a study would do; ``asked`` as `dvtr_bench.list_study` takes it."""
    lines = dvtr.list_study(study, **asked)
    if as_json:
        print_json({"study": study, "plan": lines})
        return
    for line in lines:
        write_line(line)


def print_study(study: "str | Study", asked: Mapping[str, Any], as_json: bool) -> None:
    """Run a study and print what it came to; ``asked`` as `dvtr_bench.run_study` takes it."""
    dvtr.run_study(study, **asked, report=_report_json if as_json else _report, tell=say)


def _report(result: "StudyResult") -> None:
    if not result.records:
        return
    result.print()
    told = [f"{what:<14} {path}" for what, path in _places(result).items() if path is not None]
    write_line("\n" + "\n".join(told))


def _report_json(result: "StudyResult") -> None:
    from leaderboard.json_form import boards_as_json, study_as_json

    board = result.leaderboard
    print_json(
        {
            "study": result.study.name,
            "num_runs": result.num_runs,
            "failures": result.failures,
            "boards": [] if board is None else boards_as_json(board.boards),
            "figures": [] if board is None else study_as_json(board.study),
            "written": _places(result),
        }
    )


def _places(result: "StudyResult") -> dict[str, Path | None]:
    return {
        "leaderboard": result.leaderboard_page,
        "page": result.page,
        "result files": result.results,
    }


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(int(one) for one in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--seeds {text}: expected numbers, such as 42,43") from None
