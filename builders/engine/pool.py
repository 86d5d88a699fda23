"""Worker processes, each on its own: one that crashes loses one task, and that is reported."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from dvtr_bench.errors import BuildError

Task = TypeVar("Task")
Result = TypeVar("Result")

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_READY: Final = "ready"


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of a task.

    Attributes:
        exit_code: As `multiprocessing` has it: below 0 for a signal.
    """

    exit_code: int | None

    def __str__(self) -> str:
        """Say what ended it."""
        if self.exit_code is None or self.exit_code >= 0:
            return f"the process that decoded it ended (exit status {self.exit_code})"
        name = signal.Signals(-self.exit_code).name
        often = ", often for want of memory: try fewer --workers" if name == "SIGKILL" else ""
        return f"the process that decoded it was ended by {name}{often}"


def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[tuple[int, Result | Crash]]:
    """Apply a function to tasks in worker processes.

    Tasks are handed out one by one in order; only those under way are in memory. With one worker
    all runs in this process.

    Args:
        function: A function of a module; its tasks and results can be pickled.
        tasks: What to apply it to.
        workers: How many processes.

    Yields:
        The index of a task and its result, or a `Crash`, in the order in which they end.

    Raises:
        BuildError: Processes cannot be started.
        Exception: Whatever `function` raised; the other workers are stopped.
    """
    if workers == 1 or len(tasks) < 2:
        yield from ((index, function(task)) for index, task in enumerate(tasks))
        return
    waiting = iter(enumerate(tasks))
    crew: list[_Worker[Task, Result]] = []
    try:
        for _ in range(min(workers, len(tasks))):
            crew.append(_Worker(function))
        while crew:
            ready = wait([worker.connection for worker in crew])
            for worker in [worker for worker in crew if worker.connection in ready]:
                index = worker.index
                outcome = worker.receive()
                if isinstance(outcome, Crash):
                    crew.remove(worker)
                    worker.stop()
                    crew.append(_Worker(function))
                if index is not None:
                    yield index, outcome  # type: ignore[misc]
                if not isinstance(outcome, Crash) and not worker.hand_out(next(waiting, None)):
                    crew.remove(worker)
                    worker.stop()
    finally:
        for worker in crew:
            worker.stop()


class _Worker(Generic[Task, Result]):
    """One process and the pipe to it."""

    def __init__(self, function: Callable[[Task], Result]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.index: int | None = None
        self._started = False
        self._process: BaseProcess = context.Process(
            target=_serve, args=(function, theirs), daemon=True
        )
        with _interrupts_ignored():
            self._process.start()
        theirs.close()

    def receive(self) -> Result | Crash | None:
        """Take what the worker sent: a result, or None when it says that it is ready."""
        try:
            message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            if not self._started:
                raise BuildError(
                    "worker processes do not start: build with --workers 1. In a script of your "
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
        return True

    def stop(self) -> None:
        """End the process, whatever it does: finished work is on disk, unfinished is not."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    import cv2

    cv2.setNumThreads(1)
    connection.send(_READY)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        message: tuple[Any, Exception | None]
        try:
            message = function(task), None
        except Exception as failure:
            failure.add_note("".join(traceback.format_exception(failure)))
            message = None, failure
        connection.send(message)


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
