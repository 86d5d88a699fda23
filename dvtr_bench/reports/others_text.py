"""Ids, captions and classes are others' text: shown on a terminal or a page, never obeyed."""

from html import escape


def printable(text: str) -> str:
    """Return a text without control characters, which could steer the terminal.

    Example:
        >>> printable("a" + chr(27) + "[31mb")
        'a [31mb'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def safe_html(text: str) -> str:
    """Return a text as HTML that shows it, in an element or in a quoted attribute.

    Example:
        >>> safe_html("<b>")
        '&lt;b&gt;'
    """
    return escape(printable(text), quote=True)


def one_line(text: str, letters: int = 60) -> str:
    """Return a text on one line, without control characters, cut to a length.

    Example:
        >>> one_line("a" * 50, 10)
        'aaaaaaa...'
    """
    told = printable(text)
    return told if len(told) <= letters else f"{told[: letters - 3]}..."
