"""Check that a built dataset is whole."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import BuiltDataset, Root


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
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all findings to this file.")
    ] = None,
) -> None:
    """Re-hash and re-read a dataset and name what changed; exit status 1 when anything did."""
    from builders.checks.verify.printing import print_verification, write_verification
    from builders.checks.verify.verify import verify_dataset
    from dvtr_bench.dataset.reader import open_dataset

    opened = open_dataset(dataset, root)
    found = verify_dataset(opened, decode=frames, fingerprint=fingerprint)
    print_verification(found)
    if json_file is not None:
        typer.echo(f"wrote {write_verification(found, json_file)}")
    if found.findings:
        raise typer.Exit(1)
