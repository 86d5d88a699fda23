"""The border to the terminal: whatever is printed holds no control character of others.

Ids, captions, names and paths can hold what recolours a terminal, clears it or sets its title.
Every line of this package goes through `write_line`, every table through a console of
`dvtr_bench.reports.others_text.make_console`.
"""

import sys
from contextlib import suppress


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
