"""Safe reading of pickles that contain only dicts, lists and strings.

No other type is allowed for any dataset, not even tuple or bytes. This is enough for MSVD's
``raw-captions.pkl``, written with Python 2: the public programs that read it (CLIP4Clip's loader
and its successors) call ``pickle.load`` in Python 3 and join the words of a caption with
``" ".join``, which takes only str. Strings of Python 2 are decoded to str.

Python's own loader is not used. It can be told to run nothing, but not to take little memory: its
table of remembered objects is as long as the largest number that a file gives to one. The few
instructions that make dicts, lists and strings are carried out here; all others are refused.
"""

import codecs
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import AnnotationError, UnsafePickleError
from dvtr_bench.reading.border import reading, require_size, require_unicode

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_BYTES: Final = 1 << 28
"""Larger files, and files whose content unpacks to more, are refused; MSVD's has 6 MB."""

_LIST_BYTES: Final = 64
_ONLY_TEXTS: Final = frozenset({str})
_CONTAINERS: Final = frozenset({dict, list})

_NUMBER_BYTES: Final = {
    pickle.SHORT_BINUNICODE[0]: 1,
    pickle.BINUNICODE[0]: 4,
    pickle.BINUNICODE8[0]: 8,
    pickle.SHORT_BINSTRING[0]: 1,
    pickle.BINSTRING[0]: 4,
}
"""Instructions that hold a string, and the width of its length."""

_SHORT_TEXT: Final = pickle.SHORT_BINUNICODE[0]
_MEMOIZE: Final = pickle.MEMOIZE[0]
_GETS: Final = frozenset({pickle.BINGET[0], pickle.LONG_BINGET[0]})
_MEMO_BYTES: Final = {
    pickle.MEMOIZE[0]: 0,
    pickle.BINPUT[0]: 1,
    pickle.LONG_BINPUT[0]: 4,
    pickle.BINGET[0]: 1,
    pickle.LONG_BINGET[0]: 4,
}
"""Instructions that remember the last object or recall one, and the width of its number."""

_OTHER_TYPES: Final = {
    code[0]: name
    for name, codes in {
        "NoneType": [pickle.NONE],
        "bool": [pickle.NEWTRUE, pickle.NEWFALSE],
        "int": [
            *[pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2],
            *[pickle.LONG, pickle.LONG1, pickle.LONG4],
        ],
        "float": [pickle.FLOAT, pickle.BINFLOAT],
        "bytes": [pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8],
        "bytearray": [pickle.BYTEARRAY8],
        "tuple": [
            *[pickle.EMPTY_TUPLE, pickle.TUPLE],
            *[pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3],
        ],
        "set": [pickle.EMPTY_SET],
        "frozenset": [pickle.FROZENSET],
    }.items()
    for code in codes
}


def load_pickle(path: Path) -> Any:
    """Read a pickle that contains only dict, list and str.

    Args:
        path: The file.

    Returns:
        Nested dicts, lists and strings.

    Raises:
        UnsafePickleError: The pickle names a class or function, or contains another type.
        AnnotationError: The file is not a complete pickle, holds itself, or unpacks to more than
            `LARGEST_BYTES`.
    """
    with reading(path, "a complete pickle file", AnnotationError):
        require_size(path, path.stat().st_size, LARGEST_BYTES, error=AnnotationError)
        value = _Reader(path, path.read_bytes()).load()
    num_bytes = _unpacked_bytes(path, value)
    require_size(path, num_bytes, LARGEST_BYTES, "what it unpacks to", AnnotationError)
    return value


class _Reader:
    """Carries out the instructions of one pickle.

    Args:
        path: The file, for messages.
        data: Its bytes.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self._data = data
        self._at = 0
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._carry_out: dict[int, Callable[[], None]] = {
            pickle.PROTO[0]: lambda: self._skip(1),
            pickle.FRAME[0]: lambda: self._skip(8),
            pickle.EMPTY_DICT[0]: lambda: self._stack.append({}),
            pickle.EMPTY_LIST[0]: lambda: self._stack.append([]),
            pickle.MARK[0]: self._mark,
            pickle.DICT[0]: self._make_dict,
            pickle.LIST[0]: self._make_list,
            pickle.APPEND[0]: self._append,
            pickle.APPENDS[0]: self._append_all,
            pickle.SETITEM[0]: self._set_item,
            pickle.SETITEMS[0]: self._set_items,
            pickle.UNICODE[0]: self._read_unicode_line,
            pickle.STRING[0]: self._read_string_line,
            pickle.PUT[0]: lambda: self._remember(int(self._line()[:10])),
            pickle.GET[0]: lambda: self._stack.append(self._memo[int(self._line()[:10])]),
        }

    def load(self) -> Any:
        """Return what the pickle holds; fails in any way for one that is damaged."""
        carry_out, stop = self._carry_out, pickle.STOP[0]
        while (code := self._data[self._at]) != stop:
            self._at += 1
            if code in _NUMBER_BYTES or code in _MEMO_BYTES:
                self._at -= 1
                self._read_strings()
            elif code in carry_out:
                carry_out[code]()
            else:
                self._refuse(code)
        (value,) = self._stack
        if self._outer:
            raise ValueError("it ends inside a list")
        return value

    def _read_strings(self) -> None:
        """Carry out instructions as long as they are of the most frequent ones.

        In one loop: the words of MSVD's captions are a million of them.
        """
        data, at, memo, stack = self._data, self._at, self._memo, self._stack
        append, short_text, memoize = stack.append, _SHORT_TEXT, _MEMOIZE
        while True:
            code = data[at]
            if code == short_text:
                start = at + 2
                at = start + data[at + 1]
                text = data[start:at].decode()
                append(text)
                if data[at] == memoize:  # nothing else follows in pickles of today
                    memo[len(memo)] = text
                    at += 1
            elif code in _MEMO_BYTES:
                start, at = at + 1, at + 1 + _MEMO_BYTES[code]
                number = int.from_bytes(data[start:at], "little") if at > start else len(memo)
                if code in _GETS:
                    stack.append(memo[number])
                else:
                    memo[number] = stack[-1]
            elif code in _NUMBER_BYTES:
                start = at + 1 + _NUMBER_BYTES[code]
                at = start + int.from_bytes(data[at + 1 : start], "little")
                stack.append(str(data[start:at], "utf-8"))
            else:
                self._at = at
                return

    def _skip(self, count: int) -> None:
        self._at += count

    def _line(self) -> bytes:
        start = self._at
        self._at = self._data.index(b"\n", start) + 1
        return self._data[start : self._at - 1]

    def _read_unicode_line(self) -> None:
        text = self._line().decode("raw-unicode-escape")
        self._stack.append(require_unicode(self._path, text, error=AnnotationError))

    def _read_string_line(self) -> None:
        quoted = self._line().strip()
        if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[:1] not in (b"'", b'"'):
            raise ValueError("a text without quotes")
        decoded: Any = codecs.escape_decode(quoted[1:-1])
        self._stack.append(decoded[0].decode("utf-8"))

    def _mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._outer.pop()
        return items

    def _remember(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _append(self) -> None:
        item = self._stack.pop()
        _list(self._stack[-1]).append(item)

    def _append_all(self) -> None:
        items = self._since_mark()
        _list(self._stack[-1]).extend(items)

    def _make_list(self) -> None:
        items = self._since_mark()
        self._stack.append(items)

    def _make_dict(self) -> None:
        items = self._since_mark()
        made: dict[str, Any] = {}
        self._fill(made, items)
        self._stack.append(made)

    def _set_item(self) -> None:
        items = self._stack[-2:]
        del self._stack[-2:]
        self._fill(self._stack[-1], items)

    def _set_items(self) -> None:
        items = self._since_mark()
        self._fill(self._stack[-1], items)

    def _fill(self, made: Any, items: list[Any]) -> None:
        if type(made) is not dict:
            raise ValueError(f"keys for a {type(made).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:
                raise UnsafePickleError(
                    f"{self._path}: refused: expected keys of type str, found "
                    f"{type(key).__name__}. Nothing in it was used"
                )
            made[key] = value

    def _refuse(self, code: int) -> None:
        """Raise for an instruction that is not carried out.

        Raises:
            UnsafePickleError: It would make another type, or ask for code.
            ValueError: There is no such instruction.
        """
        expected, found = "expected only dict, list and str", ""
        if code in (pickle.PERSID[0], pickle.BINPERSID[0]):
            asked = "this pickle asks for an external object, "
        elif code == pickle.GLOBAL[0]:
            asked = f"this pickle asks for {self._asked()}.{self._asked()}, "
        elif code == pickle.STACK_GLOBAL[0] and len(self._stack) > 1:
            module, name = (_text(part)[:40] for part in self._stack[-2:])
            asked = f"this pickle asks for {module}.{name}, "
        elif code in _OTHER_TYPES:
            asked, found = "", f", found {_OTHER_TYPES[code]}"
        elif code in _INSTRUCTIONS:
            asked = "this pickle asks for an object of a class, "
        else:
            raise ValueError(f"no instruction has the code {code}")
        raise UnsafePickleError(
            f"{self._path}: refused: {asked}{expected}{found}. Nothing in it was run. Get the file "
            "from its publisher again"
        )

    def _asked(self) -> str:
        return self._line()[:40].decode("ascii", "backslashreplace")


_INSTRUCTIONS: Final = frozenset(
    value[0] for value in vars(pickle).values() if isinstance(value, bytes) and len(value) == 1
)


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError(f"items for a {type(value).__name__}")
    return value


def _text(value: object) -> str:
    return value if type(value) is str else type(value).__name__


def _unpacked_bytes(path: Path, value: object) -> int:
    """Return what a value takes where everything that stands in it twice is written twice.

    More than `LARGEST_BYTES` need not be exact.

    Raises:
        AnnotationError: A list or dict holds itself.
    """
    if type(value) not in _CONTAINERS:
        return len(value) if isinstance(value, str) else 0
    sizes: dict[int, int] = {}
    entered: set[int] = set()
    pending: list[Any] = [value]
    while pending:
        item = pending[-1]
        if id(item) in sizes:
            pending.pop()
            continue
        children = item if type(item) is list else item.values()
        size = _LIST_BYTES + len(item) + (sum(map(len, item)) if type(item) is dict else 0)
        if _ONLY_TEXTS.issuperset(map(type, children)):
            sizes[id(item)] = size + sum(map(len, children))
            continue
        inner = [child for child in children if type(child) in _CONTAINERS]
        if id(item) not in entered:
            entered.add(id(item))
            if any(id(child) in entered and id(child) not in sizes for child in inner):
                raise AnnotationError(f"{path}: refused: a list in it holds itself")
            pending += inner
            continue
        size += sum(len(child) for child in children if type(child) is str)
        size += sum(sizes[id(child)] for child in inner)
        if size > LARGEST_BYTES:  # not to be doubled at every level of a deep file
            return size
        sizes[id(item)] = size
        pending.pop()
    return sizes[id(value)]
