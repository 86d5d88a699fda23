"""A file over the network, of which parts are read once and then served from memory."""

import io
from collections.abc import Iterable
from typing import Any, Final

_GAP_BYTES: Final = 1 << 13
"""Parts that are as near to each other are read as one, as Arrow does."""


class HeldFile(io.RawIOBase):
    """A file of which parts can be held.

    Args:
        file: The file, open for reading bytes; it can seek.

    Attributes:
        size: Its size in bytes.
    """

    def __init__(self, file: Any) -> None:
        """Ask for the size."""
        self._file = file
        self._place = 0
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
        for start, end in joined:
            self._file.seek(start)
            self._held.append((start, self._file.read(end - start)))

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can seek."""
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._place = place + (0, self._place, self.size)[whence]
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Read bytes, from memory where they are held."""
        end = self.size if size < 0 else min(self.size, self._place + size)
        start = self._place
        for first, content in self._held:
            if first <= start and end <= first + len(content):
                found = content[start - first : end - first]
                break
        else:
            self._file.seek(start)
            found = self._file.read(max(0, end - start))
        self._place = start + len(found)
        return found

    def close(self) -> None:
        """Close the file below."""
        self._held = []
        self._file.close()
        super().close()
