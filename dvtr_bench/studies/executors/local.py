"""Carry out runs on this machine: in this process, or in one process per device.

If a process dies, only its run is affected: a new process continues it from its last complete
epoch, up to `ATTEMPTS` times. A process whose parent has died ends at once, because the next
`dvtr-bench run` may use the same folders.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import DvtrError
from dvtr_bench.runtime.interrupts import interrupts_held
from dvtr_bench.studies.carry_out import Means, Task, carry_out
from dvtr_bench.studies.executors.events import Ended, Event, Failed, Gave, Started

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

ATTEMPTS: Final = 3
"""Processes that may die on one run before it counts as failed."""


def run_here(tasks: Sequence[Task], means: Means) -> Iterator[Event]:
    """Carry out runs in this process, one after the other.

    Args:
        tasks: The runs.
        means: Device and threads.

    Yields:
        Events.

    Raises:
        Exception: Any error that is not a DvtrError.
    """
    for index, task in enumerate(tasks):
        yield Started(index, means.device)
        try:
            for made in carry_out(task, means):
                yield Gave(index, made)
        except DvtrError as failure:
            yield Failed(index, str(failure))
            continue
        yield Ended(index)


def run_on_devices(tasks: Sequence[Task], devices: Sequence[str], means: Means) -> Iterator[Event]:
    """Carry out runs in processes, one per device.

    Args:
        tasks: The runs, handed out in order.
        devices: Such as ``("cuda:0", "cuda:1")``; ``cpu`` can occur more than once.
        means: Threads; its device is ignored.

    Yields:
        Events.
    """
    queue = deque((index, task, 1) for index, task in enumerate(tasks))
    quiet = replace(means, show_progress=False)
    crew: list[_Worker] = []
    try:
        for device in devices[: len(tasks)]:
            with interrupts_held():
                crew.append(_Worker(replace(quiet, device=device), len(devices)))
        for worker in crew:
            yield worker.begin(*queue.popleft())
        while crew:
            ready = wait([worker.connection for worker in crew])
            for worker in [worker for worker in crew if worker.connection in ready]:
                event = worker.receive()
                if event is None:  # it died
                    crew.remove(worker)
                    worker.stop()
                    if worker.attempt < ATTEMPTS:
                        queue.appendleft((worker.index, worker.task, worker.attempt + 1))
                    else:
                        yield Failed(worker.index, worker.death_message())
                    if queue:
                        with interrupts_held():
                            worker = _Worker(worker.means, len(devices))
                            crew.append(worker)
                        yield worker.begin(*queue.popleft())
                    continue
                yield event
                if isinstance(event, Ended | Failed):
                    if queue:
                        yield worker.begin(*queue.popleft())
                    else:
                        crew.remove(worker)
                        worker.stop()
    finally:
        for worker in crew:
            worker.stop()


class _Worker:
    """One process on one device, and the pipe to it."""

    index: int
    task: Task
    attempt: int

    def __init__(self, means: Means, sharing: int) -> None:
        # CUDA cannot be used in a process that was forked from one that used it.
        context = multiprocessing.get_context("spawn")
        self.means = means
        self.connection, child_connection = context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // sharing)
        self._process: BaseProcess = context.Process(
            target=_serve, args=(child_connection, means, threads), daemon=True
        )
        self._process.start()
        child_connection.close()

    def begin(self, index: int, task: Task, attempt: int) -> Started:
        """Hand the process a run."""
        self.index, self.task, self.attempt = index, task, attempt
        with suppress(OSError):  # a process that died while idle shows in receive()
            self.connection.send((index, task))
        return Started(index, self.means.device)

    def receive(self) -> Event | None:
        """Receive an event from the process; None if it died."""
        try:
            event: Event = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return None
        return event

    def death_message(self) -> str:
        """Say how the process ended."""
        code = self._process.exitcode or 0
        outcome = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended ({code})"
        hint = "; often because memory ran out" if code == -signal.SIGKILL else ""
        return f"its process on {self.means.device} {outcome}, {ATTEMPTS} times in a row{hint}"

    def stop(self) -> None:
        """Kill the process; complete epochs are on disk."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _serve(connection: Connection, means: Means, threads: int) -> None:
    """Carry out runs from a pipe until it is closed."""
    import torch

    # Ctrl-C is for the parent, which stops this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads)
    while True:
        try:
            index, task = connection.recv()
        except EOFError:
            return
        for event in _events(index, task, means):
            connection.send(event)


def _events(index: int, task: Task, means: Means) -> Iterator[Event]:
    try:
        for made in carry_out(task, means):
            yield Gave(index, made)
    except DvtrError as failure:
        yield Failed(index, str(failure))
        return
    except Exception:
        yield Failed(index, traceback.format_exc())
        return
    yield Ended(index)


def _die_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
