"""Problems gathered and told all at once, so that a user mends them in one go."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from dvtr_bench.errors import AnnotationError

SHOWN: Final = 10
"""How many items of one kind a message lists."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def collected(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function to all items and report all that fail together.

    Args:
        function: May raise `AnnotationError`.
        items: What to apply it to.

    Yields:
        The results, in order.

    Raises:
        AnnotationError: At the end, if at least one item failed; lists the first ten messages and
            the count.
    """
    failures = []
    for item in items:
        try:
            result = function(item)
        except AnnotationError as failure:
            failures.append(str(failure))
        else:
            yield result
    if len(failures) == 1:
        raise AnnotationError(failures[0])
    if failures:
        raise AnnotationError(f"problems found: {len(failures)}{bullets(failures)}")


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
