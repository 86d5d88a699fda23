"""Options that several commands take, each described once."""

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]

Runs = Annotated[Path, typer.Option(help="Folder of training runs.")]

Cache = Annotated[
    bool, typer.Option(help="Keep the backbone's features beside the dataset for next time.")
]

DecodingThreads = Annotated[int, typer.Option(help="Threads that decode frames.")]

NamedDataset = Annotated[str, typer.Option(help="Name of a built dataset, or its folder.")]

BuiltDataset = Annotated[str, typer.Argument(help="A built dataset: its name, or its folder.")]

Root = Annotated[Path, typer.Option(help="Folder that names are looked for in.")]

OnlyDataset = Annotated[
    str | None, typer.Option(help="A built dataset.", show_default="the only one under ./dvtr")
]

TrainedBackbone = Annotated[
    str,
    typer.Option(
        help="ARCHITECTURE/WEIGHTS of open_clip, ARCHITECTURE/PATH, tiny or tiny-scratch."
    ),
]

UntrainedBackbone = Annotated[
    str, typer.Option(help="Weights of a model that is not trained, such as clip_zeroshot.")
]
