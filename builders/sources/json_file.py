"""Published JSON files: anything that a reader does not expect becomes one message."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError

Content = TypeVar("Content")


def read_json_as(path: Path, form: str, read: Callable[[Any], Content]) -> Content:
    """Read a JSON file of a known form.

    Args:
        path: The file.
        form: An example of the form, for the message.
        read: Takes the parsed JSON and returns its content; may fail in any way if the form is
            another one.

    Returns:
        What `read` returns.

    Raises:
        AnnotationError: The file is no JSON or has another form.
        NotFoundError: There is no such file.
    """
    try:
        return read(json.loads(read_text(path)))
    except json.JSONDecodeError as failure:
        raise AnnotationError(f"{path}: not JSON ({failure})") from None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as failure:
        raise AnnotationError(
            f"{path}: expected {form}, failed at {type(failure).__name__}: {failure}"
        ) from None


def text_of(value: object) -> str:
    """Return a text; raise TypeError for anything else.

    Example:
        >>> text_of("a field")
        'a field'
    """
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {str(value)[:60]!r}")
    return value


def seconds_of(value: object) -> float:
    """Return a time in seconds; raise TypeError for anything but a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a time in seconds, found {str(value)[:60]!r}")
    return float(value)
