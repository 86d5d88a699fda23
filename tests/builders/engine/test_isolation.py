"""A clip that crashes, kills or hangs its decoder is lost alone, and that is told."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders.build import build_source
from builders.engine import clip_work
from builders.engine.pool import Crash, TimedOut, run_tasks
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, ClipFile, DatasetInfo, LicenceRecord, Source
from dvtr_bench.errors import ConfigError, MissingClipsError
from tests.builders.conftest import FolderBuilder
from tests.builders.tiny_clips import TinyClips

INFO = DatasetInfo(
    name="traps",
    version="1.0.0",
    pretty_name="Traps",
    summary="Clips that do harm.",
    description="Clips that do harm.",
    licence=LicenceRecord("unknown", "None.", None),
)


@dataclass(frozen=True)
class Trap:
    """Footage that does something to the process that opens it."""

    what: str

    @property
    def label(self) -> str:
        return f"the {self.what} trap"

    def identity(self) -> str:
        return hashlib.sha256(self.what.encode()).hexdigest()

    @property
    def identity_is_sha256(self) -> bool:
        return False

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        if self.what == "hang":
            os.kill(os.getpid(), signal.SIGSTOP)  # hears no SIGTERM
        os.kill(os.getpid(), getattr(signal, self.what))
        yield scratch

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        return {}


def source_with_traps(folder: Path, tiny_clips: TinyClips) -> Source:
    paths = [tiny_clips.write(folder / f"{number}.mp4", number) for number in range(3)]
    footage = [Trap("SIGSEGV"), ClipFile(paths[0]), Trap("hang"), ClipFile(paths[1])]
    footage += [Trap("SIGKILL"), ClipFile(paths[2])]
    clips = [
        Clip(f"c{number}", (f"caption {number}",), "test", one)
        for number, one in enumerate(footage)
    ]
    return Source(info=INFO, clips=tuple(clips))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_build_survives_its_clips(tmp_path: Path, tiny_clips: TinyClips, workers: int) -> None:
    source = source_with_traps(tmp_path / "clips", tiny_clips)
    settings = BuildSettings(
        root=tmp_path, missing="drop", workers=workers, clip_seconds_limit=12, progress=False
    )
    built = build_source(source, settings)
    assert built.dataset.split("test").video_ids == ("c1", "c3", "c5")
    assert built.report is not None
    told = built.report.left_out["broken clips"]
    assert len(told) == 3
    assert "'c0': the SIGSEGV trap: the process that decoded it was ended by SIGSEGV" in told[0]
    assert "'c2': the hang trap: decoding was not done after 12 seconds" in told[1]
    assert "'c4': the SIGKILL trap: the process that decoded it was ended by SIGKILL, o" in told[2]
    assert build_source(source, settings).report is None, "the same input is built already"


def stop_at_3(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGSTOP)
    return number * number


@pytest.mark.slow
def test_a_hanging_task_is_killed_and_the_others_are_not() -> None:
    outcomes = dict(run_tasks(stop_at_3, list(range(8)), 2, seconds_limit=6))
    assert outcomes.pop(3) == TimedOut(6)
    assert outcomes == {number: number * number for number in range(8) if number != 3}


SUSPENDED = """
import os, time
from builders.engine.pool import run_tasks

def work(number):
    if number == 0:
        open("started", "w").close()
    for _ in range(20):  # two seconds, of which none is spent while the process is stopped
        time.sleep(0.1)
    return number

if __name__ == "__main__":
    print(list(run_tasks(work, [0], 1, seconds_limit=5)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_a_suspended_build_counts_no_time(tmp_path: Path) -> None:
    (tmp_path / "suspended.py").write_text(SUSPENDED)
    running = subprocess.Popen(
        [sys.executable, "suspended.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "started").exists() and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGSTOP)
    time.sleep(8)
    os.killpg(running.pid, signal.SIGCONT)
    told, _ = running.communicate(timeout=60)
    assert told == "[(0, 0)]\n"


def crash(number: int) -> int:
    os.abort()


@pytest.mark.parametrize("length", [60, 70, 71, 100])
def test_workers_start_however_long_the_name_of_the_temporary_folder(length: int) -> None:
    script = (
        "from builders.engine.pool import run_tasks; print(sorted(run_tasks(abs, [-1, -2], 2)))"
    )
    random_part = len("/12345678")
    padding = "x" * max(0, length - len(tempfile.gettempdir()) - random_part)
    with tempfile.TemporaryDirectory(prefix=padding) as folder:
        command = [sys.executable, "-c", script]
        environment = {**os.environ, "TMPDIR": folder}
        told = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert told.stdout == "[(0, 1), (1, 2)]\n", told.stderr


def test_one_worker_is_no_less_alone() -> None:
    ((index, outcome),) = run_tasks(crash, [7], 1)
    assert index == 0
    assert isinstance(outcome, Crash)
    assert "SIGABRT" in str(outcome)


def test_errors_that_nobody_foresaw_cost_one_clip(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = clip_work.extract_frames

    def odd(path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "b.mp4":
            raise ZeroDivisionError("division by zero")
        return extract(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_work, "extract_frames", odd)
    folder_builder.five_clips()
    with pytest.raises(
        MissingClipsError, match=r"broken clips: 1\n.*b\.mp4.*do not know \(ZeroDivisionError: div"
    ):
        folder_builder.build()


def test_limits_that_have_no_meaning() -> None:
    with pytest.raises(ConfigError, match="--clip-seconds-limit: expected more than 0, found 0"):
        BuildSettings(clip_seconds_limit=0)
    with pytest.raises(ConfigError, match="--workers: expected 0 or more, found -1"):
        BuildSettings(workers=-1)
