"""Search a built dataset."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import (
    MODEL,
    WHICH_MODEL,
    Cache,
    Checkpoint,
    Command,
    Device,
    Json,
    OnlyDataset,
    Root,
    Runs,
    UntrainedBackbone,
    out_file,
    print_json,
)
from dvtr_bench.runtime.terminal import say, write_line


class SearchCommand(Command):
    """Takes --sheet for --out."""

    old_spellings = {"--sheet": "--out"}


COMMAND_CLASS = SearchCommand


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
            help=WHICH_MODEL,
            show_default="the one trained last on the dataset",
            rich_help_panel=MODEL,
        ),
    ] = None,
    dataset: OnlyDataset = None,
    split: Annotated[str, typer.Option(help="Which split to search.")] = "test",
    root: Root = Path("dvtr"),
    checkpoint: Checkpoint = None,
    backbone: UntrainedBackbone = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    rerank: Annotated[
        int,
        typer.Option(
            min=1, help="How many the model scores pair by pair, where one vector is not enough."
        ),
    ] = 200,
    out: Annotated[Path, out_file("The contact sheet, a PNG.")] = Path("search.png"),
    runs: Runs = Path("runs"),
    device: Device = "auto",
    cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Search a dataset: clips for a TEXT, or captions for a clip of yours (--video)."""
    if (text is None) == (video is None):
        given = "neither" if text is None else "both"
        raise typer.BadParameter(f"expected a TEXT or --video CLIP, found {given}")
    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"--out {out}: expected a file name that ends in .png")

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
        root=root,
        device=device,
        cache=cache,
        tell=say,
    )
    drawn = found.draw(out)
    if as_json:
        asked = {"text": text} if video is None else {"video": video}
        print_json({**asked, "searched": found.where, "found": list(found), "written": [drawn]})
        return
    found.print()
    write_line(f"wrote {drawn}")
