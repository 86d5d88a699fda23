"""Compare two runs on the same queries."""

from pathlib import Path
from typing import Annotated

import typer


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
    from leaderboard.comparison.differences import make_comparison
    from leaderboard.comparison.evidence import find_evidence
    from leaderboard.comparison.pages import print_comparison, write_comparison
    from leaderboard.comparison.sheet import draw_comparison
    from leaderboard.result_files import read_result_file

    files = read_result_file(run_a), read_result_file(run_b)
    comparison = make_comparison(files[0].record, files[1].record, queries)
    evidence = find_evidence(*files)
    print_comparison(comparison, files, evidence)
    drawn = None
    if evidence.can_be_drawn and not no_sheet:
        drawn = draw_comparison(comparison, evidence, sheet)
    typer.echo()
    for line in evidence.missing:
        typer.echo(line, err=True)
    if drawn is not None:
        typer.echo(f"wrote {drawn}")
    if output is not None:
        typer.echo(f"wrote {write_comparison(comparison, files, evidence, drawn, output)}")
