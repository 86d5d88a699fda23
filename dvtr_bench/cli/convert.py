"""Convert a checkpoint of a model's authors into one of ours."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import out_folder
from dvtr_bench.runtime.terminal import say, write_line


def convert(
    file: Annotated[Path, typer.Argument(help="Such as CLIP4Clip's pytorch_model.bin.3.")],
    model: Annotated[
        str, typer.Option(help="Which model it is; see `dvtr-bench models`. X-Pool is xpool.")
    ],
    out: Annotated[Path, out_folder("Checkpoint folder to write.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting that no shape tells, name=value, as max_frames=64.",
        ),
    ] = None,
) -> None:
    """Convert a checkpoint of a model's authors; `evaluate --checkpoint` takes what it writes.

    CLIP4Clip (all four heads), X-CLIP, X-Pool, DRL and MSAM. The file is read as tensors, never
    unpickled; a tensor that is not known stops the conversion.
    """
    from baselines.conversion.authors_checkpoint import convert_authors_checkpoint
    from dvtr_bench.models.entry import model_entry
    from dvtr_bench.settings import parse_settings

    given = parse_settings(model_entry(model).config_class, settings or [])
    converted = convert_authors_checkpoint(file, model, given)
    converted.save(out)
    write_line(f"read {file} as {converted.source}: {len(converted.renamed)} tensors taken")
    for reason, count in Counter(converted.dropped.values()).items():
        write_line(f"dropped {count}: {reason}")
    config = ", ".join(
        f"{name} {value}" for name, value in converted.model.config.as_mapping().items()
    )
    write_line(f"wrote {out}: {config}")
    say(f"next: dvtr-bench evaluate --model {converted.model.name} --checkpoint {out}")
