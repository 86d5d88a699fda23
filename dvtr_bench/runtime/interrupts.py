"""Ctrl-C and the signals that clusters send: the first ends a command in order, a second at once.

The first signal becomes KeyboardInterrupt: blocks end, worker processes are stopped, half-written
files go, finished work stays. Where Python swallows the exception, as it does in callbacks, it is
raised again. Time in which a program was suspended counts towards no limit (`SuspensionClock`).
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from dvtr_bench.runtime.files import drop_unfinished

ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C; what clusters and service managers send; what a closed terminal sends."""

_TWICE_SECONDS: Final = 0.5
"""Within this time a second signal is the first one, which came two ways: launchers such as
torchrun pass on what the terminal has sent to all of its processes."""

_AGAIN_SECONDS: Final = 0.05
_KILLED_SECONDS: Final = 1.0


class Interrupts:
    """The signals that came in while `interrupts_end_this` was in force."""

    def __init__(self) -> None:
        """Begin without any."""
        self._first: tuple[int, float] | None = None
        self._again = False

    @property
    def status(self) -> int | None:
        """Exit status that shells give to a program ended by the signal; None without one."""
        return None if self._first is None else 128 + self._first[0]

    def take(self, number: int, _frame: object) -> None:
        """Handle a signal."""
        now = time.monotonic()
        if self._again:
            self._again = False
            raise KeyboardInterrupt
        if self._first is None:
            self._first = (number, now)
            raise KeyboardInterrupt
        if now - self._first[1] > _TWICE_SECONDS:
            end_at_once(128 + number)

    def raise_again(self) -> None:
        """Raise the exception once more, in a moment."""

        def send() -> None:
            self._again = True
            # To the main thread, which may be asleep.
            main = threading.main_thread().ident
            if main is not None and hasattr(signal, "pthread_kill"):
                signal.pthread_kill(main, signal.SIGINT)
            else:
                signal.raise_signal(signal.SIGINT)

        again = threading.Timer(_AGAIN_SECONDS, send)
        again.daemon = True
        again.start()


@contextmanager
def interrupts_end_this() -> Iterator[Interrupts]:
    """Have Ctrl-C, SIGTERM and SIGHUP end what a block does; for programs, not for libraries.

    A signal that this process was started to ignore (``nohup``) stays ignored.

    Yields:
        What came in.
    """
    interrupts = Interrupts()
    before: dict[int, Any] = {}
    unraisable = sys.unraisablehook

    def seen(lost: "sys.UnraisableHookArgs") -> None:
        if lost.exc_type is not None and issubclass(lost.exc_type, KeyboardInterrupt):
            interrupts.raise_again()
        else:
            unraisable(lost)

    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, interrupts.take)
        sys.unraisablehook = seen
    try:
        yield interrupts
    finally:
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once(status: int) -> None:
    """End this process and its workers without waiting for anything; half-written files go."""
    import multiprocessing

    children = multiprocessing.active_children()
    for child in children:
        child.kill()
    for child in children:
        child.join(_KILLED_SECONDS)
    drop_unfinished()
    os._exit(status)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes in a block: a signal that comes meanwhile is held until its end.

    The processes never get Ctrl-C, which a terminal sends to all: this one stops them itself.
    """
    from multiprocessing import resource_tracker

    # It would let the signals through again, when it is started by the first process.
    resource_tracker.ensure_running()
    held: list[int] = []
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if callable(signal.getsignal(number)):
                handlers[number] = signal.signal(number, lambda number, _: held.append(number))
    masked = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masked else set()
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


POLL_SECONDS: Final = 1.0
"""Longest time between two calls of `seconds_suspended`."""

_SUSPENDED_SECONDS: Final = 2.0


class SuspensionClock:
    """Detects that this process was stopped between two calls of `seconds_suspended`."""

    def __init__(self) -> None:
        """Start now."""
        self._looked = time.monotonic()

    def seconds_suspended(self) -> float:
        """Return how long the process did not run since the last call; mostly 0."""
        before, self._looked = self._looked, time.monotonic()
        gap = self._looked - before - POLL_SECONDS
        return gap if gap > _SUSPENDED_SECONDS else 0.0
