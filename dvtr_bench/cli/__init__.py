"""The `dvtr-bench` script and its commands, one file each.

A module holds a function of its own name, and a ``COMMAND_CLASS`` where it needs more than
`dvtr_bench.cli._command.Command`; a module whose name begins with ``_`` is no command. A command
imports what it needs inside its function, so that ``dvtr-bench --help`` answers at once and
builders work without torch. An error of ours becomes one line, ``error: ...``, and exit status 1.
"""

import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from dvtr_bench import __version__
from dvtr_bench.cli._command import Command, Quiet
from dvtr_bench.errors import DvtrError
from dvtr_bench.runtime.allocation import reuse_freed_memory
from dvtr_bench.runtime.own_packages import find_other_packages
from dvtr_bench.runtime.terminal import write_line

_WrongUsage: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.mro() if kind.__name__ == "ClickException"
)
"""What Typer raises for wrong usage: a class of its own copy of click, which it does not export."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_PYTHONS_OWN: Final = warnings.showwarning
"""How Python prints a warning."""


def _print_version(wanted: bool) -> None:
    if wanted:
        write_line(f"dvtr-bench {__version__}")
        raise typer.Exit


class _Commands(Mapping[str, Any]):
    """The commands by name, each imported on first use."""

    def __init__(self) -> None:
        modules = (entry.name for entry in pkgutil.iter_modules(__path__))
        self._modules = {name.replace("_", "-"): name for name in modules if name[0] != "_"}
        self._loaded: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module = importlib.import_module(f"{__name__}.{self._modules[name]}")
            command_class = getattr(module, "COMMAND_CLASS", Command)
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(name=name, cls=command_class)(getattr(module, self._modules[name]))
            self._loaded[name] = typer.main.get_command(alone)
        return self._loaded[name]


class _Group(TyperGroup):
    """The group of all commands; only the command that runs is imported."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Add the commands of this package."""
        super().__init__(*args, **settings)
        self.commands: Any = _Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, each with the whole first line of its help."""
        rows = [(name, self.commands[name].help.partition("\n")[0]) for name in self.commands]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def make_app() -> typer.Typer:
    """Return the command line: every module of this package is one command."""
    app = typer.Typer(
        name="dvtr-bench",
        cls=_Group,
        help="Datasets, models and one recall protocol for drone video-text retrieval.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Importing rich for the help pages alone would double the time to answer.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: Annotated[
            bool,
            typer.Option(
                "--version", callback=_print_version, is_eager=True, help="Print the version."
            ),
        ] = False,
        quiet: Quiet = False,
    ) -> None: ...

    return app


def _print_warning(
    message: Warning | str, category: type[Warning], *place: Any, **details: Any
) -> None:
    """Print a warning of ours as one line; all others as Python does."""
    if category.__module__.startswith("dvtr_bench."):
        write_line(f"warning: {message}", err=True)
    else:
        _PYTHONS_OWN(message, category, *place, **details)


def main() -> None:
    """Run the command line; exit with 1 on an error of ours, 2 on wrong usage, 130 on Ctrl-C."""
    reuse_freed_memory()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows few characters shows "?" for the others.
            stream.reconfigure(errors="replace")
    warnings.showwarning = _print_warning
    others = find_other_packages()
    for other in others:
        write_line(f"warning: {other}", err=True)
    try:
        status = make_app()(standalone_mode=False)
    except DvtrError as failure:
        if os.environ.get("DVTR_TRACEBACK"):
            raise
        write_line(f"error: {failure}", err=True)
        sys.exit(1)
    except _WrongUsage as refused:
        sys.exit(_tell_usage(refused))
    except (ImportError, AttributeError) as failure:
        if not others or os.environ.get("DVTR_TRACEBACK"):
            raise
        write_line(f"error: {failure}: see the warning above", err=True)
        sys.exit(1)
    if status == INTERRUPTED:
        write_line("stopped: run the same command again and it goes on", err=True)
    sys.exit(status)


def _tell_usage(refused: Any) -> int:
    if refused.ctx is None or type(refused).__name__ == "NoArgsIsHelpError":
        refused.show()
    else:
        context = refused.ctx
        write_line(f"error: {refused.format_message()}", err=True)
        write_line(context.get_usage(), err=True)
        write_line(f"see `{context.command_path} --help`", err=True)
    return int(refused.exit_code)
