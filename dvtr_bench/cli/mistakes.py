"""Say what a run's first answers get wrong."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Json, Root, out_file, print_json
from dvtr_bench.runtime.terminal import write_line


def mistakes(
    result: Annotated[
        Path, typer.Argument(help="A result file, its top lists beside it, of aerosynth.")
    ],
    out: Annotated[Path | None, out_file("A CSV file of the facts.", show_default="none")] = None,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Say what first clips get wrong: which facts of the caption, beside a random clip."""
    found = dvtr.find_mistakes(result, root=root)
    written = None if out is None else found.write(out)
    if as_json:
        print_json(found)
        return
    found.print()
    if written is not None:
        write_line(f"wrote {written}")
