"""Say what a run's first answers get wrong."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.dataset.reader import ROOT


def mistakes(
    result: Annotated[
        Path, typer.Argument(help="A result file, its top lists beside it, of aerosynth.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A CSV file of the facts.", show_default="none"),
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder that names are looked for in.")] = ROOT,
) -> None:
    """Say what first clips get wrong: which facts of the caption, beside a random clip."""
    found = dvtr.find_mistakes(result, root=root)
    found.print()
    if out is not None:
        typer.echo(f"wrote {found.write(out)}")
