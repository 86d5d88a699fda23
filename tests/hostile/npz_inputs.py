"""Files of scores, embeddings and lists of ids that others brought."""

import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from builders.datasets.vatex import read_names
from dvtr_bench.evaluation.external_file import read_external
from tests.hostile.case import Hostile

IDS = {"caption_ids": np.array(["a#0", "a#1", "b#0"]), "video_ids": np.array(["a", "b"])}
MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """An array in NumPy's own form."""
    header = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}"
    return with_header(header, array.tobytes())


def with_header(header: str, data: bytes = b"") -> bytes:
    """An array with any header."""
    text = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def stating(
    shape: str, descr: str = "'<f4'", order: str = "False", data: bytes = b"\0" * 24
) -> bytes:
    """An array that states a shape and a type."""
    return with_header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}", data)


def write_npz(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """A zip file of arrays, given as bytes."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return path


def whole() -> dict[str, bytes]:
    """The entries of a file that can be read."""
    return {"sim_matrix": npy(MATRIX), **{name: npy(ids) for name, ids in IDS.items()}}


def read_scores(path: Path) -> object:
    """Read it as scores."""
    return read_external(path, "sim_matrix")


def _scores(name: str, message: str, method: int = zipfile.ZIP_STORED, **change: bytes) -> Hostile:
    def make(folder: Path) -> Path:
        return write_npz(folder / "x.npz", {**whole(), **change}, method)

    return Hostile(name, make, read_scores, rf"x\.npz: .*{message}")


def _changed(name: str, message: str, change: Callable[[bytearray], object]) -> Hostile:
    def make(folder: Path) -> Path:
        path = write_npz(folder / "x.npz", whole())
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)
        return path

    return Hostile(name, make, read_scores, rf"x\.npz: .*{message}")


def _twice(folder: Path) -> Path:
    path = write_npz(folder / "x.npz", whole())
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("sim_matrix.npy", npy(MATRIX + 1))
    return path


def _zeros(count: int, item: int, descr: str) -> bytes:
    shape = f"({count},)"
    return stating(shape, descr, data=bytes(count * item))


def _embeds(folder: Path) -> Path:
    entries = {
        "text_embeds": stating("(3, 1000000000000)"),
        "video_embeds": stating("(2, 1000000000000)"),
        **{name: npy(ids) for name, ids in IDS.items()},
    }
    return write_npz(folder / "x.npz", entries)


def _list(name: str, data: bytes, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        path = folder / "names.npy"
        path.write_bytes(data)
        return path

    return Hostile(name, make, read_names, rf"names\.npy: .*{message}")


def _set(content: bytearray, mark: bytes, offset: int, value: bytes) -> None:
    at = content.index(mark) + offset
    content[at : at + len(value)] = value


_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_BIG = struct.pack("<I", 1 << 31)

INPUTS = [
    _scores("compressed by LZMA", "compressed by method 14", zipfile.ZIP_LZMA),
    _scores("compressed by bzip2", "compressed by method 12", zipfile.ZIP_BZIP2),
    _scores("a header nested deep", "header that is not NumPy's",
            sim_matrix=with_header("{'descr': " + "(" * 9_000 + "}")),
    _scores("a header of signs", "header that is not NumPy's",
            sim_matrix=with_header("{" + "-" * 9_000 + "1}")),
    _scores("a header of 60,000 bytes", "a header of 60,000 bytes",
            sim_matrix=with_header("{" + " " * 59_998 + "}")),
    _scores("a header of 4 GB", "ends early|a header of 4,294,967,295",
            sim_matrix=b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"),
    _scores("a header that states a shape twice", "says shape twice",
            sim_matrix=with_header("{'shape': (3, 2), 'shape': (3, 2)}")),
    _scores("a header without a type", "not NumPy's",
            sim_matrix=with_header("{'fortran_order': False, 'shape': (3, 2)}")),
    _scores("a shape of 10^6 x 10^6", "states the shape", sim_matrix=stating("(1000000, 1000000)")),
    _scores("a shape of 2^70", "shape that no array has",
            sim_matrix=stating(f"({1 << 70}, 1)")),
    _scores("a shape whose product is 0 modulo 2^64", "states the shape",
            sim_matrix=stating(f"({1 << 32}, {1 << 32})", data=b"")),
    _scores("a negative shape", "not NumPy's", sim_matrix=stating("(-3, -2)")),
    _scores("a shape of 10,000 axes", "a header of|shape that no array has",
            sim_matrix=stating("(" + "1," * 4_000 + ")")),
    _scores("a shape of words", "not NumPy's", sim_matrix=stating("(a, b)")),
    _scores("a shape without rows", "is empty", sim_matrix=stating("(0, 2)", data=b"")),
    _scores("more bytes than its shape", "states the shape",
            sim_matrix=npy(MATRIX) + b"\0" * 100),
    _scores("fewer bytes than its shape", "states the shape", sim_matrix=npy(MATRIX)[:-1]),
    _scores("an empty entry", "not an array of NumPy", sim_matrix=b""),
    _scores("a form of the future", "for structured arrays",
            sim_matrix=b"\x93NUMPY\x03\x00\x02\x00\x00\x00{}"),
    _scores("a structured type", "for structured arrays",
            sim_matrix=stating("(3, 2)", "[('a', '<f4')]")),
    _scores("a type of Python objects", "holds Python objects",
            sim_matrix=stating("(3, 2)", "'|O'")),
    _scores("a type that is a call", "which is none of NumPy's",
            sim_matrix=stating("(3, 2)", "'f4,f4'")),
    _scores("a type of 10^9 letters", "not understood|states the shape",
            sim_matrix=stating("(3, 2)", "'<U999999999'")),
    _scores("scores that are times", "sim_matrix is datetime64",
            sim_matrix=stating("(3, 2)", "'<M8[s]'", data=bytes(48))),
    _scores("scores that are complex", "sim_matrix is complex",
            sim_matrix=stating("(3, 2)", "'<c8'", data=bytes(48))),
    _scores("scores of 16 bytes each", "sim_matrix is float128|is <f16",
            sim_matrix=stating("(3, 2)", "'<f16'", data=bytes(96))),
    _scores("ids that are true and false", "caption_ids is bool",
            caption_ids=npy(np.ones(3, bool))),
    _scores("ids that are bytes", "caption_ids is .S1",
            caption_ids=npy(np.array([b"a", b"b", b"c"]))),
    _scores("ids that are numbers", "video_ids is int64", video_ids=npy(np.arange(2))),
    _scores("ids beyond Unicode", "can be read",
            video_ids=stating("(2,)", "'<U1'", data=b"\xff\xff\xff\x7f" * 2)),
    _scores("ids of no letters", "can be read", video_ids=stating("(2,)", "'<U0'", data=b"")),
    _scores("an id of a million letters", "states 2 ids of up to 1,000,000",
            zipfile.ZIP_DEFLATED, video_ids=_zeros(2, 4_000_000, "'<U1000000'")),
    _scores("five million ids", "states 5,000,000 ids", zipfile.ZIP_DEFLATED,
            video_ids=_zeros(5_000_000, 4, "'<U1'")),
    _scores("100,000 equal ids", "99999 of its 100000 ids twice", zipfile.ZIP_DEFLATED,
            video_ids=_zeros(100_000, 4, "'<U1'")),
    _scores("a matrix of other ids that unpacks to 40 MB", r"shape \(10000, 1000\): expected",
            zipfile.ZIP_DEFLATED, sim_matrix=stating("(10000, 1000)", data=bytes(40_000_000))),
    Hostile(
        "1,000 other entries",
        lambda folder: write_npz(folder / "x.npz", {f"other {i}": b"" for i in range(1_000)}),
        read_scores,
        r"x\.npz: the fields sim_matrix, .* found other 0, .* and 960 more",
    ),
    Hostile("an entry twice", _twice, read_scores, r"x\.npz: .*stands there twice"),
    Hostile("embeddings of 10^12 numbers", _embeds,
            lambda path: read_external(path, "embeddings"), r"x\.npz: .*states the shape"),
    _changed("an encrypted entry", "is encrypted",
             lambda content: [_set(content, mark, at, b"\x01\x00")
                              for mark, at in ((_LOCAL, 6), (_CENTRAL, 8))]),
    _changed("an entry that states 2 GB", "more than the file has",
             lambda content: _set(content, _CENTRAL, 24, _BIG)),
    _changed("an entry that takes 2 GB", "more than the file has",
             lambda content: _set(content, _CENTRAL, 20, _BIG)),
    _changed("an entry behind the end", "can be read|not an .npz",
             lambda content: _set(content, _CENTRAL, 42, _BIG)),
    _changed("an entry of another name", "can be read",
             lambda content: _set(content, _LOCAL, 30, b"SIM_matrix")),
    _changed("a directory of 2 GB", "its directory takes|not an .npz",
             lambda content: _set(content, _END, 12, _BIG)),
    _changed("a directory behind the end", "be read|not an .npz",
             lambda content: _set(content, _END, 16, _BIG)),
    _changed("a checksum that does not fit", "CRC",
             lambda content: [_set(content, mark, at, b"abcd")
                              for mark, at in ((_LOCAL, 14), (_CENTRAL, 16))]),
    _list("a list of 2^62 ids", stating(f"({1 << 62},)", "'<U1'"), "states the shape"),
    _list("a list of objects", stating("(2,)", "'|O'", data=b"cos\nsystem\n"), "Python objects"),
    _list("a list that is a zip", b"PK\x05\x06" + bytes(18), "not an array of NumPy"),
    _list("a list nested deep", with_header("(" * 9_000), "has no header"),
    _list("a list of numbers", npy(np.arange(3)), "expected a list of texts"),
    _list("a list beyond Unicode", stating("(1,)", "'<U1'", data=b"\xff\xff\xff\x7f"),
          "can be read"),
    _list("a list of bytes that are no text", npy(np.array([b"\xff"])), "can be read"),
]  # fmt: skip
