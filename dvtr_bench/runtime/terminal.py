"""What is printed: lines without control characters of others, progress, numbers with their nouns.

Ids, captions, names and paths can hold what recolours a terminal, clears it or sets its title.
Every line of this package goes through `write_line`, every table through a console of
`dvtr_bench.reports.others_text.make_console`. Progress goes to standard error; inside `quiet`
nothing of it is shown.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final


def printable(text: str) -> str:
    """Return a text without control characters, which could control the terminal.

    Example:
        >>> printable("a" + chr(27) + "[31mb")
        'a [31mb'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def printable_lines(text: str) -> str:
    """Return a text without control characters other than its line breaks.

    Example:
        >>> printable_lines("a" + chr(27) + chr(10) + "b") == "a " + chr(10) + "b"
        True
    """
    return "\n".join(map(printable, text.split("\n")))


def write_line(text: object = "", *, err: bool = False) -> None:
    """Write a text and a line break.

    Args:
        text: One or more lines; control characters are shown as spaces.
        err: To standard error, after what was printed before, in place of standard output.
    """
    if err:
        # What was printed before stands before it, where both go to one place. If it cannot be
        # written, the last flush of the program says so.
        with suppress(OSError):
            sys.stdout.flush()
    print(printable_lines(str(text)), file=sys.stderr if err else sys.stdout, flush=True)


_VOWELS: Final = "aeiou"


def count_of(number: int, noun: str, several: str = "") -> str:
    """Return a number and its noun.

    Args:
        number: How many.
        noun: The noun for one, such as ``clip`` or ``test clip``.
        several: The noun for several, where it is not made with ``-s``, ``-es`` or ``-ies``.

    Returns:
        The number with commas between thousands, and the noun as it goes with it.

    Example:
        >>> count_of(1, "clip"), count_of(1200, "query"), count_of(2, "batch")
        ('1 clip', '1,200 queries', '2 batches')
    """
    return f"{number:,} {by_number(number, noun, several or _plural(noun))}"


def by_number(number: int, one: str, several: str) -> str:
    """Return the word that goes with a number.

    Example:
        >>> by_number(1, "was", "were"), by_number(0, "was", "were")
        ('was', 'were')
    """
    return one if number == 1 else several


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "tch", "sh")) else f"{noun}s"


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
