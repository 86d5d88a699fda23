"""Build a dataset from clips and captions."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._dataset_options import OWN, DatasetCommand
from dvtr_bench.cli._options import Json
from dvtr_bench.cli._output import print_json

COMMAND_CLASS = DatasetCommand

Workers = Annotated[
    int | None, typer.Option(help="Processes that decode, all cores by default; 0 uses none.")
]
Executor = Annotated[
    str, typer.Option(help="local, or ray to decode on all machines of a Ray cluster.")
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, head:6379; else the one this machine is in.")
]
ClipSecondsLimit = Annotated[
    float, typer.Option(help="What one clip may take to decode before it counts as broken.")
]


def build(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="NAME", help="Which dataset.")],
    annotations_only: Annotated[
        bool, typer.Option("--annotations-only", help="Captions, splits and qrels, no frames.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the dataset and of its folder.")] = None,
    root: Annotated[Path, typer.Option(help="Folder that datasets go to.", file_okay=False)] = Path(
        "dvtr"
    ),
    sampling: Annotated[
        str, typer.Option(help="12: the middles of 12 equal segments; 1fps: one a second.")
    ] = "12",
    format: Annotated[str, typer.Option(help="jpeg, or png for bit-exact frames.")] = "jpeg",
    missing: Annotated[
        str, typer.Option(help="stop at missing or broken clips, or drop them and say so.")
    ] = "stop",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another dataset of that name.")
    ] = False,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    clip_seconds_limit: ClipSecondsLimit = 600,
    as_json: Json = False,
) -> None:
    """Build a dataset from clips and captions into dvtr/NAME."""
    from builders.summary import build_as_json, print_summary

    dvtr.build(
        dataset,
        name=name,
        root=root,
        sampling=sampling,
        format=format,
        annotations_only=annotations_only,
        missing=missing,
        overwrite=overwrite,
        workers=workers,
        executor=executor,
        address=address,
        clip_seconds_limit=clip_seconds_limit,
        report=(lambda built: print_json(build_as_json(built))) if as_json else print_summary,
        **ctx.meta[OWN],
    )
