"""Check that a built dataset is whole."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import BuiltDataset, Command, Json, Root, out_file, print_json
from dvtr_bench.runtime.terminal import write_line


class VerifyCommand(Command):
    """Takes --json FILE for --out FILE."""

    json_took_a_file = True


COMMAND_CLASS = VerifyCommand


def verify(
    dataset: BuiltDataset,
    root: Root = Path("dvtr"),
    frames: Annotated[
        bool, typer.Option("--frames", help="Decode every stored frame (slower).")
    ] = False,
    fingerprint: Annotated[
        str | None,
        typer.Option(help="What the fingerprint must be, or its first digits (8 or more)."),
    ] = None,
    out: Annotated[Path | None, out_file("Write all findings to this file, as JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Re-hash and re-read a dataset and name what changed; exit status 1 when anything did."""
    from builders.checks.verify.printing import (
        print_verification,
        verification_as_json,
        write_verification,
    )
    from builders.checks.verify.verify import verify_dataset
    from dvtr_bench.dataset.reader import open_dataset

    opened = open_dataset(dataset, root)
    found = verify_dataset(opened, decode=frames, fingerprint=fingerprint)
    written = None if out is None else write_verification(found, out)
    if as_json:
        print_json(verification_as_json(found))
    else:
        print_verification(found)
        if written is not None:
            write_line(f"wrote {written}")
    if found.findings:
        raise typer.Exit(1)
