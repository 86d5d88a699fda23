"""What all commands share: --quiet, options in groups, former spellings, printing."""

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
from dvtr_bench.runtime.progress import quiet
from dvtr_bench.runtime.terminal import write_line

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
