"""Text files of users, decoded strictly: a wrong encoding is a message, never a wrong letter."""

import codecs
from pathlib import Path
from typing import Final

from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError

_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a text file; line ends stay as they are.

    Args:
        path: The file.
        encoding: A Python encoding name; a UTF-8 byte order mark is accepted and left out.

    Returns:
        The text.

    Raises:
        NotFoundError: There is no such file.
        AnnotationError: A byte does not fit the encoding; names the byte and the line.
        ConfigError: There is no encoding of that name.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise ConfigError(
            f"--encoding {encoding}: no such encoding; there are utf-8, cp1252, utf-16, gb18030 "
            "and others"
        ) from None
    if not path.is_file():
        raise NotFoundError(
            f"{path}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}"
        )
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig" if name == "utf-8" else name)
    except UnicodeDecodeError as failure:
        raise AnnotationError(_advice(path, data, encoding, failure)) from None


def _advice(path: Path, data: bytes, encoding: str, failure: UnicodeDecodeError) -> str:
    for mark, marked in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return (
                f"{path}: not {encoding}: it begins with the mark of {marked}. Save it as UTF-8, "
                f"or build with --encoding {marked}"
            )
    line = data.count(b"\n", 0, failure.start) + 1
    before = data[max(0, failure.start - 30) : failure.start].split(b"\n")[-1]
    shown = before.decode("ascii", "replace")
    return (
        f"{path}: not {encoding}: byte 0x{data[failure.start]:02x} in line {line}, after "
        f"{shown!r}. Save the file as UTF-8, or name its encoding: --encoding cp1252 for files of "
        "western Excel, gb18030 for Chinese ones"
    )
