"""Safetensors files that others made."""

import json
import struct
from pathlib import Path
from typing import Any

from dvtr_bench.reading.safetensors_file import read_tensors
from tests.hostile.case import Hostile


def safetensors(header: bytes | dict[str, Any], data: bytes = bytes(16)) -> bytes:
    """A file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def place(start: int, end: int, shape: Any = (4,), dtype: Any = "F32") -> dict[str, Any]:
    """What a header says about one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def _file(name: str, message: str, content: bytes | dict[str, Any]) -> Hostile:
    def make(folder: Path) -> Path:
        path = folder / "model.safetensors"
        path.write_bytes(content if isinstance(content, bytes) else safetensors(content))
        return path

    return Hostile(name, make, read_tensors, rf"model\.safetensors: .*{message}")


WHOLE = {"a": place(0, 16)}

INPUTS = [
    _file("empty", "not inside its 0 bytes", b""),
    _file("a header of 2^63 bytes", "its header of 9,223", struct.pack("<Q", 1 << 63) + bytes(16)),
    _file("a header longer than the file", "not inside its 26 bytes",
          struct.pack("<Q", 100) + b"{}" + bytes(16)),
    _file("a header of no bytes", "its header of 0 bytes", struct.pack("<Q", 0) + bytes(16)),
    _file("a header of 17 MB", "the header takes", safetensors(b" " * 17_000_000)),
    _file("a header nested deep", "nested too deep", safetensors(b"[" * 100_000)),
    _file("a header that is a list", "its header is list", safetensors(b"[]")),
    _file("a header that is no text", "not a text file", safetensors(b"\xff\xff")),
    _file("a tensor twice", "'a' occurs twice",
          safetensors(json.dumps(WHOLE).replace('{"a"', '{"a": 0, "a"').encode())),
    _file("a number of 5,000 digits", "digits",
          safetensors(b'{"a": {"shape": [' + b"9" * 5_000 + b"]}}")),
    _file("a tensor that is a number", "expected data_offsets", {"a": 1}),
    _file("a tensor with a field too many", "expected data_offsets",
          {"a": {**place(0, 16), "code": "x"}}),
    _file("an unknown type", "unknown type", {"a": place(0, 16, dtype="F999")}),
    _file("a type that is a list", "unknown type", {"a": place(0, 16, dtype=[])}),
    _file("a shape of 2^40 x 2^40", r"its shape takes", {"a": place(0, 16, [1 << 40, 1 << 40])}),
    _file("a shape of 2^80", "64 bits do not hold", {"a": place(0, 16, [1 << 80])}),
    _file("a negative shape", "whole numbers from 0", {"a": place(0, 16, [-4])}),
    _file("a shape of truths", "whole numbers from 0", {"a": place(0, 4, [True])}),
    _file("a shape of 1,000,000 axes", "whole numbers from 0",
          {"a": place(0, 16, [1] * 1_000_000)}),
    _file("a shape of fractions", "whole numbers from 0", {"a": place(0, 16, [4.0])}),
    _file("a place that ends before it starts", "its place has -16", {"a": place(16, 0)}),
    _file("a place of three numbers", "whole numbers from 0",
          {"a": {**place(0, 16), "data_offsets": [0, 8, 16]}}),
    _file("two tensors in one place", "overlap", {"a": place(0, 16), "b": place(0, 16)}),
    _file("tensors that overlap", "overlap",
          {"a": place(0, 12, [3]), "b": place(8, 16, [2])}),
    _file("a gap", "leave a gap", {"a": place(0, 4, [1]), "b": place(8, 16, [2])}),
    _file("bytes that no tensor has", "leave a gap", {"a": place(0, 8, [2])}),
    _file("a place behind the end", "overlap|leave a gap", {"a": place(1 << 40, (1 << 40) + 16)}),
    _file("a tensor longer than the file", "overlap", {"a": place(0, 4_000, [1_000])}),
    _file("metadata that is a number", "safetensors file that can be read",
          {"__metadata__": 5, **WHOLE}),
]  # fmt: skip
