"""How the command line ends: faults, readers that stop, full and closed outputs, signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and /dev/full")

HEAD = "import os, signal, sys, time\nfrom dvtr_bench import cli\n"
TAIL = "cli.make_app = lambda: app\ncli.main()\n"


def script(body: str) -> list[str]:
    """A program whose command line runs ``app(standalone_mode)`` in place of the commands."""
    return [sys.executable, "-c", f"{HEAD}def app(standalone_mode):\n    {body}\n{TAIL}"]


def end(body: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        script(body),
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_no_message_describes_says_how_to_report_it(tmp_path: Path) -> None:
    ended = end("raise KeyError('sp\\x1b[31mlit')", tmp_path)
    assert ended.returncode == 1
    first, second = ended.stderr.splitlines()
    assert first.startswith("error: a fault of dvtr-bench 0.1.0: KeyError: 'sp\\x1b[31mlit' (")
    assert "DVTR_TRACEBACK=1 dvtr-bench" in second
    assert "Traceback" in end("raise KeyError", tmp_path, DVTR_TRACEBACK="1").stderr


def test_the_place_of_a_fault_is_named(tmp_path: Path) -> None:
    ended = end("from dvtr_bench.catalog import MODELS; MODELS.load(3)", tmp_path)
    assert "(dvtr_bench/catalog.py, line " in ended.stderr


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("open('/nowhere/at all')", "/nowhere/at all: cannot be read or written (its folder"),
        ("raise OSError(28, 'full')", "cannot be read or written (the disk is full)"),
        ("raise MemoryError('of 8 TB')", "there is not enough memory (MemoryError: of 8 TB)"),
        ("raise EOFError", "a fault of dvtr-bench 0.1.0: EOFError"),
    ],
)
def test_the_system_and_memory_are_named(tmp_path: Path, body: str, told: str) -> None:
    ended = end(body, tmp_path)
    assert ended.returncode == 1
    assert told in ended.stderr


def test_a_reader_that_stops_ends_it_quietly(tmp_path: Path) -> None:
    for body in (
        "[print('line ' * 20) for _ in range(10_000)]",
        "print('still in the buffer'); time.sleep(0.3)",
        "from dvtr_bench.reports.others_text import make_console; c = make_console(); "
        "[c.print('line ' * 20) for _ in range(2_000)]",
    ):
        process = subprocess.Popen(
            script(body), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait() == 141


def test_bars_that_nobody_reads_cost_no_output(tmp_path: Path) -> None:
    body = (
        "from dvtr_bench.runtime.terminal import progress_bar\n"
        "    with progress_bar('count', 2000) as advance:\n"
        "        for _ in range(2000): advance(note='x' * 200)\n"
        "    print('the result')"
    )
    process = subprocess.Popen(
        script(body), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.close()
    assert process.stdout.read() == "the result\n"
    process.stdout.close()
    assert process.wait() == 0


def test_another_broken_pipe_is_no_quiet_end(tmp_path: Path) -> None:
    ended = end("raise BrokenPipeError(32, 'of a worker')", tmp_path)
    assert ended.returncode == 1
    assert "cannot be read or written (Broken pipe)" in ended.stderr


@pytest.mark.parametrize("number", [1, 2])
def test_a_closed_stream_is_no_error(tmp_path: Path, number: int) -> None:
    body = (
        f"print('a'); print('b', file=sys.stderr); open('made', 'w').write(str(os.fstat({number})))"
    )
    closed = subprocess.run(
        ["sh", "-c", f'exec "$@" {number}>&-', "sh", *script(body)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert closed.returncode == 0
    assert (tmp_path / "made").read_text().startswith("os.stat_result")
    assert closed.stdout + closed.stderr == (b"b\n" if number == 1 else b"a\n")


@pytest.mark.parametrize("body", ["print('short')", "print('long ' * 100_000)"])
def test_a_full_disk_behind_the_output_is_said(tmp_path: Path, body: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            script(body), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert "standard output" in ended.stderr
    assert "the disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_it_in_order(tmp_path: Path, number: signal.Signals, status: int) -> None:
    ended = interrupted(
        "\n    try:\n        print('ready', flush=True); time.sleep(60)"
        "\n    except KeyboardInterrupt:\n        print('in order'); return 130",
        tmp_path,
        [number],
    )
    assert ended == (status, "in order\n", STOPPED)


def test_an_interrupt_that_a_library_makes_an_error_of_its_own_is_one(tmp_path: Path) -> None:
    ended = interrupted(
        "\n    try:\n        print('ready', flush=True); time.sleep(60)"
        "\n    except KeyboardInterrupt:\n        raise ImportError('initialisation failed')",
        tmp_path,
        [signal.SIGINT],
    )
    assert ended == (130, "", STOPPED)


def test_an_interrupt_lost_in_a_callback_comes_again(tmp_path: Path) -> None:
    ended = interrupted(
        "\n    class Ends:\n        def __del__(self):\n            print('ready', flush=True)"
        "\n            time.sleep(60)\n    Ends(); time.sleep(60); print('ran on')",
        tmp_path,
        [signal.SIGINT],
    )
    assert ended == (130, "", STOPPED)


def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    ended = interrupted(
        "\n    import multiprocessing"
        "\n    from pathlib import Path"
        "\n    from dvtr_bench.runtime.files import temporary_folder, written_beside"
        "\n    child = multiprocessing.get_context('spawn').Process(target=time.sleep, args=(60,))"
        "\n    child.start()"
        "\n    with written_beside(Path('page')) as beside, temporary_folder():"
        "\n        beside.write_text('half')"
        "\n        try:\n            print('ready', flush=True); time.sleep(60)"
        "\n        finally:\n            print(child.pid, flush=True); time.sleep(60)",
        tmp_path,
        [signal.SIGINT, signal.SIGINT],
        TMPDIR=str(tmp_path),
    )
    status, out, told = ended
    assert (status, told) == (130, "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(out), 0)


def test_two_signals_at_one_moment_are_one(tmp_path: Path) -> None:
    ended = interrupted(
        "\n    try:\n        print('ready', flush=True); time.sleep(60)"
        "\n    finally:\n        os.kill(os.getpid(), signal.SIGTERM); print('in order')",
        tmp_path,
        [signal.SIGINT],
    )
    assert ended[:2] == (130, "in order\n")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    body = "os.kill(os.getpid(), signal.SIGHUP); print('runs on')"
    ended = subprocess.run(
        ["nohup", *script(body)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "runs on\n"


STOPPED = "stopped: run the same command again and it goes on from what is kept\n"


def interrupted(
    body: str, tmp_path: Path, numbers: list[signal.Signals], **environment: str
) -> tuple[int, str, str]:
    """Run a program, send it signals once it is ready, return its status and what it printed."""
    # As Typer does; and a shell has what it starts in the background ignore Ctrl-C.
    start = (
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    )
    wrapped = (
        f"{HEAD}{start}def inner():\n    {body}\n"
        "def app(standalone_mode):\n    try:\n        return inner()\n"
        "    except KeyboardInterrupt:\n        return 130\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"{wrapped}{TAIL}"],
        cwd=tmp_path,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(numbers[0])
    out = ""
    if len(numbers) > 1:
        out = process.stdout.readline()
        time.sleep(0.6)
        process.send_signal(numbers[1])
    more, told = process.communicate(timeout=60)
    return process.returncode, out + more, told


def test_errors_of_ours_are_not_faults(tmp_path: Path) -> None:
    ended = end(
        "from dvtr_bench.errors import InputError; raise InputError('two\\nlines')", tmp_path
    )
    assert ended.stderr == "error: two\nlines\n"
