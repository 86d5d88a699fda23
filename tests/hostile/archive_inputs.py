"""Zips and tars of clips."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from builders.sources.archive import check_members, list_members
from builders.sources.tar_archive import list_tar
from tests.hostile.case import Hostile
from tests.hostile.making import holds


def _read_zip(path: Path) -> None:
    members = list_members(path)
    check_members(path, members)
    for member in members.values():
        member.sha256()


def _read_tar(path: Path) -> None:
    for member in list_tar(path).values():
        member.sha256()


def _zipped(*names: str, content: bytes = b"x", method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _zip(name: str, content: bytes | Callable[[], bytes], message: str) -> Hostile:
    def make(folder: Path) -> Path:
        return holds("a.zip", content if isinstance(content, bytes) else content())(folder)

    return Hostile(f"zip: {name}", make, _read_zip, rf"a\.zip.*{message}")


def _tar(name: str, content: bytes, message: str) -> Hostile:
    return Hostile(f"tar: {name}", holds("a.tar", content), _read_tar, rf"a\.tar.*{message}")


def _tarred(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _patched(data: bytes, before: bytes, after: bytes) -> bytes:
    assert before in data
    return data.replace(before, after)


def _with_size(data: bytes, size: int) -> bytes:
    """State another unpacked size in the list of members."""
    start = data.index(b"PK\1\2")
    return data[: start + 24] + struct.pack("<I", size) + data[start + 28 :]


_DEFLATED = _zipped("a.mp4", content=b"x" * 5_000, method=zipfile.ZIP_DEFLATED)

INPUTS = [
    _zip("no zip", b"hello", "not a complete zip file"),
    _zip("an end alone", b"PK\5\6" + b"\xff" * 18, "not a complete zip file"),
    _zip("cut off", _zipped("a.mp4", content=b"x" * 500)[:400], "not a complete zip file"),
    _zip("a name that leaves the folder", _zipped("../a.mp4"), "outside the folder"),
    _zip("an absolute name", _zipped("/a.mp4"), "outside the folder"),
    _zip("a name with a drive", _zipped("C:/a.mp4"), "outside the folder"),
    _zip("a name upwards as Windows has it", _zipped("x\\..\\..\\a.mp4"), "outside the folder"),
    _zip("one name twice", _patched(_zipped("a.mp4", "b.mp4"), b"b.mp4", b"a.mp4"), "twice"),
    _zip(
        "encrypted",
        _patched(_zipped("a.mp4"), b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"),
        "is encrypted",
    ),
    _zip(
        "an unknown method",
        _patched(
            _zipped("a.mp4"), b"PK\1\2\x14\x03\x14\0\0\0\0\0", b"PK\1\2\x14\x03\x14\0\0\0\x63\0"
        ),
        "compressed by method 99",
    ),
    _zip(
        "a bomb",
        lambda: _zipped("a.mp4", content=bytes(20_000_000), method=zipfile.ZIP_DEFLATED),
        "a zip bomb",
    ),
    _zip("a size of 4 GB that is stated", _with_size(_DEFLATED, 2**32 - 2), "a zip bomb"),
    _zip("damaged inside", _DEFLATED[:45] + b"\xff" * 5 + _DEFLATED[50:], "damaged inside the zip"),
    _zip(
        "LZMA without properties",
        _patched(
            _zipped("a.mp4", content=b"y" * 40),
            b"\x14\x03\x14\0\0\0\0\0",
            b"\x14\x03\x14\0\0\0\x0e\0",
        ),
        "damaged inside|not a complete",
    ),
    _tar("no tar", b"hello" * 200, "not a complete tar file"),
    _tar("empty tar", b"", "not a complete tar file"),
    _tar("a name that leaves the folder", _tarred(("../a.mp4", b"x")), "outside the folder"),
    _tar("an absolute name", _tarred(("/a.mp4", b"x")), "outside the folder"),
    _tar("one name twice", _tarred(("a.mp4", b"x"), ("a.mp4", b"y")), "twice"),
    _tar("cut off", _tarred(("a.mp4", b"x" * 5_000))[:2_000], "cut off|not a complete tar"),
    _tar("a damaged header", _tarred(("a.mp4", b"x"))[:100] + b"\xff" * 412, "not a complete tar"),
]
