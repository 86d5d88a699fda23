"""Make foreign text (ids, captions, class names) safe to show in a terminal or page."""

from html import escape


def printable(text: str) -> str:
    """Return a text without control characters, which could control the terminal.

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
    text_shown = printable(text)
    return text_shown if len(text_shown) <= letters else f"{text_shown[: letters - 3]}..."
