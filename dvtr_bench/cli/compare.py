"""Compare two runs on the same queries."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Command, Json, Root, out_file, print_json
from dvtr_bench.runtime.files import written_together
from dvtr_bench.runtime.terminal import write_line


class CompareCommand(Command):
    """Takes --output for --out."""

    old_spellings = {"--output": "--out"}


COMMAND_CLASS = CompareCommand


def compare(
    run_a: Annotated[Path, typer.Argument(help="Result file of run A.")],
    run_b: Annotated[Path, typer.Argument(help="Result file of run B.")],
    more: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files of further runs.", show_default="none"),
    ] = None,
    all_pairs: Annotated[
        bool,
        typer.Option(
            "--all-pairs", help="Of three runs or more, compare all pairs, not only those with A."
        ),
    ] = False,
    queries: Annotated[
        int, typer.Option(min=0, help="Most captions to list each way, better and worse.")
    ] = 10,
    sheet: Annotated[
        Path, typer.Option(help="The contact sheet to write (PNG).", dir_okay=False)
    ] = Path("comparison.png"),
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Draw no contact sheet.")] = False,
    out: Annotated[Path | None, out_file("A Markdown page of it all.", show_default="none")] = None,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Compare runs in pairs: differences with intervals, groups, captions that changed most.

    Three runs or more are compared with the first of them. Their p-values stand as they are and
    corrected by Holm; captions and the contact sheet are for two runs.
    """
    if more:
        _compare_several([run_a, run_b, *more], all_pairs, out, as_json)
        return
    comparison = dvtr.compare(run_a, run_b, queries=queries, root=root)
    # Everything is written before anything is printed: a reader such as `head` may stop early.
    with written_together():
        drawn = None if no_sheet else comparison.draw(sheet)
        page = None if out is None else comparison.write(out, drawn)
    written = [path for path in (drawn, page) if path is not None]
    if as_json:
        from leaderboard.json_form import comparison_as_json

        print_json({**comparison_as_json(comparison), "written": written})
        return
    comparison.print()
    write_line()
    for line in comparison.evidence.missing:
        write_line(line, err=True)
    for path in written:
        write_line(f"wrote {path}")


def _compare_several(runs: list[Path], all_pairs: bool, out: Path | None, as_json: bool) -> None:
    comparison = dvtr.compare(*runs, all_pairs=all_pairs)
    written = [] if out is None else [comparison.write(out)]
    if as_json:
        from leaderboard.json_form import comparisons_as_json

        print_json({**comparisons_as_json(comparison), "written": written})
        return
    comparison.print()
    for path in written:
        write_line(f"wrote {path}")
