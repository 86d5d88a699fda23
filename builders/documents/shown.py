"""How sizes and fingerprints are shown to people."""

from typing import Final

FINGERPRINT_SHOWN: Final = 12
"""Digits of a fingerprint that are shown."""


def size_text(count: float) -> str:
    """Return a number of bytes in readable form.

    Example:
        >>> size_text(1_562_587)
        '1.6 MB'
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.2f} GB"
