"""Strict decoding of users' text files: a wrong encoding is an error, never a wrong letter."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError
from dvtr_bench.reading.border import reading, require_size, require_unicode

LARGEST_BYTES: Final = 1 << 30
"""Larger texts are not read at once; tables of lines may be larger."""

_NOT_OF_FILES: Final = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)
"""Encodings of host names and of Python's source."""

_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a text file without changing line ends.

    Args:
        path: The file.
        encoding: Python name of the encoding; a UTF-8 byte order mark is accepted and removed.

    Returns:
        The text.

    Raises:
        NotFoundError: There is no such file.
        AnnotationError: A byte is not valid in this encoding; the message names byte and line.
        ConfigError: There is no encoding of this name.
    """
    _codec(encoding)
    _check_file(path)
    with reading(path, f"a text file in {encoding}", AnnotationError):
        require_size(path, path.stat().st_size, LARGEST_BYTES, error=AnnotationError)
        return decode_text(path, path.read_bytes(), encoding)


def decode_text(where: Path | str, data: bytes, encoding: str = "utf-8") -> str:
    """Decode the bytes of a text file without changing line ends.

    Args:
        where: The file, for messages.
        data: Its bytes.
        encoding: As for `read_text`.

    Returns:
        The text.

    Raises:
        AnnotationError: A byte is not valid in this encoding; the message names byte and line.
        ConfigError: There is no encoding of this name.
    """
    try:
        text = data.decode(_codec(encoding))
    except UnicodeDecodeError as failure:
        raise AnnotationError(_advice(where, data, encoding, failure)) from None
    return require_unicode(where, text, error=AnnotationError)


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    r"""Read a text file line by line; one line at a time is in memory.

    Args:
        path: The file.
        encoding: As for `read_text`.

    Yields:
        Lines with their ends, which are ``\n``, ``\r\n`` or ``\r``.

    Raises:
        NotFoundError: There is no such file.
        AnnotationError: A byte is not valid in this encoding; the message names byte and line.
        ConfigError: There is no encoding of this name.
    """
    name = _codec(encoding)
    _check_file(path)
    with reading(path, f"a text file in {encoding}", AnnotationError):
        try:
            with path.open(encoding=name, newline="") as file:
                for line in file:
                    yield require_unicode(path, line, error=AnnotationError)
        except UnicodeDecodeError:
            read_text(path, encoding)  # says which byte, in which line
            raise


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # "hex" and the like are codecs, but of no text
    except Exception:  # a name can be anything, and some codecs only raise
        name = ""
    if not name or name in _NOT_OF_FILES:
        raise ConfigError(
            f"--encoding {encoding}: no such encoding; use for example utf-8, cp1252, utf-16 or "
            "gb18030"
        ) from None
    return "utf-8-sig" if name == "utf-8" else name


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise NotFoundError(
            f"{path}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}"
        )


def _advice(where: Path | str, data: bytes, encoding: str, failure: UnicodeDecodeError) -> str:
    for mark, mark_encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return (
                f"{where}: not {encoding}: it begins with the byte order mark of {mark_encoding}. "
                f"Save it as UTF-8, or build with --encoding {mark_encoding}"
            )
    line = data.count(b"\n", 0, failure.start) + 1
    before = data[max(0, failure.start - 30) : failure.start].split(b"\n")[-1]
    shown = before.decode("ascii", "replace")
    return (
        f"{where}: not {encoding}: byte 0x{data[failure.start]:02x} in line {line}, after "
        f"{shown!r}. Save the file as UTF-8, or give its encoding: --encoding cp1252 for files of "
        "Western Excel, gb18030 for Chinese ones"
    )
