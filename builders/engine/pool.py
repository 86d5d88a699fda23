"""A pool of independent worker processes: one that crashes or hangs costs only its task."""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from dvtr_bench.errors import BuildError
from dvtr_bench.runtime.interrupts import POLL_SECONDS, SuspensionClock, interrupts_held

Task = TypeVar("Task")
Result = TypeVar("Result")

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_READY: Final = "ready"
_GRACE_SECONDS: Final = 30.0
_SOCKET_FOLDER_BYTES: Final = 70
_SAFE_PATH: Final = "PYTHONSAFEPATH"


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of a task.

    Attributes:
        exit_code: Exit code of `multiprocessing`, negative for a signal; None if unknown.
        attempts: Number of processes that ended on the same task, one after the other.
    """

    exit_code: int | None
    attempts: int = 1

    def __str__(self) -> str:
        """Describe how the process ended."""
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
class TimedOut:
    """A worker process exceeded the time limit of a task and was killed.

    Attributes:
        seconds: The time limit.
    """

    seconds: float

    def __str__(self) -> str:
        """State the time limit and how to raise it."""
        return (
            f"decoding was not done after {self.seconds:g} seconds and was stopped: the clip may "
            "be damaged; give long clips more with --clip-seconds-limit"
        )


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    *,
    seconds_limit: float | Callable[[Task], float] | None = None,
) -> Generator[tuple[int, Result | Crash | TimedOut], None, None]:
    """Apply a function to tasks in worker processes.

    Tasks are started in order; only the running ones are in memory. Time during which the whole
    build was suspended (Ctrl-Z, a sleeping laptop) does not count towards the time limit.

    Args:
        function: A function of a module; its tasks and results must be picklable.
        tasks: The tasks.
        workers: Number of processes, at most the number of tasks; 0 to run in this process, where
            a crash ends everything.
        seconds_limit: Time limit of one task, after which its process is killed, or a function that
            returns it; None for no limit.

    Yields:
        The index of a task and its result, a `Crash` or an `TimedOut`, in the order of completion.

    Raises:
        BuildError: Processes cannot be started.
        Exception: Any exception of `function`; the other workers are then stopped.
    """
    if workers == 0:
        yield from ((index, function(task)) for index, task in enumerate(tasks))
        return
    pending = iter(enumerate(tasks))
    pool: list[_Worker[Task, Result]] = []
    try:
        for _ in range(workers):
            _start(pool, function, seconds_limit)
        clock = SuspensionClock()
        while pool:
            ready = wait([worker.connection for worker in pool], _seconds_left(pool))
            if suspended := clock.seconds_suspended():
                for worker in pool:
                    worker.extend_deadline(suspended)
            for worker in [worker for worker in pool if worker.is_overdue(ready)]:
                pool.remove(worker)
                worker.kill()
                _start(pool, function, seconds_limit)
                yield worker.index, TimedOut(worker.seconds_limit)  # type: ignore[misc, arg-type]
            for worker in [worker for worker in pool if worker.connection in ready]:
                index = worker.index
                outcome = worker.receive()
                if isinstance(outcome, Crash):
                    pool.remove(worker)
                    worker.stop()
                    _start(pool, function, seconds_limit)
                if index is not None:
                    yield index, outcome  # type: ignore[misc]
                if not isinstance(outcome, Crash) and not worker.send_task(next(pending, None)):
                    pool.remove(worker)
                    worker.stop()
    finally:
        for worker in pool:
            worker.stop()


def _start(
    pool: "list[_Worker[Task, Result]]",
    function: Callable[[Task], Result],
    seconds_limit: float | Callable[[Task], float] | None,
) -> None:
    """Start a worker; an interrupt waits until the pool knows it, and can stop it."""
    with interrupts_held():
        pool.append(_Worker(function, seconds_limit))


def _seconds_left(pool: "Sequence[_Worker[Task, Result]]") -> float | None:
    deadlines = [worker.deadline for worker in pool if worker.deadline is not None]
    left = min(deadlines) - time.monotonic() if deadlines else None
    return None if left is None else min(POLL_SECONDS, max(0.0, left))


class _Worker(Generic[Task, Result]):
    """One process and its pipe."""

    def __init__(
        self,
        function: Callable[[Task], Result],
        seconds_limit: float | Callable[[Task], float] | None,
    ) -> None:
        context = _context()
        self.connection, worker_end = context.Pipe()
        self.index: int | None = None
        self.deadline: float | None = None
        self.seconds_limit: float | None = None
        self._limit = seconds_limit
        self._started = False
        self._process: BaseProcess = context.Process(
            target=_serve, args=(function, worker_end), daemon=True
        )
        with _no_modules_of_the_working_folder():
            self._process.start()
        worker_end.close()

    def receive(self) -> Result | Crash | None:
        """Receive a result from the worker, or None if it reports that it is ready."""
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

    def send_task(self, indexed_task: tuple[int, Task] | None) -> bool:
        """Send the worker its next task; return False if there is none."""
        if indexed_task is None:
            return False
        self.index, task = indexed_task
        self.seconds_limit = self._limit(task) if callable(self._limit) else self._limit
        with suppress(BrokenPipeError):  # a crash while idle shows up in receive()
            self.connection.send((task, self.seconds_limit))
        if self.seconds_limit is not None:
            self.deadline = time.monotonic() + self.seconds_limit
        return True

    def extend_deadline(self, seconds: float) -> None:
        """Give the running task more time."""
        if self.deadline is not None:
            self.deadline += seconds

    def is_overdue(self, ready: Collection[object]) -> bool:
        """Return whether the time limit has passed and the worker has sent nothing."""
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return late and self.connection not in ready

    def kill(self) -> None:
        """Kill a process that may not respond to other signals."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """Terminate the process; finished work is already on disk."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _context() -> Any:
    """Return a context that forks workers from a server process, so that they share its memory.

    Forking this process would be unsafe, since it has threads. Processes are spawned on Windows,
    which has no fork server, and where ``TMPDIR`` is too long for the server's socket.
    """
    socket_fits = len(os.fsencode(tempfile.gettempdir())) <= _SOCKET_FOLDER_BYTES
    if "forkserver" not in multiprocessing.get_all_start_methods() or not socket_fits:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["builders.engine.warm_start"])
    return context


@contextmanager
def _no_modules_of_the_working_folder() -> Iterator[None]:
    """Have Python processes not import from the working folder, unless this one does.

    The server, which starts with the first worker, is a ``python -c``, which looks there first: a
    user's folder may be called ``builders`` too, and what lies in it would be run.
    """
    if _SAFE_PATH in os.environ or os.getcwd() in map(os.path.abspath, sys.path):
        yield
        return
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[_SAFE_PATH]


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    import cv2

    # Ctrl-C is for the build's process, which stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    connection.send(_READY)
    while True:
        try:
            task, seconds_limit = connection.recv()
        except EOFError:
            return
        _end_process_after(seconds_limit)
        message: tuple[Any, Exception | None]
        try:
            message = function(task), None
        except Exception as failure:
            failure.add_note("".join(traceback.format_exception(failure)))
            message = None, failure
        _end_process_after(None)
        connection.send(message)


def _end_process_after(seconds: float | None) -> None:
    """Have the system end this process if it hangs after the build's process has died.

    The timer counts CPU time, because wall time also passes while the process is stopped.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, 0 if seconds is None else seconds + _GRACE_SECONDS)
