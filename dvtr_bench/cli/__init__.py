"""The `dvtr-bench` script and its commands, one file each.

A module holds a function of its own name, and a ``COMMAND_CLASS`` where it needs more than
`dvtr_bench.cli._command.Command`; a module whose name begins with ``_`` is no command. A command
imports what it needs inside its function, so that ``dvtr-bench --help`` answers at once and
builders work without torch. An error of ours becomes one line, ``error: ...``, and exit status 1;
any other becomes a line that says how to report it. ``DVTR_TRACEBACK=1`` shows tracebacks.
"""

import errno
import importlib
import os
import pkgutil
import select
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from dvtr_bench import __version__
from dvtr_bench.cli._command import Command, Quiet
from dvtr_bench.errors import DvtrError
from dvtr_bench.reading.border import brief
from dvtr_bench.runtime.cpu import reuse_freed_memory
from dvtr_bench.runtime.interrupts import Interrupts, interrupts_end_this
from dvtr_bench.runtime.packages import find_other_packages
from dvtr_bench.runtime.terminal import write_line
from dvtr_bench.runtime.writing import reason_of, refusal_message

_WrongUsage: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.mro() if kind.__name__ == "ClickException"
)
"""What Typer raises for wrong usage: a class of its own copy of click, which it does not export."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

READER_GONE: Final = 141
"""Exit status where a reader such as ``head`` has stopped, as shells have it: 128 + SIGPIPE."""

_PACKAGES: Final = frozenset({"dvtr_bench", "builders", "baselines", "msam", "leaderboard"})

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
    """Run the command line and exit.

    The status is 1 after an error, 2 after wrong usage, 130 after Ctrl-C, 143 after SIGTERM, and
    141 where a reader such as ``head`` has stopped.
    """
    _open_missing_streams()
    reuse_freed_memory()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows few characters shows "?" for the others.
            stream.reconfigure(errors="replace")
    warnings.showwarning = _print_warning
    others = find_other_packages()
    for other in others:
        write_line(f"warning: {other}", err=True)
    with interrupts_end_this() as interrupts:
        try:
            status = _run(interrupts, are_shadowed=bool(others))
        except KeyboardInterrupt:  # outside of any command
            status = INTERRUPTED
        except BrokenPipeError:  # while a message was printed
            status = READER_GONE
        except OSError:  # also while a message was printed: standard output is on a full disk
            status = 1
        status = _flushed(status)
    sys.exit(status)


def _run(interrupts: Interrupts, *, are_shadowed: bool) -> int:
    """Run the command line; return the exit status."""
    try:
        status: int = make_app()(standalone_mode=False) or 0
    except DvtrError as failure:
        if os.environ.get("DVTR_TRACEBACK"):
            raise
        write_line(f"error: {failure}", err=True)
        return 1
    except _WrongUsage as refused:
        return _tell_usage(refused)
    except SystemExit as ended:
        # Typer ends so where a reader of our output has stopped.
        status = ended.code if isinstance(ended.code, int) else 1
        if isinstance(ended.__context__, OSError) and ended.__context__.errno == errno.EPIPE:
            status = _tell_unknown(ended.__context__)
    except Exception as failure:
        is_of_imports = isinstance(failure, ImportError | AttributeError)
        if are_shadowed and is_of_imports and not os.environ.get("DVTR_TRACEBACK"):
            write_line(f"error: {failure}: see the warning above", err=True)
            return 1
        if interrupts.status is None:
            status = _tell_unknown(failure.__cause__ or failure)
        else:  # a library has made another error of the interrupt
            status = INTERRUPTED
    if status == INTERRUPTED:
        status = interrupts.status or INTERRUPTED
        write_line("stopped: run the same command again and it goes on from what is kept", err=True)
    return status


def _tell_unknown(failure: BaseException) -> int:
    """Say what went wrong in a way that no message of ours describes; return the exit status."""
    if isinstance(failure, BrokenPipeError) and _reader_is_gone():
        return READER_GONE
    if isinstance(failure, OSError) and (status := _flushed(0)):
        return status
    if os.environ.get("DVTR_TRACEBACK"):
        raise failure
    if isinstance(failure, OSError) and failure.errno is not None:
        where = failure.filename or "standard output, or a file"
        message = f"{where}: cannot be read or written ({reason_of(failure.errno)})"
    elif isinstance(failure, MemoryError):
        message = f"there is not enough memory ({brief(failure)})"
    else:
        message = f"a fault of dvtr-bench {__version__}: {brief(failure)} ({_place(failure)})"
    command = shlex.join(["dvtr-bench", *sys.argv[1:]])
    write_line(f"error: {message}", err=True)
    write_line(
        "This message should say more. Please report it to the authors of dvtr-bench, with what "
        f"this prints: DVTR_TRACEBACK=1 {command}",
        err=True,
    )
    return 1


def _place(failure: BaseException) -> str:
    """Return file and line of the innermost code of ours in a traceback."""
    root = Path(__file__).parents[2]
    own = "outside of its own code"
    for frame in traceback.extract_tb(failure.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(root) and path.relative_to(root).parts[0] in _PACKAGES:
            own = f"{path.relative_to(root).as_posix()}, line {frame.lineno}"
    return own


def _flushed(status: int) -> int:
    """Write out what was printed, while it can still be said that this failed."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = READER_GONE
    except OSError as failure:
        message = refusal_message("standard output", failure.errno or errno.EIO, "> FILE")
        with suppress(OSError):
            write_line(f"error: {message}", err=True)
        status = 1
    else:
        return status
    # Python would fail once more when it flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return status


def _open_missing_streams() -> None:
    """Open the null device for streams that are closed, or the next file would take their place."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            if number > 0:
                name = "stdout" if number == 1 else "stderr"
                setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


def _reader_is_gone() -> bool:
    """Tell whether nobody reads standard output or standard error any more."""
    if not hasattr(select, "poll"):
        return True
    polled = select.poll()
    for number in (1, 2):
        polled.register(number, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in polled.poll(0))


def _tell_usage(refused: Any) -> int:
    if refused.ctx is None or type(refused).__name__ == "NoArgsIsHelpError":
        refused.show()
    else:
        context = refused.ctx
        write_line(f"error: {refused.format_message()}", err=True)
        write_line(context.get_usage(), err=True)
        write_line(f"see `{context.command_path} --help`", err=True)
    return int(refused.exit_code)
