"""Check results for the public leaderboard, or describe a dataset for its list."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Json, Root, print_json
from dvtr_bench.runtime.terminal import write_line


class Action(StrEnum):
    """What to do."""

    CHECK = "check"
    DATASET = "dataset"


def submit(
    action: Annotated[
        Action,
        typer.Argument(
            help="check: say whether result files may enter. dataset: print what the list of known "
            "datasets needs to know of a built dataset."
        ),
    ],
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Result files, or folders of them; for dataset, its name."
        ),
    ],
    entered: Annotated[
        Path,
        typer.Option(
            help="Folder of the results that have entered, to find runs entered twice.",
            file_okay=False,
        ),
    ] = Path("leaderboard/results"),
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Check whether results may enter the public leaderboard; exit status 1 when any may not."""
    if action is Action.DATASET:
        _describe(names, root, as_json)
        return
    report = dvtr.check_submissions(names, entered=entered)
    if as_json:
        print_json(report.to_json())
    else:
        write_line(str(report))
    if not report.all_may_enter:
        raise typer.Exit(1)


def _describe(names: list[str], root: Path, as_json: bool) -> None:
    from builders.checks.verify.verify import verify_dataset
    from dvtr_bench.dataset.reader import open_dataset
    from dvtr_bench.errors import InputError
    from leaderboard.submissions.known_datasets import describe_dataset, to_toml

    described = []
    for name in names:
        built = open_dataset(name, root)
        if findings := verify_dataset(built).findings:
            raise InputError(
                f"{built.folder} is not intact ({findings[0]}): `dvtr-bench verify {name}` lists "
                "all that is wrong"
            )
        described.append(describe_dataset(built))
    if as_json:
        print_json({"datasets": described})
        return
    for dataset in described:
        write_line(to_toml(dataset))
