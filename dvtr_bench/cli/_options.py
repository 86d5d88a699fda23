"""Options that several commands take, each described once."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

MODEL: Final = "Model"
DATASET: Final = "Dataset"
MACHINE: Final = "Where it runs"
OUTPUT: Final = "Output"

WHICH_MODEL: Final = (
    "Which model: a name of `dvtr-bench models`, or SOURCE:NAME of one that others published, such "
    "as hf:ORG/NAME."
)
_A_DATASET: Final = "A built dataset: its name, NAME@VERSION, or its folder."
_OR_PUBLISHED: Final = "Or one on the Hub, ORG/NAME@v1.0.0"

Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MACHINE)
]

Runs = Annotated[
    Path, typer.Option(help="Folder of training runs.", file_okay=False, rich_help_panel=MODEL)
]

Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="Checkpoint folder.",
        show_default="newest of that model and dataset",
        rich_help_panel=MODEL,
    ),
]

Cache = Annotated[
    bool,
    typer.Option(
        help="Keep the backbone's features beside the dataset for next time.",
        rich_help_panel=MACHINE,
    ),
]

DecodingThreads = Annotated[
    int, typer.Option(help="Threads that decode frames.", rich_help_panel=MACHINE)
]

BuiltDataset = Annotated[str, typer.Argument(help=_A_DATASET)]

AnyDataset = Annotated[
    str, typer.Argument(help=f"{_A_DATASET} {_OR_PUBLISHED}, or one that can be built.")
]

BuiltOrPublished = Annotated[str, typer.Argument(help=f"{_A_DATASET} {_OR_PUBLISHED}.")]

NamedDataset = Annotated[str, typer.Option(help=_A_DATASET, rich_help_panel=DATASET)]

OnlyDataset = Annotated[
    str | None,
    typer.Option(help=_A_DATASET, show_default="the only one there", rich_help_panel=DATASET),
]

EveryDataset = Annotated[
    str | None,
    typer.Option(help=_A_DATASET, show_default="all that are there", rich_help_panel=DATASET),
]

StudyDatasets = Annotated[
    list[str] | None,
    typer.Option(
        help=f"{_A_DATASET} In place of the study's; repeat for more.",
        show_default="as the study says",
        rich_help_panel=DATASET,
    ),
]

Root = Annotated[
    Path,
    typer.Option(
        help="Folder that names of datasets are looked for in.",
        file_okay=False,
        rich_help_panel=DATASET,
    ),
]

Judged = Annotated[
    Path | None,
    typer.Option(
        help="Judged relevance, as `dvtr-bench judge` writes it: its figures beside the strict "
        "ones, from the top lists beside the result files.",
        show_default="none",
        dir_okay=False,
    ),
]

SheetQueries = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHOICE",
        help="Queries of the contact sheet: spread, worst, best, random or disagree (of two runs), "
        "with a number as in worst:12; or ids of captions, with commas between them.",
        show_default="spread:6",
        rich_help_panel=OUTPUT,
    ),
]

Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document in place of tables, and nothing else.",
        rich_help_panel=OUTPUT,
    ),
]


def out_folder(meaning: str, *others: str, **settings: Any) -> Any:
    """Return the option for the folder that a command writes.

    Args:
        meaning: What is in it.
        *others: Further spellings that are shown.
        **settings: What else Typer takes.
    """
    return typer.Option(
        "--out",
        "-o",
        *others,
        help=meaning,
        file_okay=False,
        rich_help_panel=OUTPUT,
        **settings,
    )


def out_file(meaning: str, **settings: Any) -> Any:
    """Return the option for the file that a command writes."""
    return typer.Option(
        "--out", "-o", help=meaning, dir_okay=False, rich_help_panel=OUTPUT, **settings
    )


ModelSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of the model, name=value; repeat for more. `dvtr-bench models NAME` lists "
        "them.",
        rich_help_panel=MODEL,
    ),
]

MaxWords = Annotated[
    int | None,
    typer.Option(
        min=3,
        help="Most tokens of a caption that are read, up to what the backbone's text tower has "
        "(77 for CLIP, 248 for Long-CLIP, 64 for most SigLIPs); --set max_words, shorter.",
        show_default="the model's own, 32 for those of ours",
        rich_help_panel=MODEL,
    ),
]


def with_max_words(settings: list[str] | None, max_words: int | None) -> list[str]:
    """Return --set with --max-words among them.

    Raises:
        typer.BadParameter: Both say how many.
    """
    given = list(settings or ())
    if max_words is None:
        return given
    if any(one.partition("=")[0].strip() == "max_words" for one in given):
        raise typer.BadParameter("--max-words and --set max_words both say it: leave one out")
    return [*given, f"max_words={max_words}"]


TrainedBackbone = Annotated[
    str | None,
    typer.Option(
        help="ARCHITECTURE/WEIGHTS of open_clip, ARCHITECTURE/PATH, a name such as "
        "remoteclip-vit-b-32, tiny or tiny-scratch; see `dvtr-bench backbones`.",
        show_default="the model's own, ViT-B-32/openai",
        rich_help_panel=MODEL,
    ),
]

UntrainedBackbone = Annotated[
    str | None,
    typer.Option(
        help="Weights of a model that is not trained, such as clip_zeroshot; see `dvtr-bench "
        "backbones`.",
        show_default="the model's own, ViT-B-32/openai",
        rich_help_panel=MODEL,
    ),
]
