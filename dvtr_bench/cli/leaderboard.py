"""Make the leaderboard from result files."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr


def leaderboard(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files, or folders of them.", show_default="./results"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Markdown page to write.")] = Path(
        "LEADERBOARD.md"
    ),
    study: Annotated[
        str | None,
        typer.Option(help="Make the page of this study from them too: a study file, or a name."),
    ] = None,
    breakdowns: Annotated[
        bool, typer.Option("--breakdowns", help="Print T2V R@1 by group of captions too.")
    ] = False,
    chart: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw every table as an SVG file beside the page: dots, bars, scatter (R@1 each "
            "way), curves (ranks) or lines (R@k); repeat for more."
        ),
    ] = None,
) -> None:
    """Make LEADERBOARD.md and the tables in the terminal from result files alone."""
    from dvtr_bench.catalog import CHARTS

    for name in chart or ():
        CHARTS.load(name)
    made = dvtr.make_leaderboard(results or Path("results"), study=study)
    made.print(breakdowns=breakdowns)
    typer.echo(f"\nwrote {made.write(out)} from {len(made.records)} result files")
    for path in made.write_charts(chart or (), out):
        typer.echo(f"wrote {path}")
    if made.study:
        made.print_study()
        typer.echo(f"\nwrote {made.write_study(out.parent)}")
