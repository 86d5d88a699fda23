"""Problems gathered and told all at once, so that a user mends them in one go."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from dvtr_bench.errors import AnnotationError

SHOWN: Final = 10
"""How many items of one kind a message lists."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def collect(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to all items and report all that fail together.

    Args:
        function: May raise `AnnotationError`.
        items: What to apply it to.

    Returns:
        The results, in order.

    Raises:
        AnnotationError: At least one item failed; lists the first ten messages and the count.
    """
    results, failures = [], []
    for item in items:
        try:
            results.append(function(item))
        except AnnotationError as failure:
            failures.append(str(failure))
    if len(failures) == 1:
        raise AnnotationError(failures[0])
    if failures:
        raise AnnotationError(f"problems found: {len(failures)}{bullets(failures)}")
    return results


def bullets(lines: Sequence[str]) -> str:
    r"""Return lines as an indented list, the first ten and how many more there are.

    Example:
        >>> bullets(["a", "b"])
        '\n  - a\n  - b'
    """
    shown = [f"\n  - {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"\n  - and {len(lines) - SHOWN:,} more")
    return "".join(shown)
