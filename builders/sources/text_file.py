"""Texts of users: strict decoding, never to a wrong letter, and lists printed into a cell.

A program may have printed a list of captions in the form of JSON, Python or numpy.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dvtr_bench.errors import AnnotationError, ConfigError, InputError, NotFoundError
from dvtr_bench.reading.border import reading, require_size, require_unicode
from dvtr_bench.reading.json_toml_text import parse_published_json

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


MISSING_WORDS: Final = frozenset("nan NaN NAN None null NULL NaT <NA> N/A #N/A".split())
"""How programs print a value that is not there."""

_TEXT: Final = r"""'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)\""""
_ITEM: Final = re.compile(
    rf"(?P<call>(?:(?:np|numpy)\.)?str_\()?[uU]?(?:{_TEXT})(?(call)\))"
    rf"|(?P<missing>{'|'.join(map(re.escape, sorted(MISSING_WORDS)))})(?=[\s,\])]|\Z)",
    flags=re.DOTALL,
)
_SEPARATOR: Final = re.compile(r"\s*(,?)\s*")
_ARRAY_BEGINS: Final = re.compile(r"array\(\s*\[")
_ARRAY_ENDS: Final = re.compile(r"\]\s*(?:,\s*dtype=[^()]*)?\)")
_CUT_OFF: Final = re.compile(rf"\[\s*(?:{_ITEM.pattern})\s*,?\s*['\"]", flags=re.DOTALL)
_OTHER_VALUES: Final = re.compile(r"\[|\{|-?\d[\d.]*\s*,")
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(00[01][0-9a-fA-F]{5})|(.))", flags=re.DOTALL
)
_ESCAPED: Final = {
    **{"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"},
    **{character: character for character in "'\"\\/"},
}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class ListCellError(ValueError):
    """A cell may be a list, but not one that can be read for certain; says why and what to do."""


def parse_list(cell: str) -> list[str | None] | None:
    r"""Read the list that a cell holds; nothing in it is executed.

    Args:
        cell: Text of the cell.

    Returns:
        The texts of the list, None for each missing value (``None``, ``nan``, ``null``, ...). None
        for a cell that holds no list but a sentence, which may begin with a bracket.

    Raises:
        ListCellError: It cannot be told whether this is a list, or what is in it.

    Example:
        >>> parse_list('["a road", null]'), parse_list("['a road' 'a \\'red\\' car']")
        (['a road', None], ['a road', "a 'red' car"])
        >>> parse_list("[aerial] a road") is None
        True
    """
    text = cell.strip()
    if not text or text[0] not in "[(a":
        return None
    if text.startswith('["') and (items := _read_json(text)) is not None:
        return items
    if (body := _unwrapped(text)) is not None:
        return _read_body(body, certain=text[0] != "(")
    if _CUT_OFF.match(text):
        raise ListCellError(
            "a list of captions whose end is missing: programs cut long cells (Excel after 32,767 "
            "characters). Write one row a caption"
        )
    return None


def _unwrapped(text: str) -> str | None:
    """Return what stands between the brackets of a list; None for a cell without these."""
    if text[0] == "[" and text[-1] == "]":
        return text[1:-1].strip()
    if begin := _ARRAY_BEGINS.match(text):
        end = text.rfind("]")
        is_array = end >= begin.end() and _ARRAY_ENDS.fullmatch(text, end)
        return text[begin.end() : end].strip() if is_array else None
    if text[0] == "(" and text[-1] == ")":
        body = text[1:-1].strip()
        return body if body[:1] in ("'", '"') else None
    return None


def _read_json(text: str) -> list[str | None] | None:
    try:
        items = parse_published_json(text, "a cell")
    except InputError:
        return None
    is_of_texts = all(item is None or isinstance(item, str) for item in items)
    return items if is_of_texts else None


def _read_body(body: str, *, certain: bool) -> list[str | None] | None:
    """Read what stands between brackets; a pair of parentheses may also hold a sentence."""
    if not body:
        return []
    if not _ITEM.match(body):
        if _OTHER_VALUES.match(body):
            raise ListCellError(
                "a list of something else than texts: expected captions as in "
                '["one caption", "another"]'
            )
        if "," not in body:
            return None
        raise ListCellError(
            "text in brackets with commas, which may be one caption or several: write several as "
            '["one caption", "another"], and one without the brackets'
        )
    try:
        return list(_items(body))
    except ListCellError:
        if certain:
            raise
        return None


def _items(body: str) -> Iterator[str | None]:
    position = 0
    has_commas: bool | None = None
    while position < len(body):
        item = _ITEM.match(body, position)
        if item is None:
            raise ListCellError(_unread(body, position))
        yield None if item["missing"] else _text(item)
        separator = _SEPARATOR.match(body, item.end())
        position = separator.end() if separator else item.end()
        if position == len(body):
            return
        has_comma = "," in body[item.end() : position]
        if position == item.end():
            raise ListCellError(_unread(body, position))
        if has_commas is not None and has_comma != has_commas:
            raise ListCellError(
                f"a list in which a comma is missing or too many, near {_near(body, position)}: "
                "its captions cannot be told apart"
            )
        has_commas = has_comma


def _unread(body: str, position: int) -> str:
    if body.startswith("...", position):
        return (
            'a list that was printed shortened ("..."): captions are missing from it. Write it '
            "whole, or one row a caption"
        )
    return (
        f"a list that cannot be read at {_near(body, position)}: expected captions in quotes as in "
        '["one caption", "another"], a quote inside a caption as \\"'
    )


def _near(body: str, position: int) -> str:
    return repr(body[max(0, position - 10) : position + 20])


def _text(item: re.Match[str]) -> str:
    text = item["single"] if item["single"] is not None else item["double"]
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_unescaped, text)
    if _SURROGATE.search(text):  # JSON writes a character beyond U+FFFF as two
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    if code:
        number = int(code, 16)
        return chr(number) if number <= 0x10FFFF else escape[0]
    return _ESCAPED.get(escape[4], escape[0])
