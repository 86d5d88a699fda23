"""Run MSAM's ablations and print their table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dvtr_bench.command_options import DecodingThreads, Device, NamedDataset, TrainedBackbone

if TYPE_CHECKING:
    from dvtr_bench.ablation.plan import Plan
    from dvtr_bench.ablation.run import Workshop
    from dvtr_bench.training.recipe import Recipe


def ablate(
    dataset: NamedDataset,
    backbone: TrainedBackbone = "ViT-B-32/openai",
    seeds: Annotated[int, typer.Option(min=1, help="How many, counted from --seed.")] = 3,
    seed: Annotated[int | None, typer.Option(help="The first of them.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A variant to run beside the full model, such as pooling=mean; repeat for more.",
            show_default="all",
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pairs.")] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            help="nothing, frames (the image tower stays as it is) or backbone (the text tower "
            "too): what stays is encoded once for all variants.",
            show_default="as the recipe says",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of every variant, name=value; repeat for more."),
    ] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="A setting of the recipe, name=value; repeat for more."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for runs, result files and ABLATION.md.")
    ] = Path("ablation"),
    listed: Annotated[
        bool, typer.Option("--list", help="Say what would be run, and run nothing.")
    ] = False,
    device: Device = "auto",
    workers: DecodingThreads = 2,
) -> None:
    """Train and evaluate MSAM with one thing changed at a time, and say what each is worth.

    Run again after a stop, it goes on. The result files make a leaderboard too:
    `dvtr-bench leaderboard OUT/results`.
    """
    from dvtr_bench.ablation.plan import make_plan
    from dvtr_bench.ablation.run import Workshop, run_ablation
    from dvtr_bench.dataset.reader import open_dataset
    from msam.ablations import MSAM

    recipe = _recipe(
        backbone, {"epochs": epochs, "freeze": freeze, "seed": seed}, recipe_settings or []
    )
    plan = make_plan(
        MSAM,
        {"backbone": backbone, **_settings(MSAM.model, settings or [])},
        range(recipe.seed, recipe.seed + seeds),
        only or [],
    )
    workshop = Workshop(MSAM, open_dataset(dataset), recipe, out, workers=workers)
    if listed:
        _print_plan(plan, workshop)
        return
    from dvtr_bench.runtime.device import choose_device
    from leaderboard.ablation.figures import make_ablation
    from leaderboard.ablation.pages import print_ablation, write_ablation

    found = run_ablation(
        plan,
        replace(workshop, device=choose_device(device)),
        lambda line: typer.echo(line, err=True),
    )
    table = make_ablation(MSAM, found)
    print_ablation(table)
    typer.echo(f"\nwrote {write_ablation(table, out / 'ABLATION.md')}")
    typer.echo(f"next: dvtr-bench leaderboard {workshop.results}")


def _recipe(backbone: str, changes: Mapping[str, Any], settings: Sequence[str]) -> "Recipe":
    from dvtr_bench.training.run_choice import default_recipe, replace_settings, with_settings

    return with_settings(replace_settings(default_recipe(backbone), changes), settings)


def _settings(model: str, settings: Sequence[str]) -> dict[str, Any]:
    if not settings:
        return {}
    from dvtr_bench.catalog import MODELS
    from dvtr_bench.training.options import parse_settings

    return parse_settings(MODELS.load(model).Config, settings)


def _print_plan(plan: "Plan", workshop: "Workshop") -> None:
    from dvtr_bench.ablation.run import count_finished

    width = max(len(name) for name in plan.names)
    seeds = len(plan.seeds)
    training_of = {variant.name: job.training for job in plan.jobs for variant in job.variants}
    for variant in workshop.ablations.variants:
        if variant.name not in training_of:
            continue
        training = training_of[variant.name]
        state = f"weights of {training.name}"
        if variant.name == training.name:
            state = f"{count_finished(training, plan, workshop)} of {seeds} trained"
        typer.echo(f"{variant.name:<{width}}  {state:<15}  {variant.about}")
    trainings = len(plan.trainings)
    typer.echo(
        f"\n{len(plan.names)} rows from {trainings} trainings and {len(plan.jobs)} evaluations a "
        f"seed; {seeds} seeds ({', '.join(map(str, plan.seeds))}): {trainings * seeds} trainings "
        f"of {workshop.recipe.epochs} epochs, freeze={workshop.recipe.freeze}, into {workshop.out}"
    )
