"""Draw queries of one run or several."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Root, SheetQueries, out_file
from dvtr_bench.runtime.terminal import write_line


def sheet(
    results: Annotated[
        list[Path], typer.Argument(help="Result files with their top lists, on the same queries.")
    ],
    queries: SheetQueries = None,
    out: Annotated[Path, out_file("The contact sheet to write (PNG).")] = Path("sheet.png"),
    root: Root = Path("dvtr"),
) -> None:
    """Draw queries with the five best clips of each run, and the right clip, as a PNG."""
    from dvtr_bench.reports.contact_sheet import save_png

    drawn = dvtr.draw_queries(results, queries or "spread", root=root)
    write_line(f"wrote {save_png(drawn, out)}")
