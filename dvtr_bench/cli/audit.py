"""Audit a built dataset."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import BuiltDataset, Json, Root, out_folder, print_json
from dvtr_bench.runtime.terminal import write_line


def audit(
    dataset: BuiltDataset,
    against: Annotated[
        str | None,
        typer.Option(help="Another one to compare it with: clips and captions that both hold."),
    ] = None,
    out: Annotated[
        Path | None,
        out_folder("Folder for audit.json and the page.", show_default="audits/NAME"),
    ] = None,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Audit a dataset: repeated captions, leaking and near-duplicate clips, words, classes."""
    from builders.checks.audit.page import audit_dataset
    from builders.checks.audit.terminal import print_audit
    from dvtr_bench.reading.json_records import to_json

    opened = dvtr.open_dataset(dataset, root)
    other = None if against is None else dvtr.open_dataset(against, root)
    folder = out or Path("audits") / opened.folder.resolve().name
    found, written = audit_dataset(opened, folder, other)
    if as_json:
        print_json({**to_json(found), "written": [written.record, written.page]})
        return
    print_audit(found)
    write_line(f"\nwrote {written.record} and {written.page}")
