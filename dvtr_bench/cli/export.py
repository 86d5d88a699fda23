"""Export result files to the forms that other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.catalog import EXPORTS
from dvtr_bench.cli._command import EntriesInHelp
from dvtr_bench.cli._options import out_folder
from dvtr_bench.runtime.terminal import write_line


class ExportCommand(EntriesInHelp):
    """Lists the formats on its help page; takes --output for --out."""

    title = "Formats"
    catalog = EXPORTS
    old_spellings = {"--output": "--out"}


COMMAND_CLASS = ExportCommand


def export(
    results: Annotated[list[Path], typer.Argument(help="Result files, or folders of them.")],
    to: Annotated[
        str,
        typer.Option(help="Which format; they are listed below."),
    ],
    repo: Annotated[
        str | None,
        typer.Option(
            help="ORG/NAME of the dataset on the Hugging Face Hub, for eval_results.",
            show_default="none",
        ),
    ] = None,
    out: Annotated[Path, out_folder("Folder for the files.")] = Path("export"),
) -> None:
    """Write results in the form of another tool."""
    from leaderboard.exported import export_results

    exported = export_results(results, to, out, repo=repo)
    for note in exported.notes:
        write_line(f"note: {note}", err=True)
    for path in exported.files:
        write_line(f"wrote {path}")
