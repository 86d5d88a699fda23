"""Write everything about one run as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Root, Runs, out_file
from dvtr_bench.runtime.terminal import write_line


def report(
    result: Annotated[Path, typer.Argument(help="A result file.")],
    out: Annotated[
        Path | None,
        out_file("The HTML file to write.", show_default="the result's name, here"),
    ] = None,
    root: Root = Path("dvtr"),
    runs: Runs = Path("runs"),
) -> None:
    """Write everything about one run as one HTML file: config, figures, checks, worst queries."""
    page = dvtr.report(result, out or Path(f"{result.stem}.html"), root=root, runs=runs)
    write_line(f"wrote {page}")
