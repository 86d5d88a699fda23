"""TorchScript archives and files of ``torch.save`` that others made."""

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from baselines.weights.weights import read_weights
from tests.hostile.case import Hostile

# Opcodes of a pickle, protocol 2.
START, STOP = b"\x80\x02", b"."
MARK, TUPLE, DICT, LIST, NONE = b"(", b"t", b"}", b"]", b"N"
CALL, BUILD, SET, REFER, NEW = b"R", b"b", b"s", b"Q", b"\x81"
MODULE = b"c__torch__.Model\nModel\n)\x81"


def text(value: str) -> bytes:
    """A text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    """A whole number."""
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*values: bytes) -> bytes:
    """A tuple."""
    return MARK + b"".join(values) + TUPLE


def buffer(key: bytes = b"", count: int = 4, kind: str = "FloatStorage") -> bytes:
    """A reference to a buffer."""
    name = f"ctorch\n{kind}\n".encode()
    return tuple_of(text("storage"), name, key or text("0"), text("cpu"), number(count)) + REFER


def tensor(
    size: tuple[int, ...] = (4,),
    stride: tuple[int, ...] = (1,),
    offset: int = 0,
    of: bytes = b"",
) -> bytes:
    """A tensor over a buffer."""
    shape, steps = (tuple_of(*map(number, values)) for values in (size, stride))
    arguments = tuple_of(of or buffer(), number(offset), shape, steps, b"\x89", NONE)
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + CALL


def module(**attributes: bytes) -> bytes:
    """A module of an archive."""
    items = b"".join(text(name) + value + SET for name, value in attributes.items())
    return MODULE + DICT + items + BUILD


def state_dict(**tensors: bytes) -> bytes:
    """A dict of tensors."""
    return DICT + b"".join(text(name) + value + SET for name, value in tensors.items())


def write_torch(
    path: Path,
    content: bytes,
    *,
    code: bool,
    order: bytes = b"little",
    method: int = zipfile.ZIP_STORED,
    data: bytes = bytes(16),
) -> Path:
    """A zip file as torch writes it."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("m/data.pkl", START + content + STOP)
        if code:
            archive.writestr("m/code/__torch__.py", "raise SystemExit")
        archive.writestr("m/byteorder", order)
        archive.writestr("m/data/0", data)
    return path


def _archive(name: str, message: str, content: bytes, **form: object) -> Hostile:
    def make(folder: Path) -> Path:
        return write_torch(folder / "x.pt", content, code=True, **form)  # type: ignore[arg-type]

    return Hostile(f"archive: {name}", make, read_weights, rf"x\.pt: .*{message}")


def _saved(name: str, message: str, content: bytes, **form: object) -> Hostile:
    def make(folder: Path) -> Path:
        return write_torch(folder / "x.pt", content, code=False, **form)  # type: ignore[arg-type]

    return Hostile(f"saved: {name}", make, read_weights, rf"x\.pt: .*{message}")


def _bytes(name: str, message: str, content: bytes) -> Hostile:
    def make(folder: Path) -> Path:
        path = folder / "x.pt"
        path.write_bytes(content)
        return path

    return Hostile(name, make, read_weights, rf"x\.pt: .*{message}")


def _changed(name: str, message: str, change: Callable[[bytearray], None]) -> Hostile:
    def make(folder: Path) -> Path:
        path = write_torch(folder / "x.pt", module(weight=tensor()), code=True)
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)
        return path

    return Hostile(f"archive: {name}", make, read_weights, rf"x\.pt: .*{message}")


def _set(mark: bytes, offset: int, value: bytes) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        at = content.index(mark) + offset
        content[at : at + len(value)] = value

    return change


def former(content: bytes, keys: bytes = LIST) -> bytes:
    """A file as torch wrote it before it wrote zip files."""
    first = [
        pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    ]
    return b"".join(first) + START + content + STOP + START + keys + STOP


def former_buffer(count: int) -> bytes:
    """A reference to a buffer in the former form."""
    name = b"ctorch\nFloatStorage\n"
    values = (text("storage"), name, text("0"), text("cpu"), number(count), NONE)
    return tuple_of(*values) + REFER


DEEP = b")" + b"\x85" * 200_000
"""A tuple in a tuple, and so on: Python's own hash of it ends the process."""


INPUTS = [
    _archive("a module inside itself", "inside themselves",
             MODULE + b"q\x01" + DICT + text("a") + b"h\x01" + SET + BUILD),
    _archive("modules nested 200 deep", "inside themselves, or are nested too deep",
             (MODULE + DICT + text("a")) * 200 + MODULE + (SET + BUILD) * 200),
    _archive("modules that hold the next one twice, 30 times", "inside themselves",
             module(w=tensor()) + b"".join(
                 b"q" + bytes([i]) + MODULE + DICT + text("a") + b"h" + bytes([i]) + SET
                 + text("b") + b"h" + bytes([i]) + SET + BUILD for i in range(30))),
    _archive("a key that is a tuple nested deep", "keys are neither texts nor numbers",
             DICT + DEEP + NONE + SET),
    _archive("a place in the memo beyond all", "KeyError", DICT + b"j\xff\xff\xff\xff"),
    _archive("a text of 2 GB that is not there", "can be read", b"X\xff\xff\xff\x7fabc"),
    _archive("500,000 steps", "more than 400,000 steps", b"N" * 500_000),
    _archive("an opcode that weights do not need", "holds FRAME", b"\x95" + bytes(8)),
    _archive("an opcode that there is not", "can be read", b"\xff"),
    _archive("a pickle without an end", "only 2 remain", b"N" * 3 + b"X\x04\x00\x00\x00a"),
    _archive("nothing on the stack", "can be read", b"R"),
    _archive("a call of os.system", "its pickle asks for os.system",
             b"cos\nsystem\n" + tuple_of(text("x")) + CALL),
    _archive("a call of builtins.eval", "asks for builtins.eval",
             b"cbuiltins\neval\n" + tuple_of(text("x")) + CALL),
    _archive("a name of 10,000 letters", "asks for os.a{80},", b"cos\n" + b"a" * 10_000 + b"\n"),
    _archive("a state for a text", "sets the state of something", text("a") + NONE + BUILD),
    _archive("an item for a text", "sets items of something", text("a") + NONE + NONE + SET),
    _archive("a missing buffer", "entry 'm/data/7' is missing",
             module(weight=tensor(of=buffer(text("7"))))),
    _archive("a buffer outside of its folder", r"entry 'm/data/../data.pkl' is missing",
             module(weight=tensor(of=buffer(text("../data.pkl"))))),
    _archive("a buffer named by a tuple", "names no buffer",
             module(weight=tensor(of=buffer(b")" + b"\x85" * 1_000)))),
    _archive("a buffer of 2^62 numbers", "needs another number",
             module(weight=tensor(of=buffer(count=1 << 62)))),
    _archive("a buffer of another type", "needs another number",
             module(weight=tensor(of=buffer(kind="DoubleStorage")))),
    _archive("a buffer of a type unknown", "asks for torch.EvilStorage",
             module(weight=tensor(of=buffer(kind="EvilStorage")))),
    _archive("a tensor beyond its buffer", "reaches beyond its buffer",
             module(weight=tensor((5,)))),
    _archive("a tensor that starts beyond its buffer", "reaches beyond its buffer",
             module(weight=tensor((1,), (1,), 4))),
    _archive("a tensor whose steps leave its buffer", "reaches beyond its buffer",
             module(weight=tensor((2, 2), (3, 2)))),
    _archive("a tensor of 10^9 x 10^9 without steps", "reaches beyond its buffer",
             module(weight=tensor((10**9, 10**9), (0, 0)))),
    _archive("a tensor of -1 numbers", "whole numbers from 0", module(weight=tensor((-1,)))),
    _archive("a tensor with a step of -1", "whole numbers from 0",
             module(weight=tensor((2,), (-1,), 3))),
    _archive("a tensor that starts before its buffer", "whole numbers from 0",
             module(weight=tensor((1,), (1,), -1))),
    _archive("a tensor of 2^70 numbers", "whole numbers from 0",
             module(weight=tensor((1 << 70,)))),
    _archive("a tensor with more axes than steps", "whole numbers from 0",
             module(weight=tensor((2, 2), (1,)))),
    _archive("a tensor of 100 axes", "whole numbers from 0",
             module(weight=tensor((1,) * 100, (1,) * 100))),
    _archive("a tensor over no buffer", "names no buffer", module(weight=tensor(of=NONE))),
    Hostile(
        "archive: 60 tensors over one buffer of 100 kB",
        lambda folder: write_torch(
            folder / "x.pt",
            module(**{f"a{i}": tensor((25_000,), of=buffer(count=25_000)) for i in range(60)}),
            code=True, data=bytes(100_000)),
        read_weights, r"x\.pt: .*far more than its bytes"),
    _archive("compressed buffers", "compressed, which torch does not do",
             module(weight=tensor()), method=zipfile.ZIP_DEFLATED),
    _archive("compressed by LZMA", "compressed by method 14", module(), method=zipfile.ZIP_LZMA),
    _archive("big-endian", "big-endian", module(), order=b"big"),
    _archive("a byte order of 10 kB", "expected at most 16", module(), order=b"little" * 2_000),
    _changed("a directory of 2 GB", "its directory takes",
             _set(b"PK\x05\x06", 12, b"\x00\x00\x00\x7f")),
    _changed("a directory that begins elsewhere", "be read",
             _set(b"PK\x05\x06", 16, b"\xff\x00\x00\x00")),
    _changed("a directory without its mark", "be read|expected",
             _set(b"PK\x01\x02", 0, b"XX")),
    _changed("a pickle behind the end", "be read", _set(b"PK\x01\x02", 42, b"\xff\xff\xff\x7f")),
    _saved("a call of os.system", "asks for os.system.*never loaded",
           state_dict(a=b"cos\nsystem\n" + tuple_of(text("x")) + CALL)),
    _saved("a list", "expected a dict of tensors, found list", LIST),
    _saved("an empty dict", "expected a dict of tensors", DICT),
    _saved("a state dict that is itself", "these are not tensors: state_dict",
           DICT + b"q\x01" + text("state_dict") + b"h\x01" + SET),
    _saved("numbers in the place of tensors", "these are not tensors: a", state_dict(a=number(1))),
    _saved("a parameter in a parameter, 1,000 times", "nested too deep|not tensors",
           state_dict(a=b"ctorch._utils\n_rebuild_parameter\n(" * 1_000 + NONE + b"tR" * 1_000)),
    _saved("a tensor of no memory", "these are not tensors",
           state_dict(a=b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n" + tuple_of() + CALL)),
    _saved("a tensor beyond its buffer", "reaches beyond", state_dict(a=tensor((5,)))),
    _bytes("former: a key that is a tuple nested deep", "keys are neither texts nor numbers",
           former(DICT + DEEP + NONE + SET)),
    _bytes("former: a buffer of 2^40 numbers", "take more than its bytes",
           former(state_dict(a=tensor(of=former_buffer(1 << 40))))),
    _bytes("former: a buffer that is not there", "be read",
           former(state_dict(a=tensor(of=former_buffer(4))), LIST + text("0") + b"a")),
    _bytes("former: a call of os.system", "asks for os.system",
           former(b"cos\nsystem\n" + tuple_of(text("x")) + CALL)),
    _bytes("former: cut short", "be read", former(DICT)[:40]),
    _bytes("a pickle of a call", "never loaded", pickle.dumps({"a": print}, 4)),
    _bytes("an empty file", "never loaded", b""),
    _bytes("a zip file of nothing", "found 0", b"PK\x05\x06" + bytes(18)),
]  # fmt: skip
