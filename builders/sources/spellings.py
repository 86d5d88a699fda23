"""Files under other spellings of their names: composed letters, and bytes of unknown encodings.

``é`` is one letter or, as macOS decomposes it, two that look alike. Names in a zip of a Chinese
Windows are bytes in GBK that the zip does not declare. Neither can be seen, so both are looked up.
"""

import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from builders.sources.clips import ClipFiles

_ENCODINGS: Final = tuple(
    "utf-8 gb18030 big5 cp932 euc_jp euc_kr cp1251 cp866 cp1252 cp850".split()
)
"""Encodings of file names, tried where it is unknown."""

COMPOSITION: Final = "composition"
"""The kind of a spelling that differs in composed and decomposed letters alone."""


class Spelled(NamedTuple):
    """A file that is found under another spelling.

    Attributes:
        file: The file, by its own name.
        kind: `COMPOSITION`, or the encoding of its name.
    """

    file: PurePosixPath
    kind: str


class Spellings:
    """The files of a folder or archive by all spellings of names that are not in ASCII."""

    def __init__(self, folder: ClipFiles) -> None:
        """Index the files."""
        self._files: dict[str, dict[PurePosixPath, str]] = {}
        self._stems: dict[str, dict[PurePosixPath, str]] = {}
        for file in folder.files:
            for spelling, kind in _spellings(folder, file):
                path = PurePosixPath(spelling)
                for index, key in ((self._files, spelling), (self._stems, path.stem)):
                    index.setdefault(key, {}).setdefault(file, kind)

    def by_path(self, path: str) -> Spelled | None:
        """Return the one file that has this path in another spelling; None if not exactly one."""
        return _only(self._files, path)

    def by_stem(self, stem: str) -> Spelled | None:
        """Return the one file whose name without ending is this; None if not exactly one."""
        return _only(self._stems, stem)


def _only(index: dict[str, dict[PurePosixPath, str]], key: str) -> Spelled | None:
    found = index.get(unicodedata.normalize("NFC", key), {})
    return Spelled(*next(iter(found.items()))) if len(found) == 1 else None


def _spellings(folder: ClipFiles, file: PurePosixPath) -> Iterator[tuple[str, str]]:
    name = str(file)
    if name.isascii():
        return
    data = folder.name_bytes(file)
    if data is None:
        yield unicodedata.normalize("NFC", name), COMPOSITION
        return
    for encoding in _ENCODINGS:
        try:
            decoded = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield unicodedata.normalize("NFC", decoded.replace("\\", "/")), encoding
