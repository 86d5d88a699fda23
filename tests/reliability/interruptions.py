"""Commands in processes of their own, stopped by a signal at a moment of one's choice."""

import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.ready_processes import ready
from tests.reliability.stand_ins import use


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: Its exit status; negative for a signal that nothing caught.
        told: What it printed to standard error.
        seconds: How long it ran, from when it had begun to listen to signals.
        late_seconds: How long it ran on after the signal.
        left: Processes of its session that outlive it by more than a moment.
    """

    status: int
    told: str
    seconds: float
    late_seconds: float
    left: tuple[int, ...]


def carry_out(
    words: Sequence[str],
    folder: Path,
    *,
    how: signal.Signals | None = None,
    after_seconds: float = 0.0,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command of ours; send its session a signal after so many seconds, if it still runs.

    Args:
        words: The command.
        folder: Where it runs; what it prints is kept beside it.
        how: The signal, as a terminal or a cluster sends it: to all processes of the session.
        after_seconds: When.
        environment: Variables to set.
    """
    printed = folder.with_name(f"{folder.name}-printed")
    process = ready().Process(
        target=_serve, args=(list(words), folder, printed, dict(environment or {}))
    )
    process.start()
    sent = None
    # Signals before the command line has begun are Python's own matter.
    while not printed.with_suffix(".begun").exists() and process.exitcode is None:
        time.sleep(0.02)
    time.sleep(0.05)
    printed.with_suffix(".begun").unlink(missing_ok=True)
    began = time.monotonic()
    if how is not None:
        process.join(after_seconds)
        if process.exitcode is None:
            sent = time.monotonic()
            for number in members(process.pid) or [process.pid]:
                try:
                    os.kill(number, how)
                except ProcessLookupError:
                    continue
    process.join()
    ended = time.monotonic()
    return Ended(
        process.exitcode,
        printed.read_text("utf-8", errors="replace"),
        ended - began,
        0.0 if sent is None else ended - sent,
        _outliving(process.pid),
    )


def members(session: int) -> list[int]:
    """Return the processes of a session that are no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.name.isdigit() and int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def _outliving(session: int) -> tuple[int, ...]:
    deadline = time.monotonic() + 20
    while (left := members(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return tuple(left)


def _serve(
    words: Sequence[str], folder: Path, printed: Path, environment: Mapping[str, str]
) -> None:
    from multiprocessing import forkserver

    os.setsid()
    # A fork server of its own, which belongs to the session, as that of a fresh program would.
    forkserver._forkserver = forkserver.ForkServer()
    for name in ("ensure_running", "get_inherited_fds", "connect_to_new_process"):
        setattr(forkserver, name, getattr(forkserver._forkserver, name))
    forkserver.set_forkserver_preload = forkserver._forkserver.set_forkserver_preload
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, default)
    file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(environment)
    os.chdir(folder)
    from baselines.encoder import frame_encoder
    from dvtr_bench.cli import main
    from tests.fixtures.small_clip import SMALL_CONFIG

    frame_encoder.TINY_CONFIG = SMALL_CONFIG
    use(environment, pytest.MonkeyPatch())
    printed.with_suffix(".begun").touch()
    sys.argv = ["dvtr-bench", *words]
    main()


def moments(seconds: float, count: int, seed: str) -> list[float]:
    """Draw moments of a command that takes so many seconds, one in each equal part of it."""
    draw = random.Random(seed)
    return [(number + draw.random()) * seconds / count for number in range(count)]
