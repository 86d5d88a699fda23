"""Show one result, or one training run."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._command import Json, Judged, Runs, print_json


def show(
    path: Annotated[Path, typer.Argument(help="A result file, or the folder of a training run.")],
    runs: Runs = Path("runs"),
    judged: Judged = None,
    as_json: Json = False,
) -> None:
    """Show one result or one training run: figures, curves, checks, config, how to repeat it."""
    from leaderboard.shown_run import print_run, run_as_json

    judgements = None
    if judged is not None:
        from leaderboard.judging.judgements import read_judgements

        judgements = read_judgements(judged)
    if as_json:
        print_json(run_as_json(path, runs, judgements))
    else:
        print_run(path, runs, judgements=judgements)
