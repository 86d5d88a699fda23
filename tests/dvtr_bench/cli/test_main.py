"""The command line as a user meets it: help, versions, exit codes, messages without tracebacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench import __version__, errors
from dvtr_bench.cli import make_app

COMMANDS = Path(__file__).parents[3] / "dvtr_bench" / "cli"


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvtr_bench", *words],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = run("--help", cwd=tmp_path)
    assert shown.returncode == 0
    names = [p.stem.replace("_", "-") for p in COMMANDS.glob("*.py") if not p.stem.startswith("_")]
    assert len(names) > 5
    for name in names:
        assert f"  {name} " in shown.stdout, f"{name} is not in the help"
        own = CliRunner().invoke(make_app(), [name, "--help"])
        assert own.exit_code == 0, own.output


def test_version(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout.strip() == f"dvtr-bench {__version__}"


def test_wrong_usage_exits_with_two(tmp_path: Path) -> None:
    shown = run("fly", cwd=tmp_path)
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: No such command 'fly'")
    shown = run("verify", "--no-such-option", cwd=tmp_path)
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: No such option: --no-such-option")
    assert shown.stderr.endswith("see `python -m dvtr_bench verify --help`\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_few_characters_gets_what_it_knows(tmp_path: Path, encoding: str) -> None:
    script = (
        "import sys\n"
        "from dvtr_bench import cli\n"
        "cli.make_app = lambda: lambda **_: print('d\\u00f6rfer \\u2026 \\u2500')\n"
        "cli.main()\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.decode(encoding).endswith("rfer ? ?\n")


def test_our_errors_are_one_message_and_exit_one(tmp_path: Path) -> None:
    shown = run("train", "--model", "msan", "--dataset", "mine", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr.startswith("error: no model is called 'msan': did you mean msam?")
    assert "Traceback" not in shown.stderr


def test_a_developer_can_ask_for_the_traceback(tmp_path: Path) -> None:
    shown = run("train", "--model", "msan", "--dataset", "x", cwd=tmp_path, DVTR_TRACEBACK="1")
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type)], ids=str
)
def test_error_tree_is_drawn_whole(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.DvtrError)
    assert kind.__name__ in (errors.__doc__ or "")
    if kind is not errors.DvtrError:
        builtin = {ValueError, LookupError, RuntimeError, OSError}
        assert builtin & set(kind.__mro__), f"{kind.__name__} is no fitting builtin"
