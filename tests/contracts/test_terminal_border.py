"""Nothing reaches the terminal around its border, which leaves no control character of others."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("dvtr_bench", "builders", "baselines", "msam", "leaderboard")
BORDER = {
    "dvtr_bench/runtime/terminal.py",  # lines, and bars, whose words are made printable there
    "dvtr_bench/reports/others_text.py",  # tables
}
AROUND = {"print", "typer.echo", "typer.secho", "Console"}
STREAMS = {"sys.stdout.write", "sys.stderr.write", "sys.stdout.writelines", "sys.stderr.writelines"}


def calls_around(text: str) -> list[str]:
    """Return the calls of a module that write to the terminal around the border."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [name for call in calls if (name := ast.unparse(call.func)) in AROUND | STREAMS]


def test_every_line_goes_through_the_border() -> None:
    around = {
        path.relative_to(ROOT).as_posix(): found
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in BORDER
        and (found := calls_around(path.read_text(encoding="utf-8")))
    }
    assert around == {}, "use dvtr_bench.runtime.terminal.write_line, or make_console for tables"


@pytest.mark.parametrize(
    "text", ["print(name)", "typer.echo(name)", "sys.stdout.write(name)", "Console().print(name)"]
)
def test_a_way_around_is_found(text: str) -> None:
    assert calls_around(text)
