"""The border for files that others wrote: whatever is wrong with one ends in one error of ours.

Parsers fail in more ways than their manuals say: a damaged file can raise RecursionError, KeyError,
OverflowError or an error of a library below. A reader parses inside `reading`, and takes no memory
for a size that a file merely states before `require_size` has seen it.
"""

import re
import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from dvtr_bench.errors import DvtrError, InputError

_LETTERS: Final = 200
"""A longer reason is cut: libraries quote what they read, of whatever length."""

_SHOWN: Final = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxlong = _SHOWN.maxother = 120
_SHOWN.maxlist = _SHOWN.maxdict = 16

_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


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
    except Exception as failure:
        # Without a number, an OSError is no system's but a parser's, such as Arrow's.
        if isinstance(failure, OSError) and failure.errno is not None:
            reason = failure.strerror or brief(failure)
            raise error(f"{where}: cannot be read ({reason})") from failure
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


def require_unicode(
    where: Path | str, text: str, what: str = "a text", error: type[DvtrError] = InputError
) -> str:
    r"""Return a text; raise if it holds half a character, which no file in UTF-8 can hold.

    JSON can write such a half (``"\ud800"``), and Python makes halves of bytes in file names that
    are not UTF-8. They are refused where they come in, since nothing that is written later takes
    them: Parquet, Markdown, CSV, the terminal.

    Args:
        where: The file.
        text: The text.
        what: What the text is, such as ``"the id"``.
        error: Type of the error to raise.

    Returns:
        The same text.

    Raises:
        DvtrError: It holds a code point of U+D800 to U+DFFF; of the type ``error``.

    Example:
        >>> require_unicode("a.json", "b\udc80")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.InputError: a.json: a text holds half a character, U+DC80, after 'b'...
    """
    if found := _HALF_CHARACTER.search(text):
        before = text[max(0, found.start() - 30) : found.start()]
        raise error(
            f"{where}: {what} holds half a character, U+{ord(found[0]):04X}, after {before!r}: "
            "write it in UTF-8"
        )
    return text


def path_inside(
    where: Path | str,
    stated: object,
    what: str = "a path",
    error: type[DvtrError] = InputError,
    *,
    one_part: bool = False,
) -> PurePosixPath:
    r"""Return a relative path that a file of others states; raise if it leaves its folder.

    Every name out of a file that becomes part of a path passes here.

    Args:
        where: The file that states it.
        stated: The path, with ``/``.
        what: What it names, for the message.
        error: Type of the error to raise.
        one_part: Whether it must be a single name.

    Returns:
        The path.

    Raises:
        DvtrError: It is no text, empty, absolute, holds ``..``, ``\``, a drive, a control
            character or half a character, or more than one part; of the type ``error``.

    Example:
        >>> path_inside("dataset.json", "data/test.parquet")
        PurePosixPath('data/test.parquet')
        >>> path_inside("run.json", "../..", "best")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.InputError: run.json: best: expected a path inside the folder, found...
    """
    text = stated if isinstance(stated, str) else ""
    parts = PurePosixPath(text).parts
    is_safe = (
        bool(parts)
        and ".." not in parts
        and not text.startswith("/")
        and not _DRIVE.match(text)
        and "\\" not in text
        and text.isprintable()
    )
    if not is_safe or (one_part and len(parts) != 1):
        expected = "one name" if one_part else "a path inside the folder"
        found = repr(stated[:60]) if isinstance(stated, str) else type(stated).__name__
        raise error(f"{where}: {what}: expected {expected}, found {found}")
    return PurePosixPath(text)


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


def brief_value(value: object, letters: int = 60) -> str:
    """Return the beginning of a value that was read, as Python writes it, in so many letters.

    The whole may be as large as its file.

    Example:
        >>> brief_value("a.mp4"), brief_value([1] * 100)
        ("'a.mp4'", '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...]')
    """
    try:
        text = _SHOWN.repr(value)
    except Exception:  # such as ValueError: an int of 5,000 digits
        return type(value).__name__
    return text if len(text) <= letters else f"{text[: letters - 3]}..."
