"""Show what a trained model looks at."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import (
    Cache,
    Checkpoint,
    Device,
    Json,
    OnlyDataset,
    Root,
    Runs,
    out_folder,
    print_json,
)
from dvtr_bench.runtime.terminal import say, write_line


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
    checkpoint: Checkpoint = None,
    out: Annotated[Path, out_folder("Folder for arrays, scores, pictures.")] = Path("probe"),
    runs: Runs = Path("runs"),
    root: Root = Path("dvtr"),
    device: Device = "auto",
    cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Show what a trained MSAM looks at: its maps as arrays and pictures, and how well they point.

    The pointing score needs a dataset that knows where its objects are, such as aerosynth.
    """
    from dvtr_bench.evaluation.pointing.report import print_pointing
    from msam.probe_run import probe_dataset

    written = probe_dataset(
        model,
        dataset,
        out,
        split=split,
        checkpoint=checkpoint,
        runs=runs,
        root=root,
        video_ids=video_id or (),
        pictures=pictures,
        device=device,
        cache=cache,
        tell=say,
    )
    if as_json:
        print_json(written)
        return
    if written.scores:
        print_pointing(written.scores, written.title)
    else:
        write_line(written.remark)
    if written.zero_semantics:
        write_line(
            f"{written.zero_semantics:.1%} of its semantics are zero vectors: they say nothing"
        )
    if written.alikeness is not None:
        write_line(
            f"its semantics: |cosine| of two of a video is {written.alikeness:.3f} on average "
            "(1: all say the same)"
        )
    for path in written.paths:
        write_line(f"wrote {path}")
