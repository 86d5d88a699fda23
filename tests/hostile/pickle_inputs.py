"""Caption pickles: nothing runs, nothing expands."""

import pickle
import struct

from builders.sources.safe_pickle import load_pickle
from tests.hostile.case import Hostile
from tests.hostile.making import holds, large


def _pickle(name: str, data: bytes, message: str) -> Hostile:
    return Hostile(name, holds("c.pkl", data), load_pickle, rf"c\.pkl: .*{message}")


def _short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _doubled(levels: int) -> bytes:
    """Return a list of two lists of two lists ..., of which each level is one object."""
    data = b"\x80\x04(]\x94" + _short("w") + b"a"
    for level in range(levels):
        data += b"](h" + bytes([level]) + b"h" + bytes([level]) + b"e\x94"
    return data + b"l."


_WORDS = b"(" + _short("word") * 100_000 + b"l"
_LONG_TEXT = b"X" + struct.pack("<I", 1_000_000) + b"x" * 1_000_000

INPUTS = [
    _pickle("a function that runs", b"cos\nsystem\n(S'true'\ntR.", "asks for os.system"),
    _pickle(
        "a function of protocol 4",
        b"\x80\x04" + _short("os") + _short("system") + b"\x93.",
        "os.system",
    ),
    _pickle("a function named by a dict", b"\x80\x04}}\x93.", "asks for dict.dict"),
    _pickle("an instance", b"(ios\nsystem\n.", "an object of a class"),
    _pickle("an object that is built", b"}}b.", "an object of a class"),
    _pickle("an extension", b"\x82\x01.", "an object of a class"),
    _pickle("an external object", b"Psecret\n.", "an external object"),
    _pickle("an external object of a deep tuple", b")" + b"\x85" * 100_000 + b"Q.", "found tuple"),
    _pickle("a deep tuple", b")" + b"\x85" * 500_000 + b".", "found tuple"),
    _pickle("a whole number of 1 MB", b"L" + b"9" * 1_000_000 + b"L\n.", "found int"),
    _pickle("a long of 2 GB", b"\x8b\xff\xff\xff\x7f.", "found int"),
    _pickle("bytes of 2^60", b"\x8e" + struct.pack("<Q", 1 << 60) + b".", "found bytes"),
    _pickle("a bytearray", b"\x96" + struct.pack("<Q", 1) + b"x.", "found bytearray"),
    _pickle("a set", b"\x8f.", "found set"),
    _pickle("None", b"N.", "found NoneType"),
    _pickle("a float", b"G" + b"\0" * 8 + b".", "found float"),
    _pickle(
        "a memo index of 1e8", b"]r" + struct.pack("<I", 100_000_000) + b"j\0\0\0\0.", "KeyError"
    ),
    _pickle("a memo index of 2^32", b"]r\xff\xff\xff\xffh\0.", "KeyError"),
    _pickle("a memo index in digits", b"]p" + b"9" * 100_000 + b"\ng0\n.", "KeyError"),
    _pickle("a text of 2^60", b"\x8d" + struct.pack("<Q", 1 << 60) + b"x.", "IndexError"),
    _pickle("a text cut off", b"X\xff\x00\x00\x00x.", "IndexError"),
    _pickle("not UTF-8", b"\x8c\x01\xff.", "not a text file in utf-8"),
    _pickle("half a character", b"V\\ud800\n.", "half a character"),
    _pickle("half a character in UTF-8", b"\x8c\x03\xed\xa0\x80.", "not a text file in utf-8"),
    _pickle("a key that is a list", b"}](}s.", "not a complete pickle"),
    _pickle(
        "a key that cannot be hashed", b"}]" + _short("x") + b"s.", "keys of type str, found list"
    ),
    _pickle("a list that holds itself", b"\x80\x04]\x94h\x00a.", "holds itself"),
    _pickle(
        "a dict that holds itself", b"\x80\x04}\x94" + _short("a") + b"h\x00s.", "holds itself"
    ),
    _pickle("items for a text", b"\x80\x04" + _short("a") * 2 + b"a.", "items for a str"),
    _pickle("keys for a list", b"\x80\x04]" + _short("a") * 2 + b"s.", "keys for a list"),
    _pickle("an odd number of keys and values", b"}(" + _short("a") + b"u.", "not a complete"),
    _pickle("marks alone", b"(" * 100_000 + b".", "not a complete pickle"),
    _pickle("a mark that is not there", b"e.", "not a complete pickle"),
    _pickle(
        "words that expand to 10^10",
        b"](" + _WORDS + b"q\x00" + b"h\x00" * 20_000 + b"e.",
        "unpacks to",
    ),
    _pickle(
        "a text that expands to 10^11",
        b"](" + _LONG_TEXT + b"q\x00" + b"h\x00" * 100_000 + b"e.",
        "unpacks to",
    ),
    _pickle("lists doubled at 200 levels", _doubled(200), "unpacks to"),
    _pickle("two values", pickle.dumps("a")[:-1] + pickle.dumps("b"), "not a complete pickle"),
    _pickle("an unknown instruction", b"\xff.", "no instruction has the code 255"),
    _pickle("no end", pickle.dumps({"a": ["b"]})[:-1], "not a complete pickle"),
    _pickle("empty", b"", "not a complete pickle"),
    _pickle("zeros", b"\0" * 1_000, "not a complete pickle"),
    Hostile("256 MB", large("c.pkl", (1 << 28) + 1), load_pickle, r"c\.pkl: .*at most 268,435,456"),
]
