"""Search a built dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvtr_bench.cli._options import Cache, Device, OnlyDataset, Runs, UntrainedBackbone

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames, Retriever
    from dvtr_bench.searching.choice import Chosen


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

    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.searching.choice import choose
    from dvtr_bench.searching.searches import read_clip, require_text

    if text is not None:
        require_text(text)
    chosen = choose(dataset, split, model, checkpoint=checkpoint, backbone=backbone, runs=runs)
    clip = [] if video is None else read_clip(video, chosen.frames)
    place = choose_device(device)
    typer.echo(f"searches {chosen.where} ({chosen.weights.label}), on {place}", err=True)
    retriever = chosen.weights.load(place)
    if video is None:
        written = _clips(retriever, chosen, str(text), sheet, top, rerank, cache)
    else:
        written = _captions(retriever, chosen, video, clip, sheet, top, rerank, cache)
    typer.echo(f"wrote {written}")


def _clips(
    model: "Retriever", chosen: "Chosen", text: str, sheet: Path, top: int, rerank: int, cache: bool
) -> Path:
    from dvtr_bench.searching.report import draw_clips, print_clips
    from dvtr_bench.searching.searches import search_clips

    split = chosen.split
    found = search_clips(model, split, text, top=top, rerank=rerank, cache=cache)
    title = (
        f"The best {len(found)} of {len(split.video_ids)} clips of {chosen.where}, "
        f"by {chosen.weights.model}"
    )
    print_clips(found, title)
    return draw_clips(found, split, text, title, sheet)


def _captions(
    model: "Retriever",
    chosen: "Chosen",
    video: Path,
    clip: "Frames",
    sheet: Path,
    top: int,
    rerank: int,
    cache: bool,
) -> Path:
    from dvtr_bench.searching.report import draw_captions, print_captions
    from dvtr_bench.searching.searches import search_captions

    split = chosen.split
    found = search_captions(model, split, clip, top=top, rerank=rerank, cache=cache)
    where = f"{chosen.where}, by {chosen.weights.model}"
    print_captions(found, f"The best {len(found)} captions for {video.name} in {where}")
    return draw_captions(found, split, clip, video.name, where, sheet)
