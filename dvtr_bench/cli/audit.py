"""Audit a built dataset."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import BuiltDataset, Root


def audit(
    dataset: BuiltDataset,
    against: Annotated[
        str | None,
        typer.Option(help="Another one to compare it with: clips and captions that both hold."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for audit.json and the page.", show_default="audits/NAME"
        ),
    ] = None,
    root: Root = Path("dvtr"),
) -> None:
    """Audit a dataset: repeated captions, leaking and near-duplicate clips, words, classes."""
    from builders.checks.audit.page import write_audit
    from builders.checks.audit.run import run_audit
    from builders.checks.audit.subject import subject_of, told_apart
    from builders.checks.audit.terminal import print_audit
    from dvtr_bench.dataset.reader import open_dataset

    opened = open_dataset(dataset, root)
    subject, other = subject_of(opened), None
    if against is not None:
        subject, other = told_apart(subject, subject_of(open_dataset(against, root)))
    found = run_audit(subject, other)
    folder = out or Path("audits") / opened.folder.resolve().name
    written = write_audit(found, subject, other, folder)
    print_audit(found)
    typer.echo(f"\nwrote {written.record} and {written.page}")
