"""A file over the network, of which parts are read once and then served from memory."""

import io
import threading
from collections.abc import Iterable
from typing import Any, Final

_GAP_BYTES: Final = 1 << 13
"""Parts that are as near to each other are read as one, as Arrow does."""


class HeldFile(io.RawIOBase):
    """A file of which parts can be held.

    Each thread has a place of its own: Arrow reads from several, by `seek` and then `read`.

    Args:
        file: The file, open for reading bytes; it can seek.

    Attributes:
        size: Its size in bytes.
    """

    def __init__(self, file: Any) -> None:
        """Ask for the size."""
        self._file = file
        self._lock = threading.Lock()
        self._places = threading.local()
        self._held: list[tuple[int, bytes]] = []
        self.size: int = file.seek(0, io.SEEK_END)

    def hold(self, parts: Iterable[tuple[int, int]]) -> None:
        """Read parts, given as start and number of bytes, and let go of those of before."""
        self._held = []
        joined: list[list[int]] = []
        for start, num_bytes in sorted(parts):
            end = min(self.size, start + num_bytes)
            if joined and start <= joined[-1][1] + _GAP_BYTES:
                joined[-1][1] = max(joined[-1][1], end)
            elif 0 <= start < end:
                joined.append([start, end])
        self._held = [(start, self._read_at(start, end)) for start, end in joined]

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can seek."""
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._places.place = place + (0, self.tell(), self.size)[whence]
        return self.tell()

    def tell(self) -> int:
        """Return the place."""
        place: int = getattr(self._places, "place", 0)
        return place

    def read(self, size: int = -1) -> bytes:
        """Read bytes, from memory where they are held."""
        start = self.tell()
        end = self.size if size < 0 else min(self.size, start + size)
        for first, content in self._held:
            if first <= start and end <= first + len(content):
                found = content[start - first : end - first]
                break
        else:
            found = self._read_at(start, end)
        self._places.place = start + len(found)
        return found

    def _read_at(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        with self._lock:
            self._file.seek(start)
            content: bytes = self._file.read(end - start)
        return content

    def close(self) -> None:
        """Close the file below."""
        self._held = []
        self._file.close()
        super().close()
