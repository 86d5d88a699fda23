"""Publish a built dataset on the Hugging Face Hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvtr_bench.cli._command import BuiltDataset, Device, Root
from dvtr_bench.runtime.terminal import write_line

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset as OpenedDataset


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
    with_features: Annotated[
        list[str] | None,
        typer.Option(
            "--with-features",
            metavar="BACKBONE",
            help="Publish what this backbone makes of the train and validation splits too, such as "
            "ViT-B-32/openai: others then train heads without a GPU. Can be repeated.",
        ),
    ] = None,
    features_for: Annotated[
        list[str] | None,
        typer.Option(
            "--features-for",
            metavar="MODEL",
            help="Of --with-features: for the heads of this model alone. Can be repeated. "
            "[default: all]",
        ),
    ] = None,
    device: Device = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
    root: Root = Path("dvtr"),
) -> None:
    """Publish a dataset on the Hugging Face Hub, tagged with its version."""
    from builders.publishing.feature_files import (
        print_features,
        read_feature_files,
        send_features,
    )
    from builders.publishing.hub_repo import HubRepo
    from builders.publishing.push import PushSettings, check_licence, print_done, print_plan
    from builders.publishing.push import push as publish
    from dvtr_bench.dataset.reader import open_dataset

    _check_feature_options(with_features, features_for, annotations_only=annotations_only)
    built = open_dataset(dataset, root)
    settings = PushSettings(
        repo=repo,
        private=private,
        annotations_only=annotations_only,
        with_frames=with_frames,
        dry_run=dry_run,
    )
    if with_features:
        # What would be refused later is refused before hours of computing.
        check_licence(built.manifest, settings)
        if not dry_run:
            HubRepo(repo).check_token()
    # Before anything is sent: a failure leaves the Hub as it is.
    folders = [
        _features(built, backbone, features_for or (), device) for backbone in with_features or ()
    ]
    plan = publish(built, settings, lambda plan: print_plan(plan, settings))
    if not dry_run:
        print_done(plan, settings)
    for folder in folders:
        found = read_feature_files(built, folder)
        if not dry_run:
            found = send_features(found, built.manifest, HubRepo(repo))
        print_features(found, repo, dry_run=dry_run)


def _check_feature_options(
    backbones: list[str] | None, models: list[str] | None, *, annotations_only: bool
) -> None:
    from dvtr_bench.errors import ConfigError

    if backbones and annotations_only:
        raise ConfigError(
            "--with-features and --annotations-only contradict each other: features are made of "
            "frames, and stand beside a dataset that has them"
        )
    if models and not backbones:
        raise ConfigError("--features-for says whose features: name the backbone, --with-features")


def _features(built: "OpenedDataset", backbone: str, models: Sequence[str], device: str) -> Path:
    from dvtr_bench.runtime.processes import choose_device
    from dvtr_bench.training.published_features import write_published

    made = write_published(built, backbone, models, device=choose_device(device))
    write_line(f"features of {backbone} for {', '.join(made.models)}: {made.folder}", err=True)
    return made.folder
