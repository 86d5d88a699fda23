"""Export result files, or a built dataset, to the forms that other tools read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from dvtr_bench.catalog import DATASET_EXPORTS, EXPORTS
from dvtr_bench.cli._command import DATASET, EntriesInHelp, Root, out_folder
from dvtr_bench.runtime.terminal import write_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_DATASETS: Final = "Formats of a dataset"


class ExportCommand(EntriesInHelp):
    """Lists the formats on its help page; takes --output for --out."""

    title = "Formats of results"
    catalog = EXPORTS
    old_spellings = {"--output": "--out"}

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the formats of results, then those of datasets."""
        super().format_options(ctx, formatter)
        with formatter.section(_OF_DATASETS):
            for name, summary in DATASET_EXPORTS.summaries().items():
                formatter.write_text(f"{name} ({summary.rstrip('.')})")


COMMAND_CLASS = ExportCommand


def export(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Result files, or folders of them; for a format of a dataset, its name."
        ),
    ],
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
    root: Root = Path("dvtr"),
    frames: Annotated[
        bool,
        typer.Option(
            "--frames",
            help="Write the stored frames even where the dataset keeps its clips.",
            rich_help_panel=DATASET,
        ),
    ] = False,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="What is written stays with you: no licence is needed.",
            rich_help_panel=DATASET,
        ),
    ] = False,
) -> None:
    """Write results, or a dataset, in the form of another tool."""
    chosen = {"frames": frames, "private": private}
    if to.lower().replace("-", "_") in DATASET_EXPORTS.names():
        if repo is not None:
            raise typer.BadParameter(f"leave out --repo: --to {to} names no repository")
        _export_dataset(results, to, out, root, chosen)
        return
    for name, value in chosen.items():
        if value:
            raise typer.BadParameter(f"leave out --{name}: --to {to} is a format of results")
    from leaderboard.exported import export_results

    exported = export_results(results, to, out, repo=repo)
    _report(exported.notes, exported.files)


def _export_dataset(
    names: list[Path], to: str, out: Path, root: Path, chosen: dict[str, bool]
) -> None:
    if len(names) != 1:
        raise typer.BadParameter(f"--to {to} takes one dataset, found {len(names)}")
    from dvtr_bench.dataset.reader import open_dataset

    format = DATASET_EXPORTS.load(to)
    folders, notes = format.export(open_dataset(str(names[0]), root), out, format.Options(**chosen))
    _report(notes, folders)


def _report(notes: "Sequence[str]", files: "Sequence[Path]") -> None:
    for note in notes:
        write_line(f"note: {note}", err=True)
    for path in files:
        write_line(f"wrote {path}")
