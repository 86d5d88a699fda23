"""Published JSON files: anything that a reader does not expect becomes one message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError, DvtrError
from dvtr_bench.reading.border import brief, brief_value
from dvtr_bench.reading.json_toml_text import parse_published_json

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
    value = parse_published_json(read_text(path), str(path), AnnotationError)
    try:
        return read(value)
    except DvtrError:
        raise
    except Exception as failure:  # another form fails in as many ways as there are look-ups
        kind = type(failure).__name__
        words = brief(failure).removeprefix(f"{kind}: ")
        raise AnnotationError(f"{path}: expected {form}, failed at {kind} {words}") from None


def text_of(value: object) -> str:
    """Return a text; raise TypeError for anything else.

    Example:
        >>> text_of("a field")
        'a field'
    """
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {brief_value(value)!r}")
    return value


def seconds_of(value: object) -> float:
    """Return a time in seconds; raise TypeError for anything but a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a time in seconds, found {brief_value(value)!r}")
    return float(value)
