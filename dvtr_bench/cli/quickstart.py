"""From nothing to a leaderboard on the embedded dataset: the study `quickstart`."""

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Final

import typer

from dvtr_bench.cli._command import Json, out_folder
from dvtr_bench.runtime.terminal import say
from dvtr_bench.training.recipe import TINY

OURS: Final = {"dvtr", "runs", "results", "LEADERBOARD.md", "site", ".study.lock"}


def quickstart(
    out: Annotated[Path, out_folder("Folder of its own for everything.")] = Path("quickstart"),
    seed: Annotated[int, typer.Option(help="Of weights, order and dropout.")] = 42,
    size: Annotated[str, typer.Option(help="Size of the dataset: small or full.")] = "small",
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Of each training; fewer for a quick look.",
            show_default=f"the recipe's: {TINY.epochs}",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the embedded dataset, train and evaluate three models, print the leaderboard.

    Needs no GPU and no download. Run again after a stop, it goes on.
    """
    from dvtr_bench.api.studies import open_study
    from dvtr_bench.cli.run import print_study

    _require_own_folder(out)
    study = open_study("quickstart")
    (dataset,) = study.datasets
    named = replace(dataset, name=f"aerosynth-{size}", options={"size": size})
    asked = {
        "seeds": [seed],
        "backbone_seed": seed,
        "recipe": [] if epochs is None else [f"epochs={epochs}"],
        "out": out,
        "root": out / "dvtr",
        "pages": out,
        # A GPU would give other last digits than those that are shown of it.
        "devices": "cpu",
    }
    print_study(replace(study, datasets=(named,)), asked, as_json)
    if not as_json:
        folder = quote(str(out))
        say(
            f"next: a page of these results with every query in it:\n"
            f"  dvtr-bench leaderboard {folder}/results --out {folder}/LEADERBOARD.md "
            f"--site {folder}/site --root {folder}/dvtr --runs {folder}/runs\n"
            "or footage of your own:\n"
            "  dvtr-bench build folder --clips DIR --captions FILE --name mine"
        )


def _require_own_folder(out: Path) -> None:
    from dvtr_bench.errors import OutputExistsError

    others = sorted({path.name for path in out.iterdir()} - OURS) if out.is_dir() else []
    if others or out.is_file():
        raise OutputExistsError(
            f"{out} holds something else ({', '.join(others[:3]) or 'a file'}): name a folder of "
            "its own with --out"
        )
