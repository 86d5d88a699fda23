"""Train the backbone that comes with the package again."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import Device, out_folder
from dvtr_bench.runtime.terminal import say, write_line


def pretrain_tiny(
    out: Annotated[Path, out_folder("Folder for the state, the log and the weights.")] = Path(
        "pretrained-tiny"
    ),
    steps: Annotated[int | None, typer.Option(help="Steps of the whole training.")] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe", metavar="NAME=VALUE", help="Another setting, name=value; repeat for more."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that render frames.")] = 1,
    device: Device = "auto",
    validate_every: Annotated[int, typer.Option(help="Steps between two validations.")] = 1000,
) -> None:
    """Train the tiny CLIP from nothing on frames that are rendered meanwhile.

    None of them is of a clip of aerosynth's sizes small and full. Run again after a stop, it goes
    on. Writes tiny.safetensors, which is what the package ships, and log.jsonl.
    """
    from dvtr_bench.api.pretraining import pretrain_tiny as pretrain

    path = pretrain(
        out,
        steps=steps,
        recipe=recipe_settings or (),
        workers=workers,
        device=device,
        validate_every=validate_every,
        tell=say,
    )
    write_line(f"weights  {path}")
    say(
        "next: dvtr-bench evaluate --model clip_zeroshot "
        f"--backbone tiny/{path} --dataset aerosynth-small"
    )
