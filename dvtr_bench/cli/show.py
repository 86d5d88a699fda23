"""Show one result, or one training run."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import print_json
from dvtr_bench.cli._options import Json, Runs


def show(
    path: Annotated[Path, typer.Argument(help="A result file, or the folder of a training run.")],
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Show one result or one training run: figures, curves, checks, config, how to repeat it."""
    from leaderboard.shown_run import print_run, run_as_json

    if as_json:
        print_json(run_as_json(path, runs))
    else:
        print_run(path, runs)
