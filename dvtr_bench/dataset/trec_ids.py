"""Ids that TREC tools can read: runs and qrels are split at any white space.

Ids of videos and captions hold what their authors wrote (USRD's end in a space), so they are
percent-encoded on the way out, as in an address, and decoded on the way in.
"""

from typing import Final
from urllib.parse import quote, unquote

_SAFE: Final = "/:@+,=()#"
"""Stands for itself beside letters, digits and ``_.-~``; no TREC tool takes it for anything."""

_EMPTY: Final = "%"
"""An empty id; a percent sign alone never comes out of encoding."""


def encode_id(text: str) -> str:
    """Encode an id for a TREC file.

    Args:
        text: Any text.

    Returns:
        ASCII without white space, never empty; another text for another id.

    Example:
        >>> encode_id("DJI 0012 (50%).mp4")
        'DJI%200012%20(50%25).mp4'
    """
    return quote(text, safe=_SAFE, errors="surrogatepass") or _EMPTY


def decode_id(text: str) -> str:
    """Undo `encode_id`.

    Args:
        text: What it returned.

    Returns:
        The id.

    Example:
        >>> decode_id("DJI%200012%20(50%25).mp4")
        'DJI 0012 (50%).mp4'
    """
    return "" if text == _EMPTY else unquote(text, errors="surrogatepass")
