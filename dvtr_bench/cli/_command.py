"""What commands share: --quiet and printing, and options that several take, each described once."""

import copy
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import typer
from typer.core import TyperCommand

from dvtr_bench.catalog import Catalog
from dvtr_bench.runtime.terminal import quiet, write_line

MANY: Final = 10
"""Help pages with at least this many options show them in groups."""

QUIET: Final = "dvtr_bench.quiet"
"""Key of a context's ``meta`` that is set by --quiet, before or after the command."""


def _keep_quiet(ctx: typer.Context, wanted: bool) -> None:
    if wanted:
        ctx.meta[QUIET] = True


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_keep_quiet,
        expose_value=False,
        help="No progress and no hints: results, warnings and errors alone.",
    ),
]


def _make_quiet_option() -> Any:
    def any_command(quiet: Quiet = False) -> None: ...

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(any_command)
    (option,) = (one for one in typer.main.get_command(app).params if one.name == "quiet")
    return option


_QUIET_OPTION: Final = _make_quiet_option()


class Command(TyperCommand):
    """A command of ours.

    Attributes:
        old_spellings: Former options and their present names; they still work, but are not shown.
        json_took_a_file: Whether ``--json FILE`` used to mean ``--out FILE``.
    """

    old_spellings: ClassVar[Mapping[str, str]] = {}
    json_took_a_file: ClassVar[bool] = False

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Add the options that every command has."""
        super().__init__(*args, **settings)
        self.params.append(_QUIET_OPTION)

    def make_parser(self, ctx: Any) -> Any:
        """Return a parser that also knows the former spellings."""
        parser = super().make_parser(ctx)
        for old, new in self.old_spellings.items():
            (option,) = (one for one in self.params if new in one.opts)
            alias = copy.copy(option)
            alias.opts, alias.secondary_opts = [old], []
            alias.add_to_parser(parser, ctx)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of a call."""
        return super().parse_args(ctx, self.reworded(ctx, args))

    def reworded(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the arguments of a call in their present spelling."""
        if any(one.param_type_name == "argument" and one.name == "dataset" for one in self.params):
            args = list(_without_dataset_option(args))
        if self.json_took_a_file:
            args = [word.replace("--json=", "--out=", 1) for word in args]
            # If there is one argument too many, it is the file: --json alone takes none today.
            if "--json" in args and super().make_parser(ctx).parse_args(list(args))[1]:
                place = args.index("--json")
                args = [*args[:place], "--out", *args[place + 1 :]]
        return args

    def invoke(self, ctx: Any) -> Any:
        """Run the command, quietly with --quiet."""
        with quiet(QUIET in ctx.meta):
            return super().invoke(ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options: if there are many, in groups, those without a group last."""
        options = [one for one in self.get_params(ctx) if one.param_type_name == "option"]
        groups: dict[str, list[Any]] = {}
        for one in options:
            group = getattr(one, "rich_help_panel", None) if len(options) >= MANY else None
            groups.setdefault(group or "", []).append(one)
        others = groups.pop("", [])
        arguments = [one for one in self.get_params(ctx) if one.param_type_name == "argument"]
        write_options(ctx, formatter, {"Arguments": arguments, **groups, "Options": others})


def write_options(ctx: Any, formatter: Any, groups: Mapping[str, list[Any]]) -> None:
    """Write groups of parameters under their titles; empty groups are left out."""
    for title, shown in groups.items():
        records = [record for one in shown if (record := one.get_help_record(ctx))]
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _without_dataset_option(args: list[str]) -> Iterator[str]:
    """Yield the arguments with ``--dataset NAME`` as NAME, the positional argument."""
    words = iter(args)
    for word in words:
        if word == "--":
            yield word
            yield from words
        elif word != "--dataset":
            yield word.removeprefix("--dataset=")


class EntriesInHelp(Command):
    """A command whose help page ends with the entries of a catalog, none of them imported.

    Attributes:
        title: What stands above the entries.
        catalog: The entries.
    """

    title: str
    catalog: Catalog

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the entries."""
        super().format_options(ctx, formatter)
        with formatter.section(self.title):
            for name, summary in self.catalog.summaries().items():
                formatter.write_text(f"{name} ({summary.rstrip('.')})" if summary else name)


def print_json(document: object) -> None:
    """Print one JSON document in ASCII.

    Args:
        document: Mappings, sequences, dataclasses, paths, arrays and scalars; NaN and infinity
            become null.
    """
    write_line(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


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
