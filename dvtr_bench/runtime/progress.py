"""Progress on standard error: a bar with the remaining time, or a line.

Inside `quiet` nothing is shown.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dvtr_bench.runtime.terminal import printable, write_line

Advance = Callable[..., None]
"""``advance(steps=1, note=None)``: report steps done, and the note beside the bar."""


_quiet = False


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Show no bars, lines and hints of this process while a block runs.

    Args:
        wanted: False changes nothing.

    Example:
        >>> with quiet():
        ...     say("not shown")
    """
    global _quiet
    before = _quiet
    _quiet = before or wanted
    try:
        yield
    finally:
        _quiet = before


def is_quiet() -> bool:
    """Whether nothing is shown: this runs inside `quiet`."""
    return _quiet


@contextmanager
def progress_bar(description: str, total: int, *, enabled: bool = True) -> Iterator[Advance]:
    """Show a progress bar while a block runs.

    Args:
        description: What is being done, such as ``encode videos``.
        total: Number of steps.
        enabled: False shows nothing.

    Yields:
        ``advance(steps=1, note=None)``, to be called as work is done.

    Example:
        >>> with progress_bar("count", total=3, enabled=False) as advance:
        ...     for _ in range(3):
        ...         advance()
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )

    class BarConsole(Console):
        """Shows no more bars where nobody reads them: the work, and its output, go on."""

        def on_broken_pipe(self) -> None:
            self.quiet = True

    with Progress(
        *columns, console=BarConsole(stderr=True), disable=_quiet or not enabled
    ) as progress:
        task = progress.add_task(printable(description), total=total, note="")

        def advance(steps: int = 1, note: str | None = None) -> None:
            if note is None:
                progress.update(task, advance=steps)
            else:
                progress.update(task, advance=steps, note=printable(note))

        yield advance


def say(line: str) -> None:
    """Write a line to standard error, which keeps it out of piped output.

    Args:
        line: Plain text, one line.
    """
    if not _quiet:
        write_line(line, err=True)
