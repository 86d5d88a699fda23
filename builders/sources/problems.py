"""Collection of problems, so that a message can list all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from dvtr_bench.errors import AnnotationError

SHOWN: Final = 10
"""Number of items that a message lists."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def apply_to_all(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function to all items and report all failures together.

    Args:
        function: A function that may raise `AnnotationError`.
        items: Its arguments.

    Yields:
        The results, in order.

    Raises:
        AnnotationError: At the end, if at least one item failed. The message has the number of
            failures and the first ten messages.
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
    r"""Format lines as an indented list of the first ten and the number of the others.

    Example:
        >>> bullets(["a", "b"])
        '\n  - a\n  - b'
    """
    shown = [f"\n  - {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"\n  - and {len(lines) - SHOWN:,} more")
    return "".join(shown)
