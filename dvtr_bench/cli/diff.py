"""Compare two builds or versions of a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import Root


def diff(
    a: Annotated[
        str, typer.Argument(help="Name or folder of a dataset, or ORG/NAME@v1.0.0 on the Hub.")
    ],
    b: Annotated[str, typer.Argument(help="The other dataset, likewise.")],
    root: Root = Path("dvtr"),
    most: Annotated[int, typer.Option(min=0, help="Most items of a kind to list.")] = 10,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all of it to this file.")
    ] = None,
) -> None:
    """Say what two versions of a dataset differ in: clips, captions, splits, settings."""
    from builders.checks.diff.difference import compare_datasets
    from builders.checks.diff.printing import print_difference, write_difference
    from builders.sources.locate import open_anywhere

    difference = compare_datasets(open_anywhere(a, root), open_anywhere(b, root))
    print_difference(difference, most)
    if json_file is not None:
        typer.echo(f"wrote {write_difference(difference, json_file)}")
