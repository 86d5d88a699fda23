"""Compare two runs on the same queries."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr


def compare(
    run_a: Annotated[Path, typer.Argument(help="Result file of run A.")],
    run_b: Annotated[Path, typer.Argument(help="Result file of run B.")],
    queries: Annotated[
        int, typer.Option(min=0, help="Most captions to list each way, better and worse.")
    ] = 10,
    sheet: Annotated[Path, typer.Option(help="The contact sheet to write (PNG).")] = Path(
        "comparison.png"
    ),
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Draw no contact sheet.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A Markdown page of it all.", show_default="none"),
    ] = None,
) -> None:
    """Compare two runs in pairs: differences with intervals, groups, captions that changed most."""
    comparison = dvtr.compare(run_a, run_b, queries=queries)
    comparison.print()
    drawn = None if no_sheet else comparison.draw(sheet)
    typer.echo()
    for line in comparison.evidence.missing:
        typer.echo(line, err=True)
    if drawn is not None:
        typer.echo(f"wrote {drawn}")
    if output is not None:
        typer.echo(f"wrote {comparison.write(output, drawn)}")
