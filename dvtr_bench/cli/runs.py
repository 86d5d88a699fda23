"""List the training runs."""

import shlex
from pathlib import Path

from dvtr_bench.cli._command import Json, Root, Runs, print_json
from dvtr_bench.runtime.terminal import say


def runs(
    runs: Runs = Path("runs"),
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """List the training runs, the newest first: model, dataset, seed, how far each has come."""
    from rich.text import Text

    from dvtr_bench.reports.others_text import make_console, plain_table
    from dvtr_bench.training.run_choice import list_runs

    listed = list_runs(runs)
    if as_json:
        print_json({"runs": listed})
        return
    console = make_console()
    if not listed:
        console.print(Text(f"no training runs under {runs}"))
        out = "" if runs == Path("runs") else f" --out {shlex.quote(str(runs))}"
        say(f"next: dvtr-bench train --model msam --dataset NAME{_root_option(root)}{out}")
        return
    table = plain_table("model", "dataset", "seed", "epochs", "T2V R@1", "state", "run")
    for column in table.columns[:-1]:
        column.no_wrap = True
    for run in listed:
        recall = run.validation_t2v_r1
        table.add_row(
            run.model,
            run.dataset,
            str(run.seed),
            f"{run.epochs_done} of {run.epochs}",
            "" if recall is None else f"{recall:.1f}",
            "finished" if run.finished else "stopped",
            run.folder.name,
        )
    console.print(table)
    console.print(Text("T2V R@1: of the best checkpoint, on validation, percent"))
    console.print(Text(f"run: its folder, {runs}/DATASET/MODEL/RUN"))
    say(f"more of one: dvtr-bench show {shlex.quote(str(listed[0].folder))}")
    newest = next((run for run in listed if run.finished), None)
    if newest is None:
        say("next: the same dvtr-bench train as before goes on with a stopped run")
        return
    say(
        f"next: dvtr-bench evaluate --model {newest.model} --dataset {newest.dataset} "
        f"--checkpoint {shlex.quote(str(newest.folder))}{_root_option(root)}"
    )


def _root_option(root: Path) -> str:
    return "" if root == Path("dvtr") else f" --root {shlex.quote(str(root))}"
