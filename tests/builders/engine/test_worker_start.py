"""Ctrl-C while worker processes start: it is not lost, and the workers never see it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.conftest import FolderBuilder
from tests.builders.engine.test_engine import command
from tests.reliability.interruptions import members

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs sessions"),
]

SIGNALLED_WHILE_STARTING = """
import os
import signal
from multiprocessing.process import BaseProcess

from dvtr_bench.cli import main

start = BaseProcess.start
number = signal.Signals({number})


def start_signalled(process):
    if {before}:
        os.killpg(0, number)
    start(process)
    if not {before}:
        os.killpg(0, number)
    print("started", flush=True)


BaseProcess.start = start_signalled
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


@pytest.mark.parametrize(
    ("number", "before"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, True)]
)
def test_an_interrupt_while_workers_start_ends_the_build(
    folder_builder: FolderBuilder, number: signal.Signals, before: bool
) -> None:
    folder_builder.five_clips()
    script = SIGNALLED_WHILE_STARTING.format(number=number.value, before=before)
    process = subprocess.Popen(
        [sys.executable, "-c", script, *command(folder_builder), "--workers=2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, told = process.communicate(timeout=120)
    assert process.returncode == 128 + number, told
    # The first worker is started whole, the second never.
    assert out == "started\n"
    assert told.endswith("stopped: run the same command again and it goes on from what is kept\n")
    assert "Traceback" not in told
    assert not (folder_builder.root / "mine").exists()
    assert list(Path(folder_builder.root).rglob("*.part*")) == []
    assert members(process.pid) == []


def test_a_worker_that_is_started_ignores_ctrl_c(folder_builder: FolderBuilder) -> None:
    script = (
        "import os, signal\n"
        "from builders.engine.pool import run_tasks\n"
        "from tests.builders.engine.test_worker_start import signalled\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print(sorted(run_tasks(signalled, [1, 2, 3], 2)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[(0, 1), (1, 2), (2, 3)]\n", done.stderr


def signalled(task: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return task


def test_a_folder_called_builders_is_left_alone(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    there = folder_builder.root.parent / "there"
    (there / "builders").mkdir(parents=True)
    (there / "builders" / "__init__.py").write_text("print('run')\n")
    # As the installed command: a script of another folder, which its Python looks into.
    script = folder_builder.root.parent / "script.py"
    script.write_text("from dvtr_bench.cli import main\n\nif __name__ == '__main__':\n    main()\n")
    project = str(Path(__file__).parents[3])
    ended = subprocess.run(
        [sys.executable, str(script), *command(folder_builder), "--workers=1"],
        cwd=there,
        env={**os.environ, "PYTHONPATH": project},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "run" not in ended.stdout.splitlines()
