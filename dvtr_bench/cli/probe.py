"""Show what a trained model looks at."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import Cache, Device, OnlyDataset, Runs


def probe(
    model: Annotated[str, typer.Option(help="Which model; msam is the one with maps.")] = "msam",
    dataset: OnlyDataset = None,
    video_id: Annotated[
        list[str] | None,
        typer.Option(help="A clip to draw; repeat for more.", show_default="evenly spaced ones"),
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, help="How many clips to draw when none is named.")
    ] = 4,
    split: Annotated[str, typer.Option(help="Which split to look at.")] = "test",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint folder.", show_default="newest of that model and dataset"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for arrays, scores, pictures.")] = Path("probe"),
    runs: Runs = Path("runs"),
    device: Device = "auto",
    cache: Cache = True,
) -> None:
    """Show what a trained MSAM looks at: its maps as arrays and pictures, and how well they point.

    The pointing score needs a dataset that knows where its objects are, such as aerosynth.
    """
    from dvtr_bench.catalog import MODELS
    from dvtr_bench.errors import ConfigError
    from dvtr_bench.evaluation.pointing.report import print_pointing
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.searching.choice import choose
    from msam.models.msam import Model
    from msam.probe_run import probe_and_write

    if not issubclass(MODELS.load(model).Model, Model):
        raise ConfigError(f"{model} has no maps to look at: probe --model {Model.name}")
    chosen = choose(dataset, split, model, checkpoint=checkpoint, runs=runs)
    place = choose_device(device)
    typer.echo(f"looks at {chosen.where} ({chosen.weights.label}), on {place}", err=True)
    loaded = chosen.weights.load(place)
    if not isinstance(loaded, Model):
        raise ConfigError(f"{chosen.weights.label} is no {Model.name}: name one of its checkpoints")
    about = {
        "model": dict(loaded.describe()),
        "weights_sha256": chosen.weights.description()["weights_sha256"],
        "dataset": chosen.split.dataset_name,
        "dataset_fingerprint": chosen.split.fingerprint,
        "split": chosen.split.name,
    }
    written = probe_and_write(
        loaded,
        chosen.split,
        out,
        about,
        video_ids=video_id or [],
        pictures=pictures,
        cache=cache,
    )
    if written.scores:
        print_pointing(written.scores, f"{loaded.name} on {chosen.where}")
    else:
        typer.echo(written.remark)
    for path in written.paths:
        typer.echo(f"wrote {path}")
