"""Make the leaderboard from result files."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.catalog import CHARTS
from dvtr_bench.cli._command import EntriesInHelp, Json, Judged, Root, Runs, out_file, print_json
from dvtr_bench.runtime.files import written_together
from dvtr_bench.runtime.terminal import count_of, write_line


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
    out: Annotated[Path, out_file("The Markdown page to write.")] = Path("LEADERBOARD.md"),
    study: Annotated[
        str | None,
        typer.Option(help="Make the page of this study from them too: a study file, or a name."),
    ] = None,
    breakdowns: Annotated[
        bool, typer.Option("--breakdowns", help="Print T2V R@1 by group of captions too.")
    ] = False,
    judged: Judged = None,
    chart: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw every table as an SVG file beside the page: R@1 each way, or how the ranks "
            "are distributed. The charts are listed below; repeat for more."
        ),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(help="Make a site too: a folder of static files, index.html opens from disk."),
    ] = None,
    root: Root = Path("dvtr"),
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Make LEADERBOARD.md and the tables in the terminal from result files alone."""
    for name in chart or ():
        CHARTS.load(name)
    made = dvtr.make_leaderboard(results or Path("results"), study=study, judged=judged)
    # Everything is written before anything is printed: a reader such as `head` may stop early.
    with written_together():
        page, drawn = made.write(out), made.write_charts(chart or (), out)
        site_page = made.write_site(site, root=root, runs=runs) if site else None
        study_page = made.write_study(out.parent) if made.study else None
    if as_json:
        from leaderboard.json_form import boards_as_json, study_as_json

        written = [path for path in (page, *drawn, site_page, study_page) if path is not None]
        boards = boards_as_json(made.boards, breakdowns=breakdowns)
        print_json(
            {
                "boards": boards,
                "judged": [each.to_json() for each in made.judged],
                "figures": study_as_json(made.study),
                "written": written,
            }
        )
        return
    made.print(breakdowns=breakdowns)
    write_line(f"\nwrote {page} from {count_of(len(made.records), 'result file')}")
    for path in drawn:
        write_line(f"wrote {path}")
    if site_page is not None:
        write_line(f"wrote {site_page}")
    if study_page is not None:
        made.print_study()
        write_line(f"\nwrote {study_page}")
