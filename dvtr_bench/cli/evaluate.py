"""Evaluate a model on built datasets by the recall protocol."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

import dvtr_bench as dvtr
from dvtr_bench.catalog import POST_PROCESSORS
from dvtr_bench.cli._command import (
    DATASET,
    MODEL,
    OUTPUT,
    WHICH_MODEL,
    Cache,
    Checkpoint,
    Device,
    EntriesInHelp,
    EveryDataset,
    Json,
    MaxWords,
    Root,
    Runs,
    SheetQueries,
    UntrainedBackbone,
    out_folder,
    print_json,
    with_max_words,
)
from dvtr_bench.runtime.terminal import printable, say, write_line

if TYPE_CHECKING:
    from dvtr_bench.evaluation.evaluation_result import EvaluationResult
    from dvtr_bench.evaluation.external_file import Form

    Brought = Form | Literal["from_mteb"]

BROUGHT: Final = "Scores that you bring, in place of --model"
PROTOCOL: Final = "Protocol"

SimMatrix = Annotated[
    Path | None,
    typer.Option(
        help="Scores: .npz with sim_matrix (captions x videos), caption_ids and video_ids.",
        rich_help_panel=BROUGHT,
    ),
]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        help="Vectors: .npz with text_embeds, video_embeds, caption_ids and video_ids; a score is "
        "their inner product.",
        rich_help_panel=BROUGHT,
    ),
]
FromMteb = Annotated[
    Path | None,
    typer.Option(
        help="Predictions of mteb on the dataset's tasks: a file, or the folder of one model.",
        rich_help_panel=BROUGHT,
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(help="What your model is called in tables.", rich_help_panel=BROUGHT),
]
TextBlock = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Captions that your model scores together, if it does.",
        rich_help_panel=BROUGHT,
    ),
]
AlreadyProcessed = Annotated[
    str | None,
    typer.Option(
        help="What you did to your whole sim_matrix before you brought it, such as dual_softmax: "
        "it is stated in the result, which gets a table of its own. Nothing is done here; "
        "--post-process does.",
        show_default="nothing",
        rich_help_panel=BROUGHT,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Seed that your model was trained with.",
        show_default="none",
        rich_help_panel=BROUGHT,
    ),
]
PostProcess = Annotated[
    list[str] | None,
    typer.Option(
        help="What to do to the scores here, such as dual_softmax, with settings as in "
        "qb_norm:bank_captions=1000; all are listed below; repeat for more. It gets result files "
        "and tables of its own, beside those of the scores as they are.",
        show_default="nothing",
        rich_help_panel=PROTOCOL,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of a model that is not trained, name=value; repeat for more.",
        rich_help_panel=MODEL,
    ),
]
AllSeeds = Annotated[
    bool,
    typer.Option(
        "--all-seeds",
        help="Evaluate every finished seed of that checkpoint's setup: a result file each, one "
        "row in tables.",
        rich_help_panel=MODEL,
    ),
]
AllowSeenClips = Annotated[
    bool,
    typer.Option(
        "--allow-seen-clips",
        help="Evaluate a checkpoint of another version of the dataset whose training used clips of "
        "this split: the result says so.",
        rich_help_panel=MODEL,
    ),
]


RerankerModel = Annotated[
    str | None,
    typer.Option(
        "--reranker",
        metavar="MODEL",
        help="A second model that puts the best candidates of each query in a new order: a name "
        "as for --model, or a checkpoint folder. It gets a result file and a table of its own.",
        show_default="none",
        rich_help_panel=PROTOCOL,
    ),
]
RerankTop = Annotated[
    int,
    typer.Option(
        min=1,
        help="Candidates of each query that --reranker scores; ranks beyond them stay.",
        rich_help_panel=PROTOCOL,
    ),
]
RerankerSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--reranker-set",
        metavar="NAME=VALUE",
        help="A setting of a --reranker that is not trained, such as backbone=tiny; repeat for "
        "more.",
        rich_help_panel=PROTOCOL,
    ),
]
Top = Annotated[
    int,
    typer.Option(
        min=1,
        help="Candidates of each query to keep: pictures, TREC runs.",
        rich_help_panel=OUTPUT,
    ),
]
Browse = Annotated[
    int,
    typer.Option(
        min=0,
        help="Keep all captions, and small pictures of the clips of this many of the worst "
        "queries, beside each result file: a site shows them without the dataset. Pictures "
        "only where the dataset's licence allows showing them, about 20 kB a clip.",
        show_default="none",
        rich_help_panel=OUTPUT,
    ),
]


CheckSeed = Annotated[
    int,
    typer.Option(
        min=0,
        help="Seed of the order in which a model is asked, and of what is asked again to check its "
        "claims. It changes no rank. Take one of your own to run somebody else's model.",
        rich_help_panel=PROTOCOL,
    ),
]


class EvaluateCommand(EntriesInHelp):
    """Lists the post-processors on its help page; takes spellings of before."""

    title = "Post-processors"
    catalog = POST_PROCESSORS
    old_spellings = {"--results": "--out", "--post-processing": "--already-processed"}


COMMAND_CLASS = EvaluateCommand


def evaluate(
    model: Annotated[
        str | None,
        typer.Option(help=WHICH_MODEL, rich_help_panel=MODEL),
    ] = None,
    checkpoint: Checkpoint = None,
    all_seeds: AllSeeds = False,
    runs: Runs = Path("runs"),
    allow_seen_clips: AllowSeenClips = False,
    backbone: UntrainedBackbone = None,
    settings: Settings = None,
    max_words: MaxWords = None,
    sim_matrix: SimMatrix = None,
    embeddings: Embeddings = None,
    from_mteb: FromMteb = None,
    model_name: ModelName = None,
    text_block: TextBlock = None,
    already_processed: AlreadyProcessed = None,
    seed: Seed = None,
    dataset: EveryDataset = None,
    root: Root = Path("dvtr"),
    split: Annotated[
        str,
        typer.Option(help="Report test; validation is for choosing.", rich_help_panel=DATASET),
    ] = "test",
    post_process: PostProcess = None,
    reranker: RerankerModel = None,
    rerank_top: RerankTop = 100,
    reranker_settings: RerankerSettings = None,
    top: Top = 10,
    queries: SheetQueries = None,
    browse: Browse = 0,
    out: Annotated[Path, out_folder("Folder for result files.")] = Path("results"),
    as_json: Json = False,
    device: Device = "auto",
    cache: Cache = True,
    check_seed: CheckSeed = 0,
) -> None:
    """Evaluate a model: a result file, a contact sheet and the figures with their intervals.

    With --sim-matrix, --embeddings or --from-mteb none of our code runs in the model. Under
    `torchrun -m dvtr_bench evaluate ...` several processes share the work.
    """
    # Options that clash are told before anything heavy is imported.
    about = {"model_name": model_name, "text_block": text_block, "seed": seed}
    about["already_processed"] = already_processed
    form = _chosen(model, sim_matrix, embeddings, from_mteb)
    others = {"checkpoint": checkpoint, "all_seeds": all_seeds, "post_process": post_process}
    _require_described(form, about, dataset, others)
    reranking = _reranking(form, reranker, rerank_top, reranker_settings)
    from dvtr_bench.runtime.processes import joined_processes

    how: dict[str, Any] = {
        "split": split,
        "post_process": post_process or (),
        "top": top,
        "results": out,
        "queries": queries or "spread",
        "browse": browse,
        "root": root,
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
                settings=with_max_words(settings, max_words),
                runs=runs,
                allow_seen_clips=allow_seen_clips,
                cache=cache,
                check_seed=check_seed,
                tell=_tell,
                **reranking,
                **how,
            )
        else:
            file = Path(str(sim_matrix or embeddings or from_mteb))
            evaluated = [_evaluate_brought(form, file, str(dataset), {**_given(about), **how})]
        if processes.is_first:
            _report(evaluated, out, as_json)


def _evaluate_brought(
    form: "Brought", file: Path, dataset: str, given: dict[str, Any]
) -> "EvaluationResult":
    if form != "from_mteb":
        return dvtr.evaluate_external(file, dataset, form=form, **given)
    del given["post_process"]
    return dvtr.evaluate_mteb(file, dataset, **given)


def _given(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of scores, by the names of `evaluate_external`."""
    names = {"already_processed": "post_processing"}
    return {names.get(name, name): value for name, value in about.items() if value is not None}


def _tell(line: str) -> None:
    """Tell what is done; what is left out is part of the result, and told under --quiet too."""
    if line.startswith("left out: "):
        write_line(line, err=True)
    else:
        say(printable(line))


def _report(evaluated: "list[EvaluationResult]", out: Path, as_json: bool) -> None:
    board = dvtr.make_leaderboard(evaluated)
    written = [path for result in evaluated for path in result.paths]
    if as_json:
        from leaderboard.json_form import boards_as_json

        print_json({"boards": boards_as_json(board.boards), "written": written})
        return
    board.print()
    for path in written:
        write_line(f"wrote {path}")
    say(f"next: dvtr-bench leaderboard{'' if out == Path('results') else f' {out}'}")


def _reranking(
    form: "Brought | None", reranker: str | None, top: int, settings: list[str] | None
) -> dict[str, Any]:
    """Return the reranker by the names of `evaluate_all`; a folder is a checkpoint or a run."""
    if form is not None:
        _refuse({"reranker": reranker}, "it reranks what a --model finds")
    if reranker is None:
        _refuse({"reranker_set": settings or None}, "there is no --reranker")
    is_folder = reranker is not None and Path(reranker).is_dir()
    return {
        "reranker": Path(str(reranker)) if is_folder else reranker,
        "rerank_top": top,
        "reranker_settings": settings or (),
    }


def _chosen(
    model: str | None, sim_matrix: Path | None, embeddings: Path | None, from_mteb: Path | None
) -> "Brought | None":
    """Return what was brought; None for a model of ours."""
    sources: dict[Brought | None, object] = {
        None: model,
        "sim_matrix": sim_matrix,
        "embeddings": embeddings,
        "from_mteb": from_mteb,
    }
    options = {form: "--model" if form is None else _option(form) for form in sources}
    given = [form for form, value in sources.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(options[form] for form in given) or "none"
        raise typer.BadParameter(
            f"expected exactly one of {', '.join(options.values())}, found {found}"
        )
    return given[0]


def _option(form: "Brought") -> str:
    return f"--{form.replace('_', '-')}"


def _require_described(
    form: "Brought | None",
    about: Mapping[str, object],
    dataset: str | None,
    of_models: Mapping[str, object],
) -> None:
    """Refuse options that do not belong to what is evaluated, and scores that nothing names."""
    if form is None:
        _refuse(about, "it describes scores that you bring, not a --model")
        return
    option = _option(form)
    _refuse({"checkpoint": of_models["checkpoint"]}, f"it belongs to --model, not to {option}")
    is_named = about["model_name"] is not None or form == "from_mteb"
    if not is_named or dataset is None:
        missing = "--dataset" if is_named else "--model-name"
        raise typer.BadParameter(f"{option} needs {missing} too")
    if form == "embeddings":
        block = {"text_block": about["text_block"]}
        _refuse(block, "a score of two vectors depends on those two alone")
    if form == "from_mteb":
        scored = {name: about[name] for name in ("text_block", "already_processed")}
        scored["post_process"] = of_models["post_process"]
        _refuse(scored, "mteb's scores are taken as they are")
    every = {"all_seeds": of_models["all_seeds"] or None}
    _refuse(every, "bring each seed by itself, with --seed")


def _refuse(options: Mapping[str, object], reason: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"leave out --{name.replace('_', '-')}: {reason}")
