"""Say what is installed, what is missing and what to do about it."""

import typer

from dvtr_bench.cli._command import Json, print_json
from dvtr_bench.runtime.terminal import write_line


def doctor(as_json: Json = False) -> None:
    """Check what this machine has for dvtr-bench and say what to do about what is missing."""
    from dvtr_bench.runtime.doctor import check_machine

    checks = check_machine()
    lacking = any(check.verdict == "missing" for check in checks)
    if as_json:
        print_json({"ready": not lacking, "checks": checks})
        raise typer.Exit(int(lacking))
    width = max(len(check.subject) for check in checks)
    for check in checks:
        write_line(f"{check.verdict:<8} {check.subject:<{width}}  {check.found}")
        if check.advice:
            write_line(f"{'':<8} {'':<{width}}  -> {check.advice}")
    if lacking:
        raise typer.Exit(1)
    write_line("\nAll that dvtr-bench needs is here.")
