"""Words that go with a number: ``1 clip``, ``2 clips``."""

from typing import Final

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
