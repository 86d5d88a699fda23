"""Evaluate a model on built datasets by the recall protocol."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Option(help="Which model; see `dvtr-bench models`.")],
    dataset: Annotated[
        str | None, typer.Option(help="A built dataset.", show_default="all under ./dvtr")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint folder.", show_default="newest of that model and dataset"),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="Weights of a model that is not trained, such as clip_zeroshot.")
    ] = "ViT-B-32/openai",
    split: Annotated[str, typer.Option(help="Report test; validation is for choosing.")] = "test",
    results: Annotated[Path, typer.Option(help="Folder for result files.")] = Path("results"),
    runs: Annotated[Path, typer.Option(help="Folder of training runs.")] = Path("runs"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Evaluate a model: a result file, a contact sheet and the figures with their intervals."""
    from dvtr_bench.catalog import MODELS
    from dvtr_bench.harness.device import choose_device
    from dvtr_bench.harness.evaluation_run import evaluate_and_write, plan_evaluation
    from leaderboard.board import make_boards
    from leaderboard.terminal import print_boards

    place = choose_device(device)
    plan = plan_evaluation(
        MODELS.load(model).__name__.rpartition(".")[2],
        dataset,
        split,
        checkpoint=checkpoint,
        backbone=backbone,
        runs=runs,
    )
    for reason in plan.left_out:
        typer.echo(f"left out: {reason}", err=True)
    evaluated = []
    for built, weights in plan.runs:
        typer.echo(f"{weights.label} on {built.name} {split}, on {place}", err=True)
        evaluated.append(evaluate_and_write(weights, built.split(split), results, device=place))
    print_boards(make_boards(record for written in evaluated for record in written.records))
    for written in evaluated:
        for path in written.paths:
            typer.echo(f"wrote {path}")
    typer.echo("next: dvtr-bench leaderboard")
