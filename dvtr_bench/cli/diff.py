"""Compare two builds or versions of a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import BuiltOrPublished, Command, Json, Root, out_file, print_json
from dvtr_bench.runtime.terminal import write_line


class DiffCommand(Command):
    """Takes --json FILE for --out FILE."""

    json_took_a_file = True


COMMAND_CLASS = DiffCommand


def diff(
    a: BuiltOrPublished,
    b: BuiltOrPublished,
    root: Root = Path("dvtr"),
    most: Annotated[int, typer.Option(min=0, help="Most items of a kind to list.")] = 10,
    out: Annotated[Path | None, out_file("Write all of it to this file, as JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Say what two versions of a dataset differ in: clips, captions, splits, settings."""
    from builders.checks.diff.difference import compare_datasets
    from builders.checks.diff.printing import (
        difference_as_json,
        print_difference,
        write_difference,
    )
    from builders.sources.locate import locate_dataset

    difference = compare_datasets(locate_dataset(a, root), locate_dataset(b, root))
    written = None if out is None else write_difference(difference, out)
    if as_json:
        print_json(difference_as_json(difference))
        return
    print_difference(difference, most)
    if written is not None:
        write_line(f"wrote {written}")
