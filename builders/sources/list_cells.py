"""Lists of captions that a program printed into one cell: JSON's, Python's or numpy's form."""

import re
from collections.abc import Iterator
from typing import Final

from dvtr_bench.errors import InputError
from dvtr_bench.reading.json_toml_text import parse_published_json

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
