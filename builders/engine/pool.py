"""Worker processes, each on its own: one that crashes or hangs loses one task, and that is told."""

import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from dvtr_bench.errors import BuildError
from dvtr_bench.runtime.suspension import POLL_SECONDS, SuspensionClock

Task = TypeVar("Task")
Result = TypeVar("Result")

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_READY: Final = "ready"
_GRACE_SECONDS: Final = 30.0
_SOCKET_FOLDER_BYTES: Final = 70


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of a task.

    Attributes:
        exit_code: As `multiprocessing` has it: below 0 for a signal; None where nobody told.
        attempts: How many processes ended over the same task, one after the other.
    """

    exit_code: int | None
    attempts: int = 1

    def __str__(self) -> str:
        """Say what ended it."""
        if self.attempts > 1:
            return (
                f"the processes that decoded it ended, {self.attempts} times in a row: the clip "
                "crashes the decoder, or the machines are out of memory"
            )
        if self.exit_code is None or self.exit_code >= 0:
            return f"the process that decoded it ended (exit status {self.exit_code})"
        name = signal.Signals(-self.exit_code).name
        often = ", often for want of memory: try fewer --workers" if name == "SIGKILL" else ""
        return f"the process that decoded it was ended by {name}{often}"


@dataclass(frozen=True)
class Overtime:
    """A worker process took too long over a task and was killed.

    Attributes:
        seconds: What it was given.
    """

    seconds: float

    def __str__(self) -> str:
        """Say how long it was given."""
        return (
            f"decoding was not done after {self.seconds:g} seconds and was stopped: the clip may "
            "be damaged; give long clips more with --clip-seconds-limit"
        )


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    *,
    seconds_limit: float | None = None,
) -> Iterator[tuple[int, Result | Crash | Overtime]]:
    """Apply a function to tasks in worker processes.

    Tasks are handed out one by one in order; only those under way are in memory. A time in which
    the whole build was suspended (Ctrl-Z, a sleeping laptop) counts towards no task's limit.

    Args:
        function: A function of a module; its tasks and results can be pickled.
        tasks: What to apply it to.
        workers: How many processes, no more than there are tasks; 0 for this very process, where a
            crash ends all.
        seconds_limit: What one task may take before its process is killed; None for any time.

    Yields:
        The index of a task and its result, a `Crash` or `Overtime`, in the order in which they
        end.

    Raises:
        BuildError: Processes cannot be started.
        Exception: Whatever `function` raised; the other workers are stopped.
    """
    if workers == 0:
        yield from ((index, function(task)) for index, task in enumerate(tasks))
        return
    waiting = iter(enumerate(tasks))
    crew: list[_Worker[Task, Result]] = []
    try:
        for _ in range(workers):
            crew.append(_Worker(function, seconds_limit))
        clock = SuspensionClock()
        while crew:
            ready = wait([worker.connection for worker in crew], _seconds_left(crew))
            if suspended := clock.seconds_suspended():
                for worker in crew:
                    worker.prolong(suspended)
            for worker in [worker for worker in crew if worker.is_overdue(ready)]:
                crew.remove(worker)
                worker.kill()
                crew.append(_Worker(function, seconds_limit))
                yield worker.index, Overtime(seconds_limit)  # type: ignore[misc, arg-type]
            for worker in [worker for worker in crew if worker.connection in ready]:
                index = worker.index
                outcome = worker.receive()
                if isinstance(outcome, Crash):
                    crew.remove(worker)
                    worker.stop()
                    crew.append(_Worker(function, seconds_limit))
                if index is not None:
                    yield index, outcome  # type: ignore[misc]
                if not isinstance(outcome, Crash) and not worker.hand_out(next(waiting, None)):
                    crew.remove(worker)
                    worker.stop()
    finally:
        for worker in crew:
            worker.stop()


def _seconds_left(crew: "Sequence[_Worker[Task, Result]]") -> float | None:
    deadlines = [worker.deadline for worker in crew if worker.deadline is not None]
    left = min(deadlines) - time.monotonic() if deadlines else None
    return None if left is None else min(POLL_SECONDS, max(0.0, left))


class _Worker(Generic[Task, Result]):
    """One process and the pipe to it."""

    def __init__(self, function: Callable[[Task], Result], seconds_limit: float | None) -> None:
        context = _context()
        self.connection, theirs = context.Pipe()
        self.index: int | None = None
        self.deadline: float | None = None
        self._seconds_limit = seconds_limit
        self._started = False
        self._process: BaseProcess = context.Process(
            target=_serve, args=(function, theirs, seconds_limit), daemon=True
        )
        with _interrupts_ignored():
            self._process.start()
        theirs.close()

    def receive(self) -> Result | Crash | None:
        """Take what the worker sent: a result, or None when it says that it is ready."""
        self.deadline = None
        try:
            message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            if not self._started:
                raise BuildError(
                    "worker processes do not start: build with --workers 0. In a script of your "
                    'own, call the builder below `if __name__ == "__main__":`'
                ) from None
            return Crash(self._process.exitcode)
        if message == _READY:
            self._started = True
            return None
        result, failure = message
        if failure is not None:
            raise failure
        return result  # type: ignore[no-any-return]

    def hand_out(self, numbered: tuple[int, Task] | None) -> bool:
        """Give the worker its next task; False when there is none."""
        if numbered is None:
            return False
        self.index, task = numbered
        with suppress(BrokenPipeError):  # a crash while idle shows up in receive()
            self.connection.send(task)
        if self._seconds_limit is not None:
            self.deadline = time.monotonic() + self._seconds_limit
        return True

    def prolong(self, seconds: float) -> None:
        """Give the task under way more time."""
        if self.deadline is not None:
            self.deadline += seconds

    def is_overdue(self, ready: Collection[object]) -> bool:
        """Whether the worker had its time and has sent nothing."""
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return late and self.connection not in ready

    def kill(self) -> None:
        """End the process, though it hears nothing."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End the process, whatever it does: finished work is on disk, unfinished is not."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _context() -> Any:
    """Start processes from one that has loaded all they need, so that they share it in memory.

    Forking this very process would be unsafe: it has threads. Windows can only start from nothing,
    and so can others below a long ``TMPDIR``: the name of a socket in it has little room.
    """
    has_room = len(os.fsencode(tempfile.gettempdir())) <= _SOCKET_FOLDER_BYTES
    if "forkserver" not in multiprocessing.get_all_start_methods() or not has_room:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["builders.engine.warm_start"])
    return context


def _serve(
    function: Callable[[Any], Any], connection: Connection, seconds_limit: float | None
) -> None:
    import cv2

    # The process that this one is forked from may be of a time when interrupts were heard.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    connection.send(_READY)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        _die_after(seconds_limit)
        message: tuple[Any, Exception | None]
        try:
            message = function(task), None
        except Exception as failure:
            failure.add_note("".join(traceback.format_exception(failure)))
            message = None, failure
        _die_after(None)
        connection.send(message)


def _die_after(seconds: float | None) -> None:
    """Have the system end this process should it hang when nobody is left to kill it.

    The time that it computes counts, not the time on the wall, which passes while it is stopped.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, 0 if seconds is None else seconds + _GRACE_SECONDS)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: the parent stops them, once."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which gets no interrupts either
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
