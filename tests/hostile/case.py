"""What a hostile input is, and how one is tried: little memory, and no end that is not ours."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEMORY_BYTES = 1 << 30
"""What reading a hostile input may take beyond what the process has already."""

HANG_SECONDS = 120
"""No statement about speed: a reader that takes longer hangs."""


@dataclass(frozen=True)
class Hostile:
    """One input that is made, read and refused.

    Attributes:
        name: What is wrong with it.
        make: Writes it into an empty folder and returns the path to read.
        read: Reads it as the program does.
        message: A regular expression that the message of our error must match.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    message: str


@contextmanager
def bounded() -> Iterator[None]:
    """Let a block take `MEMORY_BYTES` more address space, and end it where it hangs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = signal.signal(signal.SIGALRM, _tell_hang)
    signal.alarm(HANG_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Hang(BaseException):
    """No reader may take it for an error of its file."""


def _tell_hang(*_: object) -> None:
    raise Hang(f"still reading after {HANG_SECONDS} seconds")
