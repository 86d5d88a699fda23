"""The border for files that others wrote: whatever is wrong with one ends in one error of ours.

Parsers fail in more ways than their manuals say: a damaged file can raise RecursionError, KeyError,
OverflowError or an error of a library below. A reader parses inside `reading`, and takes no memory
for a size that a file merely states before `require_size` has seen it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dvtr_bench.errors import DvtrError, InputError

_LETTERS: Final = 200
"""A longer reason is cut: libraries quote what they read, of whatever length."""


@contextmanager
def reading(
    where: Path | str,
    kind: str,
    error: type[DvtrError] = InputError,
    advice: str = "get the file again",
) -> Iterator[None]:
    """Turn every exception of a block that parses a file into one error of ours.

    Args:
        where: The file, and the place in it where that is known.
        kind: What the file should be, such as ``"an .npz file"``.
        error: Type of the error to raise.
        advice: What to do about it.

    Yields:
        Nothing. Errors of ours pass as they are, FileNotFoundError too.

    Raises:
        DvtrError: The block raised any other exception; of the type ``error``.

    Example:
        >>> with reading("scores.npz", "an .npz file"):
        ...     {}["scores"]
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.InputError: scores.npz: not an .npz file that can be read (KeyError: \
'scores'): get the file again
    """
    try:
        yield
    except (DvtrError, FileNotFoundError):
        raise
    except RecursionError:
        raise error(f"{where}: not {kind} that can be read (nested too deep): {advice}") from None
    except MemoryError:
        raise error(
            f"{where}: not {kind} that can be read (more memory than there is): {advice}"
        ) from None
    except OSError as failure:
        reason = failure.strerror or brief(failure)
        raise error(f"{where}: cannot be read ({reason})") from failure
    except Exception as failure:
        raise error(
            f"{where}: not {kind} that can be read ({brief(failure)}): {advice}"
        ) from failure


def require_size(
    where: Path | str,
    num_bytes: int,
    largest: int,
    what: str = "the file",
    error: type[DvtrError] = InputError,
) -> None:
    """Raise if something is larger than it may be, before memory is taken for it.

    Args:
        where: The file.
        num_bytes: Size, as measured or as the file states it.
        largest: Largest size that is read, in bytes.
        what: What has the size.
        error: Type of the error to raise.

    Raises:
        DvtrError: It is larger; of the type ``error``.
    """
    if num_bytes > largest:
        raise error(f"{where}: {what} takes {num_bytes:,} bytes: expected at most {largest:,}")


def brief(failure: BaseException) -> str:
    """Return the first words of an exception, its type where these do not say enough.

    Never fails itself, whatever the exception holds.

    Example:
        >>> brief(ValueError("a" * 300))[-4:], brief(KeyError("a")), brief(IndexError())
        ('a...', "KeyError: 'a'", 'IndexError')
    """
    if isinstance(failure, UnicodeDecodeError):
        return f"not a text file in {failure.encoding}: {failure.reason} at byte {failure.start:,}"
    try:
        words = " ".join(str(failure).split())
    except Exception:  # such as ValueError: a message that holds an int of 5,000 digits
        words = ""
    if len(words) > _LETTERS:
        words = f"{words[:_LETTERS]}..."
    if words and isinstance(failure, ValueError | OSError):
        return words
    return f"{type(failure).__name__}: {words}" if words else type(failure).__name__
