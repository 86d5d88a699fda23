"""Make the leaderboard from result files."""

from pathlib import Path
from typing import Annotated

import typer


def leaderboard(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files, or folders of them.", show_default="./results"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Markdown page to write.")] = Path(
        "LEADERBOARD.md"
    ),
    breakdowns: Annotated[
        bool, typer.Option("--breakdowns", help="Print T2V R@1 by group of captions too.")
    ] = False,
) -> None:
    """Make LEADERBOARD.md and the tables in the terminal from result files alone."""
    from dvtr_bench.errors import NotFoundError
    from dvtr_bench.results import load_results
    from leaderboard.board import make_boards
    from leaderboard.markdown import write_markdown
    from leaderboard.terminal import print_boards

    places = results or [Path("results")]
    records = load_results(places)
    if not records:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, places))}: "
            "`dvtr-bench evaluate --model NAME` writes them into ./results"
        )
    boards = make_boards(records)
    print_boards(boards, breakdowns=breakdowns)
    typer.echo(f"\nwrote {write_markdown(boards, out)} from {len(records)} result files")
