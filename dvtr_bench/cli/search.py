"""Search a built dataset."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._options import Cache, Device, OnlyDataset, Runs, UntrainedBackbone


def search(
    text: Annotated[
        str | None, typer.Argument(help='What to look for, such as "a red truck turns".')
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="A clip of yours: finds captions for it in place of clips.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Which model; see `dvtr-bench models`.",
            show_default="the one trained last on the dataset",
        ),
    ] = None,
    dataset: OnlyDataset = None,
    split: Annotated[str, typer.Option(help="Which split to search.")] = "test",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint folder.", show_default="newest of that model and dataset"),
    ] = None,
    backbone: UntrainedBackbone = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    rerank: Annotated[
        int,
        typer.Option(
            min=1, help="How many the model scores pair by pair, where one vector is not enough."
        ),
    ] = 200,
    sheet: Annotated[Path, typer.Option(help="The contact sheet, a PNG.")] = Path("search.png"),
    runs: Runs = Path("runs"),
    device: Device = "auto",
    cache: Cache = True,
) -> None:
    """Search a dataset: clips for a TEXT, or captions for a clip of yours (--video)."""
    if (text is None) == (video is None):
        given = "neither" if text is None else "both"
        raise typer.BadParameter(f"expected a TEXT or --video CLIP, found {given}")
    if sheet.suffix.lower() != ".png":
        raise typer.BadParameter(f"--sheet {sheet}: expected a file name that ends in .png")

    found = dvtr.search(
        text,
        video=video,
        model=model,
        dataset=dataset,
        split=split,
        checkpoint=checkpoint,
        backbone=backbone,
        top=top,
        rerank=rerank,
        runs=runs,
        device=device,
        cache=cache,
        tell=lambda line: typer.echo(line, err=True),
    )
    found.print()
    typer.echo(f"wrote {found.draw(sheet)}")
