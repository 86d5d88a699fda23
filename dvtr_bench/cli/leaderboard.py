"""Make the leaderboard from result files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvtr_bench.catalog import CHARTS
from dvtr_bench.cli._entries_in_help import EntriesInHelp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvtr_bench.results import RunRecord
    from leaderboard.study.figures import StudyFigures


class LeaderboardCommand(EntriesInHelp):
    """Lists the charts on its help page."""

    title = "Charts"
    catalog = CHARTS


COMMAND_CLASS = LeaderboardCommand


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
            help="Draw every table as an SVG file beside the page: R@1 each way, or how the ranks "
            "are distributed. The charts are listed below; repeat for more."
        ),
    ] = None,
) -> None:
    """Make LEADERBOARD.md and the tables in the terminal from result files alone."""
    from dvtr_bench.errors import NotFoundError
    from dvtr_bench.results import load_results
    from leaderboard.board import make_boards
    from leaderboard.charts import write_charts
    from leaderboard.markdown import write_markdown
    from leaderboard.terminal import print_boards

    places = results or [Path("results")]
    records = load_results(places)
    if not records:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, places))}: "
            "`dvtr-bench evaluate --model NAME` writes them into ./results"
        )
    for name in chart or ():
        CHARTS.load(name)
    boards = make_boards(records)
    found = _study_figures(study, records) if study else []
    print_boards(boards, breakdowns=breakdowns)
    typer.echo(f"\nwrote {write_markdown(boards, out)} from {len(records)} result files")
    for path in write_charts(boards, chart or (), out):
        typer.echo(f"wrote {path}")
    if found:
        from leaderboard.study.pages import print_study, write_study

        print_study(found)
        page = write_study(found, out.parent / (found[0].study.page or "STUDY.md"))
        typer.echo(f"\nwrote {page}")


def _study_figures(name: str, records: "Sequence[RunRecord]") -> "list[StudyFigures]":
    from dvtr_bench.studies.match import results_by_row
    from dvtr_bench.studies.read import read_study
    from leaderboard.study.figures import make_figures

    study = read_study(name)
    return [make_figures(study, rows) for rows in results_by_row(study, records).values()]
