"""`dvtr-bench show`: one result, or one training run, in the terminal."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from dvtr_bench.errors import InputError, NotFoundError, WeightsError
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.reports.others_text import make_console, plain_table
from dvtr_bench.results import RunRecord, read_result
from dvtr_bench.runtime.checkpoint import RUN_FILE, best_of_run, read_json
from dvtr_bench.runtime.terminal import printable
from dvtr_bench.training.run import LOG_FILE
from leaderboard.board import Board, make_boards
from leaderboard.board_text import print_boards
from leaderboard.judging.judged_board import JudgedBoard, judged_boards
from leaderboard.judging.judgements import Judgements
from leaderboard.result_files import ResultFile
from leaderboard.run_logs import RunFolders, RunLog, read_log
from leaderboard.site.commands import about_repeating, repeat_commands
from leaderboard.site.runs import run_data

_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = "▁▂▃▄▅▆▇█"


_DEPTHS: Final = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The k of R@k that are shown, up to the gallery's size."""

_MOST_EPOCHS: Final = 20
_WHOLE: Final = 100.0


def print_run(
    path: Path,
    runs: Path = Path("runs"),
    console: Console | None = None,
    judgements: Judgements | None = None,
) -> None:
    """Print a result or a training run.

    Of a result: its figures with intervals, by group too, honesty checks, recall over k, the
    training curve if the log is found, its config, the command that repeats it, environment. Of a
    training run: its state, training curve, config and recipe.

    Args:
        path: A result file, or the folder of a training run.
        runs: Folder of training runs, in which the log of a result is looked for.
        console: The console; standard output by default.
        judgements: Judged relevance, to show the result under it too.

    Raises:
        NotFoundError: There is neither.
        IncomparableError: The judgements are of another split.
        InputError: There are judgements, but it is a training run, which has no ranks.
        ResultError: The file is not a result, or its figures differ from its ranks.
        WeightsError: The run.json is damaged.
    """
    console = console or make_console()
    if (path / RUN_FILE).is_file():
        _require_result(path, judgements)
        with reading(path / RUN_FILE, "the state of a training", WeightsError, "train again"):
            _print_training(console, path)
        return
    record = _read(path)
    (board,) = make_boards([record])
    folder = RunFolders(runs).find(record)
    _print_title(console, board, record, path)
    judged = _judged(board, path, record, judgements)
    print_boards([board], console, breakdowns=True, judged=judged)
    _heading(console, "T2V R@k: percent of captions whose own video is among the first k")
    _print_bars(console, recall_at(record.rank_table), _WHOLE)
    _heading(console, "Honesty checks: the same pairs scored again")
    _print_checks(console, record)
    if record.model.training is not None:
        _heading(console, f"Training{'' if folder is None else f', {folder}'}")
        if folder is None:
            _line(console, f"no log of it stands in {runs} (--runs names another folder)", "dim")
        else:
            _print_curves(console, read_log(folder))
    _heading(console, "What was run")
    for name in ("model", "scoring", "dataset", "seconds", "environment"):
        _print_facts(console, name, to_json(getattr(record, name)))
    _heading(console, "Repeat it")
    for command in repeat_commands(record):
        _line(console, command)
    for note in about_repeating(record):
        _line(console, note, "dim")


def run_as_json(
    path: Path, runs: Path = Path("runs"), judgements: Judgements | None = None
) -> dict[str, Any]:
    """Return what `print_run` prints as JSON values.

    Args:
        path: A result file, or the folder of a training run.
        runs: Folder of training runs.
        judgements: Judged relevance.

    Returns:
        Of a result its record without ranks, ``honesty``, ``breakdowns``, ``commands``,
        ``recall_at`` (pairs of k and percent), ``judged`` and ``training_log``; of a training run
        its ``state`` and ``training_log``. A log has ``validation`` (pairs of epoch and T2V R@1)
        and ``loss`` (pairs of step and loss); None without a log.

    Raises:
        DvtrError: As `print_run`.
    """
    if (path / RUN_FILE).is_file():
        _require_result(path, judgements)
        log = read_log(path) if (path / LOG_FILE).is_file() else None
        return {"run": path, "state": read_json(path / RUN_FILE), "training_log": log}
    record = _read(path)
    (board,) = make_boards([record])
    told = run_data(board, board.entries[0], record, RunFolders(runs))
    training_log = told.pop("curves")
    del told["aboutCurves"]
    return {
        "result": path,
        **told,
        "recall_at": recall_at(record.rank_table),
        "judged": [each.to_json() for each in _judged(board, path, record, judgements)],
        "training_log": training_log,
    }


def recall_at(table: RankTable) -> list[tuple[int, float]]:
    """Return T2V R@k at a few k, the gallery's size among them, in percent."""
    ranks = table.ranks["t2v"]["strict"].pessimistic
    depths = sorted({*(k for k in _DEPTHS if k < table.num_videos), table.num_videos})
    return [(k, float(100.0 * (ranks <= k).mean())) for k in depths]


def _read(path: Path) -> RunRecord:
    if path.is_dir():
        raise NotFoundError(
            f"{path} is no training run (it has no {RUN_FILE}): name a result file, or the folder "
            "of a run; `dvtr-bench runs` lists them, `dvtr-bench leaderboard` shows many results"
        )
    return read_result(path)


def _require_result(path: Path, judgements: Judgements | None) -> None:
    if judgements is not None:
        raise InputError(f"{path} is a training run: --judged takes a result file")


def _judged(
    board: Board, path: Path, record: RunRecord, judgements: Judgements | None
) -> list[JudgedBoard]:
    if judgements is None:
        return []
    return judged_boards([board], [ResultFile(record, path)], judgements)


def _print_title(console: Console, board: Board, record: RunRecord, path: Path) -> None:
    seeds = "".join(f", seed {seed}" for seed in record.model.seeds)
    brought = "" if record.kind == "model" else " (brought from outside)"
    _line(console, f"{board.entries[0].label}{seeds}{brought}", "bold")
    _line(console, str(path), "dim")


def _print_checks(console: Console, record: RunRecord) -> None:
    if not record.honesty:
        _line(
            console,
            "No pairs were scored again."
            if record.kind == "model"
            else "Scores from outside cannot be computed again; how they were made is as claimed.",
        )
        return
    headings = ("what was changed", "pairs", "largest move", "allowed", "exchanged")
    table = plain_table(*headings, "", figures=True)
    for check in record.honesty:
        table.add_row(
            Text(printable(check.check)),
            f"{check.pairs:,}",
            f"{check.largest_move:.1e}",
            f"{check.tolerance:.1e}",
            "not measured" if check.exchanged is None else f"{check.exchanged:.1%}",
            "passed" if check.passed else Text("FAILED", style="bold"),
        )
    console.print(table)


def _print_training(console: Console, folder: Path) -> None:
    state = read_json(folder / RUN_FILE)
    setup = state.get("setup", {})
    model, dataset, recipe = (setup.get(name, {}) for name in ("model", "dataset", "recipe"))
    title = f"{model.get('model')} on {dataset.get('name')}, seed {recipe.get('seed')}"
    done = f"{state.get('epochs_done', 0)} of {recipe.get('epochs')} epochs"
    finished = "finished" if state.get("finished") else "stopped: the same train goes on with it"
    _line(console, title, "bold")
    _line(console, str(folder), "dim")
    _line(console, f"{done}, {finished}")
    if state.get("best"):
        recall = float(state.get("best_recall", 0))
        best = best_of_run(folder, state["best"])
        _line(console, f"best checkpoint: {best} (T2V R@1 {recall:.1f})")
    _heading(console, "Training")
    if (folder / LOG_FILE).is_file():
        _print_curves(console, read_log(folder))
    else:
        _line(console, f"there is no {LOG_FILE}", "dim")
    _heading(console, "What was run")
    for name, facts in (("model", model), ("dataset", dataset), ("recipe", recipe)):
        _print_facts(console, name, facts)


def _print_curves(console: Console, log: RunLog) -> None:
    if log.validation:
        _line(console, "T2V R@1 on validation by epoch, percent")
        each = -(-len(log.validation) // _MOST_EPOCHS)
        shown = [*log.validation[:-1:each], log.validation[-1]]
        _print_bars(console, [(int(epoch), recall) for epoch, recall in shown], _WHOLE)
    if log.loss:
        losses = [loss for _, loss in log.loss]
        steps = f"{int(log.loss[0][0])} to {int(log.loss[-1][0])}"
        _line(console, f"loss by step, {steps}: from {losses[0]:.4g} to {losses[-1]:.4g}")
        _line(console, sparkline(losses))
    if not log.validation and not log.loss:
        _line(console, "the log is empty", "dim")


def _print_bars(console: Console, points: Sequence[tuple[int, float]], largest: float) -> None:
    for place, value in points:
        _line(console, f"{place:>6,} {value:6.1f} {bar(value, largest)}")


def _print_facts(console: Console, title: str, facts: Mapping[str, Any]) -> None:
    _line(console, title, "italic")
    told = list(_flat(facts))
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        _line(console, f"  {name:<{width}}  {_told(value)}")


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _told(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else readable_json(value)


def _heading(console: Console, text: str) -> None:
    _line(console, "")
    _line(console, text, "bold")


def _line(console: Console, text: str, style: str = "") -> None:
    # Names, settings and paths come from outside: show control characters, do not obey them.
    console.print(Text(printable(text), style), soft_wrap=True)


def bar(value: float, largest: float, width: int = 40) -> str:
    """Return a bar as long as a value's share of the largest one.

    Args:
        value: From 0 to ``largest``.
        largest: The value of a bar over the whole width.
        width: Letters of that bar.

    Returns:
        Blocks, to an eighth of a letter.

    Example:
        >>> bar(50, 100, width=5)
        '██▌'
    """
    if not largest > 0:
        return ""
    eighths = round(8 * width * min(max(value / largest, 0), 1))
    return _BLOCKS[-1] * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Return values as one line of blocks of different height.

    Args:
        values: In order; NaN and infinity are left out.
        width: Most letters; of more values each letter shows the mean of a few.

    Returns:
        The line; empty for no values.

    Example:
        >>> sparkline([3, 2, 1, 1])
        '█▄▁▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    count = min(width, len(finite))
    edges = [round(part * len(finite) / count) for part in range(count + 1)]
    means = [
        sum(finite[start:stop]) / (stop - start)
        for start, stop in zip(edges, edges[1:], strict=False)
    ]
    low, high = min(means), max(means)
    if high == low:
        return _HEIGHTS[0] * count
    steps = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[math.floor(steps * (mean - low) / (high - low))] for mean in means)
