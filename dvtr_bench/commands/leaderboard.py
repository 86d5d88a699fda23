"""Make the leaderboard from result files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvtr_bench.results import RunRecord
    from leaderboard.ablation.figures import Ablation


def leaderboard(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files, or folders of them.", show_default="./results"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Markdown page to write.")] = Path(
        "LEADERBOARD.md"
    ),
    ablation: Annotated[
        Path | None,
        typer.Option("--ablation", help="Make this page of MSAM's ablation among them too."),
    ] = None,
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
    table = _make_ablation(records) if ablation else None
    print_boards(boards, breakdowns=breakdowns)
    typer.echo(f"\nwrote {write_markdown(boards, out)} from {len(records)} result files")
    if ablation and table:
        from leaderboard.ablation.pages import print_ablation, write_ablation

        print_ablation(table)
        typer.echo(f"\nwrote {write_ablation(table, ablation)}")


def _make_ablation(records: "Sequence[RunRecord]") -> "Ablation":
    from leaderboard.ablation.figures import make_ablation
    from leaderboard.ablation.runs import runs_by_variant
    from msam.ablations import MSAM

    return make_ablation(MSAM, runs_by_variant(MSAM, records))
