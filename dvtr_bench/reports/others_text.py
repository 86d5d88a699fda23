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
