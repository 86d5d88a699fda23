"""The `dvtr-bench` script: gathers the commands, turns our errors into messages and exit codes."""

import importlib
import os
import pkgutil
import sys
from typing import Annotated

import typer

from dvtr_bench import __version__, commands
from dvtr_bench.errors import DvtrError
from dvtr_bench.runtime.allocation import reuse_freed_memory

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dvtr-bench {__version__}")
        raise typer.Exit


def make_app() -> typer.Typer:
    """Return the command line: every module of `dvtr_bench.commands` is one command."""
    app = typer.Typer(
        name="dvtr-bench",
        help="Datasets, models and one recall protocol for drone video-text retrieval.",
        no_args_is_help=True,
        add_completion=False,
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
    ) -> None: ...

    for entry in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{entry.name}")
        app.command(name=entry.name.replace("_", "-"))(getattr(module, entry.name))
    return app


def main() -> None:
    """Run the command line; exit with 1 on an error of ours, 2 on wrong usage, 130 on Ctrl-C."""
    reuse_freed_memory()
    try:
        make_app()()
    except DvtrError as failure:
        if os.environ.get("DVTR_TRACEBACK"):
            raise
        typer.echo(f"error: {failure}", err=True)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            typer.echo("stopped: run the same command again and it goes on", err=True)
        raise
