"""From nothing to a leaderboard on the embedded dataset."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.results import RunRecord
    from dvtr_bench.training.recipe import Recipe

MODELS: Final = ("clip4clip_meanp", "clip4clip_seqtransf", "msam")
OURS: Final = {"dvtr", "backbone", "runs", "results", "LEADERBOARD.md"}


def quickstart(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of its own for everything.")
    ] = Path("quickstart"),
    seed: Annotated[int, typer.Option(help="Of weights, order and dropout.")] = 42,
    size: Annotated[str, typer.Option(help="Size of the dataset: small or full.")] = "small",
    epochs: Annotated[
        int | None, typer.Option(help="Of each training; fewer for a quick look.")
    ] = None,
) -> None:
    """Build the embedded dataset, train and evaluate three models, print the leaderboard.

    Needs no GPU and no download. Run again after a stop, it goes on.
    """
    from dvtr_bench.training.recipe import QUICKSTART, QUICKSTART_PRETRAINING
    from dvtr_bench.training.run_choice import replace_settings
    from leaderboard.board import make_boards
    from leaderboard.markdown import write_markdown
    from leaderboard.terminal import print_boards

    _require_own_folder(out)
    changes = {"seed": seed, "epochs": epochs}
    with _step("1 of 4  render and build aerosynth, the embedded dataset"):
        built = _build(out, size)
    with _step("2 of 4  train the tiny CLIP that all three models start from"):
        pretraining = replace_settings(QUICKSTART_PRETRAINING, changes)
        backbone = _train_backbone(built, pretraining, out / "backbone")
    with _step("3 of 4  train the three models"):
        recipe = replace_settings(QUICKSTART, changes)
        checkpoints = _train_models(f"tiny/{backbone}", built, recipe, out / "runs" / built.name)
    with _step("4 of 4  evaluate them on the test split"):
        records, sheet = _evaluate(checkpoints, built, out / "results")
    boards = make_boards(records)
    print_boards(boards)
    page = write_markdown(boards, out / "LEADERBOARD.md")
    typer.echo(
        f"\nleaderboard    {page}\nresult files   {out / 'results'}\ncontact sheet  {sheet}\n\n"
        "next: dvtr-bench build folder --clips DIR --captions FILE --name mine"
    )


def _require_own_folder(out: Path) -> None:
    from dvtr_bench.errors import OutputExistsError

    others = sorted({path.name for path in out.iterdir()} - OURS) if out.is_dir() else []
    if others or out.is_file():
        raise OutputExistsError(
            f"{out} holds something else ({', '.join(others[:3]) or 'a file'}): name a folder of "
            "its own with --out"
        )


@contextmanager
def _step(title: str) -> Iterator[None]:
    typer.secho(f"\n{title}", bold=True, err=True)
    started = time.perf_counter()
    yield
    typer.echo(f"{time.perf_counter() - started:.0f} seconds", err=True)


def _build(out: Path, size: str) -> "BuiltDataset":
    from builders.build import build
    from builders.engine.settings import BuildSettings, usable_cores

    settings = BuildSettings(root=out / "dvtr", workers=usable_cores())
    return build("aerosynth", {"size": size}, settings).dataset


def _train_backbone(built: "BuiltDataset", recipe: "Recipe", out: Path) -> Path:
    from dvtr_bench.runtime.checkpoint import new_model
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train

    model = new_model("clip4clip_meanp", {"backbone": "tiny-scratch"}, seed=recipe.seed)
    return train(model, *training_splits(built), recipe, out)


def _train_models(
    backbone: str, built: "BuiltDataset", recipe: "Recipe", out: Path
) -> dict[str, Path]:
    from dvtr_bench.runtime.checkpoint import new_model
    from dvtr_bench.training.inputs import prepare_inputs
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train

    splits = training_splits(built)
    models = {name: new_model(name, {"backbone": backbone}, seed=recipe.seed) for name in MODELS}
    # Their image tower is one and the same, and frozen.
    prepare = cache(partial(prepare_inputs, models[MODELS[0]], splits, recipe.freeze))
    checkpoints = {}
    for name, model in models.items():
        typer.echo(f"{name}, {recipe.epochs} epochs", err=True)
        checkpoints[name] = train(model, *splits, recipe, out / name / "run", prepare=prepare)
    return checkpoints


def _evaluate(
    checkpoints: dict[str, Path], built: "BuiltDataset", results: Path
) -> "tuple[list[RunRecord], Path]":
    from dvtr_bench.evaluation.run import Weights, evaluate_and_write

    records: list[RunRecord] = []
    for model, checkpoint in checkpoints.items():
        typer.echo(model, err=True)
        written = evaluate_and_write(
            Weights(model, checkpoint, "tiny"), built.split("test"), results
        )
        records += written.records
        sheet = written.paths[-1]
    return records, sheet
