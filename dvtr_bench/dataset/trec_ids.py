"""Encoding of ids for TREC files, whose columns are separated by white space.

Ids of videos and captions may contain spaces (those of USRD end in one), so they are
percent-encoded like URLs.
"""

from typing import Final
from urllib.parse import quote, unquote

_SAFE: Final = "/:@+,=()#"
"""Not encoded, like letters, digits and ``_.-~``: no TREC tool gives these a meaning."""

_EMPTY: Final = "%"
"""Stands for an empty id; `quote` never returns a single percent sign."""


def encode_id(text: str) -> str:
    """Encode an id for a TREC file.

    Args:
        text: Any id.

    Returns:
        ASCII without white space, never empty, different for different ids.

    Example:
        >>> encode_id("DJI 0012 (50%).mp4")
        'DJI%200012%20(50%25).mp4'
    """
    return quote(text, safe=_SAFE, errors="surrogatepass") or _EMPTY


def decode_id(text: str) -> str:
    """Decode an id encoded by `encode_id`.

    Args:
        text: The encoded id.

    Returns:
        The id.

    Example:
        >>> decode_id("DJI%200012%20(50%25).mp4")
        'DJI 0012 (50%).mp4'
    """
    return "" if text == _EMPTY else unquote(text, errors="surrogatepass")
