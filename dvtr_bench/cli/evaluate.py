"""Evaluate a model on built datasets by the recall protocol."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dvtr_bench as dvtr
from dvtr_bench.catalog import POST_PROCESSORS
from dvtr_bench.cli._entries_in_help import EntriesInHelp
from dvtr_bench.cli._options import Cache, Device, Runs, UntrainedBackbone

if TYPE_CHECKING:
    from dvtr_bench.evaluation.evaluation_result import EvaluationResult
    from dvtr_bench.evaluation.external_file import Form

SimMatrix = Annotated[
    Path | None,
    typer.Option(
        help="Scores: .npz with sim_matrix (captions x videos), caption_ids and video_ids.",
    ),
]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        help="Vectors: .npz with text_embeds, video_embeds, caption_ids and video_ids; a score is "
        "their inner product.",
    ),
]
ModelName = Annotated[str | None, typer.Option(help="What your model is called in tables.")]
TextBlock = Annotated[
    int | None, typer.Option(min=1, help="Captions that your model scores together, if it does.")
]
PostProcessing = Annotated[
    str | None,
    typer.Option(
        help="What was done to your whole sim_matrix, such as dual_softmax: it gets a table of its "
        "own.",
        show_default="none",
    ),
]
PostProcess = Annotated[
    list[str] | None,
    typer.Option(
        help="A post-processor, with settings as in qb_norm:bank_captions=1000; they are listed "
        "below; repeat for more. What they make of the scores goes into result files and tables of "
        "their own, beside those of the scores as they are.",
    ),
]
Dataset = Annotated[
    str | None, typer.Option(help="A built dataset.", show_default="all under ./dvtr")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Checkpoint folder.", show_default="newest of that model and dataset"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting of a model that is not trained, name=value; repeat."),
]
AllSeeds = Annotated[
    bool,
    typer.Option(
        "--all-seeds",
        help="Evaluate every finished seed of that checkpoint's setup: a result file each, one "
        "row in tables.",
    ),
]
Seed = Annotated[
    int | None, typer.Option(help="Seed that your model was trained with.", show_default="none")
]


class EvaluateCommand(EntriesInHelp):
    """Lists the post-processors on its help page."""

    title = "Post-processors"
    catalog = POST_PROCESSORS


COMMAND_CLASS = EvaluateCommand


def evaluate(
    model: Annotated[str | None, typer.Option(help="Which model; see `dvtr-bench models`.")] = None,
    sim_matrix: SimMatrix = None,
    embeddings: Embeddings = None,
    model_name: ModelName = None,
    text_block: TextBlock = None,
    post_processing: PostProcessing = None,
    seed: Seed = None,
    dataset: Dataset = None,
    checkpoint: Checkpoint = None,
    backbone: UntrainedBackbone = None,
    settings: Settings = None,
    all_seeds: AllSeeds = False,
    split: Annotated[str, typer.Option(help="Report test; validation is for choosing.")] = "test",
    post_process: PostProcess = None,
    results: Annotated[Path, typer.Option(help="Folder for result files.")] = Path("results"),
    runs: Runs = Path("runs"),
    top: Annotated[
        int,
        typer.Option(min=1, help="Candidates of each query to keep: pictures, TREC runs."),
    ] = 10,
    device: Device = "auto",
    cache: Cache = True,
) -> None:
    """Evaluate a model: a result file, a contact sheet and the figures with their intervals.

    With --sim-matrix or --embeddings the model is yours and none of our code runs in it. Under
    `torchrun -m dvtr_bench evaluate ...` several processes share the work.
    """
    # Options that clash are told before anything heavy is imported.
    about = {
        "model_name": model_name,
        "text_block": text_block,
        "post_processing": post_processing,
        "seed": seed,
    }
    form = _chosen(model, sim_matrix, embeddings)
    if form is None:
        _refuse(about, "it describes scores that you bring, not a --model")
    else:
        _require_described(form, about, dataset, checkpoint)
        _refuse({"all_seeds": all_seeds or None}, "bring each seed by itself, with --seed")
    from dvtr_bench.runtime.processes import joined_processes

    how: dict[str, Any] = {
        "split": split,
        "post_process": post_process or (),
        "top": top,
        "results": results,
        "device": device,
    }
    with joined_processes() as processes:
        if form is None:
            evaluated = dvtr.evaluate_all(
                str(model),
                dataset,
                all_seeds=all_seeds,
                checkpoint=checkpoint,
                backbone=backbone,
                settings=settings or (),
                runs=runs,
                cache=cache,
                tell=lambda line: typer.echo(line, err=True),
                **how,
            )
        else:
            given: dict[str, Any] = {k: value for k, value in about.items() if value is not None}
            file = Path(str(sim_matrix or embeddings))
            evaluated = [dvtr.evaluate_external(file, str(dataset), form=form, **given, **how)]
        if processes.is_first:
            _report(evaluated)


def _report(evaluated: "list[EvaluationResult]") -> None:
    dvtr.make_leaderboard(evaluated).print()
    for result in evaluated:
        for path in result.paths:
            typer.echo(f"wrote {path}")
    typer.echo("next: dvtr-bench leaderboard")


def _chosen(model: str | None, sim_matrix: Path | None, embeddings: Path | None) -> "Form | None":
    """Return what was brought; None for a model of ours."""
    sources = {"--model": model, "--sim-matrix": sim_matrix, "--embeddings": embeddings}
    given = [option for option, value in sources.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            f"expected exactly one of {', '.join(sources)}, found {' and '.join(given) or 'none'}"
        )
    if model is not None:
        return None
    return "embeddings" if sim_matrix is None else "sim_matrix"


def _require_described(
    form: "Form", about: Mapping[str, object], dataset: str | None, checkpoint: Path | None
) -> None:
    option = f"--{form.replace('_', '-')}"
    _refuse({"checkpoint": checkpoint}, f"it belongs to --model, not to {option}")
    if about["model_name"] is None or dataset is None:
        missing = "--model-name" if about["model_name"] is None else "--dataset"
        raise typer.BadParameter(f"{option} needs {missing} too")
    if form == "embeddings":
        block = {"text_block": about["text_block"]}
        _refuse(block, "a score of two vectors depends on those two alone")


def _refuse(options: Mapping[str, object], reason: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"leave out --{name.replace('_', '-')}: {reason}")
