"""Make foreign text (ids, captions, class names) safe to show: one function a kind of output.

Whatever is written by others can hold control characters, bidirectional ones among them, half
surrogates and the markup of any format. `printable` is the base of all: it leaves no such
character. JSON and the scripts of the site are written in ASCII, where ``json.dumps`` escapes all.
"""

import os
import re
import sys
from html import escape
from typing import Any, Final

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

from dvtr_bench.runtime.terminal import printable, printable_lines

_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the start of a formula, in both widths."""

_MARKDOWN: Final = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|#~$"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)

_MARKDOWN_START: Final = re.compile(r"^(\s*)(?:([-+=])(?=\s|\2|$)|(\d+)([.)])(?=\s|$))")
"""The start of a list, a rule or a heading; a negative number is none of them."""

_TEX: Final = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # At the start of a row, brackets would be arguments of the preceding line break.
        "[": "{[}",
        "*": "{*}",
    }
)


def safe_html(text: str) -> str:
    """Return a text as HTML that shows it, in an element or in a quoted attribute.

    Example:
        >>> safe_html("<b>")
        '&lt;b&gt;'
    """
    return escape(printable(text), quote=True)


def safe_markdown(text: str) -> str:
    r"""Return a text as Markdown that shows it: on one line, also in a cell of a table.

    Example:
        >>> print(safe_markdown("![x](y) | <b>"), safe_markdown("- item"), safe_markdown("-1.5"))
        !\[x\](y) \| &lt;b&gt; \- item -1.5
    """
    escaped = printable(text).translate(_MARKDOWN)
    return _MARKDOWN_START.sub(
        lambda start: (
            f"{start[1]}\\{start[2]}" if start[2] else f"{start[1]}{start[3]}\\{start[4]}"
        ),
        escaped,
    )


def safe_prose(text: str) -> str:
    r"""Return a sentence of ours in Markdown, which may quote others, without HTML and pictures.

    Its own markup, such as code and emphasis, stays.

    Example:
        >>> print(safe_prose("see `a`: <b> ![x](y)"))
        see `a`: &lt;b> !\[x]\(y)
    """
    plain = printable_lines(text).replace("<", "&lt;")
    return plain.replace("![", "!\\[").replace("](", "]\\(")


def safe_code(text: str) -> str:
    """Return a text as code in Markdown, which it cannot end.

    Example:
        >>> safe_code("clip` <b>")
        "`clip' <b>`"
    """
    return f"`{printable(text).replace('`', chr(39))}`"


def safe_block(text: str, language: str) -> str:
    """Return lines of text as a block of code in Markdown, which they cannot end.

    Example:
        >>> print(safe_block("a ``` b", "text").partition(chr(10))[0])
        ````text
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{printable_lines(text)}\n{fence}"


def safe_tex(text: str) -> str:
    r"""Return a text as LaTeX that typesets it, on one line.

    Example:
        >>> print(safe_tex("50% of clip_x"))
        50\% of clip\_x
    """
    return printable(text).translate(_TEX)


def safe_cell(text: str) -> str:
    """Return a text that a spreadsheet shows but never evaluates, for a cell of a CSV file.

    Numbers are not texts: a negative one needs no such care.

    Args:
        text: Any text; its line breaks stay, which a CSV file quotes.

    Returns:
        The text, after an apostrophe if it could be taken for a formula.

    Example:
        >>> safe_cell("=cmd|' /C calc'!A0")
        "'=cmd|' /C calc'!A0"
    """
    shown = printable_lines(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def one_line(text: str, letters: int = 60) -> str:
    """Return a text on one line, without control characters, cut to a length.

    Example:
        >>> one_line("a" * 50, 10)
        'aaaaaaa...'
    """
    text_shown = printable(text)
    return text_shown if len(text_shown) <= letters else f"{text_shown[: letters - 3]}..."


_WIDE = 10_000
"""Width of piped output: one line per row, whatever its length."""


class SafeConsole(Console):
    """A console that shows control characters of texts as spaces, whoever prints them."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as `rich.console.Console.print` does.

        Args:
            *objects: What to print.
            **settings: As rich has them.
        """
        super().print(
            *(
                printable_lines(each) if isinstance(each, str) else _Printable(each)
                for each in objects
            ),
            **settings,
        )

    def on_broken_pipe(self) -> None:
        """Let the error be seen where the command ends, which knows what it means.

        rich's own would send standard output to nowhere and end with status 1.
        """
        raise


class _Printable:
    """Something to print; its texts lose their control characters when it is rendered."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._shown)


def make_console() -> Console:
    """Return a console for standard output.

    In a terminal a table fits the width: long names are wrapped, not truncated. In a pipe, each row
    is one line. ``COLUMNS`` sets the width. Control characters of texts are shown as spaces.
    """
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return SafeConsole(highlight=False, width=_WIDE if is_free else None)


def plain_table(*columns: str, figures: bool = False) -> Table:
    """Return an empty table whose cells are wrapped, not truncated.

    Args:
        columns: Headings.
        figures: Whether all columns except the first hold numbers, which are right-aligned.

    Returns:
        The table.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        is_figure = figures and number
        table.add_column(column, justify="right" if is_figure else "left", overflow="fold")
    return table
