"""Publish a built dataset on the Hugging Face Hub."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import BuiltDataset, Root


def push(
    dataset: BuiltDataset,
    repo: Annotated[str, typer.Option(help="Where to on the Hub: ORG/NAME.")],
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository one that only you see.")
    ] = False,
    annotations_only: Annotated[
        bool, typer.Option("--annotations-only", help="Captions, splits and qrels, no frames.")
    ] = False,
    with_frames: Annotated[
        bool,
        typer.Option(
            "--with-frames", help="You may publish the frames, though no licence says so."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
    root: Root = Path("dvtr"),
) -> None:
    """Publish a dataset on the Hugging Face Hub, tagged with its version."""
    from builders.publishing.push import PushSettings, print_done, print_plan
    from builders.publishing.push import push as publish
    from dvtr_bench.dataset.reader import open_dataset

    settings = PushSettings(
        repo=repo,
        private=private,
        annotations_only=annotations_only,
        with_frames=with_frames,
        dry_run=dry_run,
    )
    plan = publish(open_dataset(dataset, root), settings, lambda plan: print_plan(plan, settings))
    if not dry_run:
        print_done(plan, settings)
