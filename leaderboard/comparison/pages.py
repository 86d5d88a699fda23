"""A comparison in the terminal and as a Markdown page."""

import os
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from dvtr_bench.reports.others_text import make_console, safe_markdown
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.comparison.differences import Comparison
from leaderboard.comparison.evidence import Evidence
from leaderboard.comparison.tables import (
    about_groups,
    change_tables,
    figure_tables,
    group_tables,
    how_to_read,
    legend,
    title,
)
from leaderboard.markdown import table_lines
from leaderboard.result_files import ResultFile
from leaderboard.terminal import print_table


def print_comparison(
    comparison: Comparison,
    files: tuple[ResultFile, ResultFile],
    evidence: Evidence,
    console: Console | None = None,
) -> None:
    """Print a comparison: figures, groups, the captions that changed most.

    Args:
        comparison: Of two runs.
        files: The result files.
        evidence: Caption texts, top lists and frames.
        console: The console; standard output by default.
    """
    console = console or make_console()
    console.print()
    console.print(Text(printable(title(comparison)), style="bold"))
    for line in legend(*files):
        console.print(Text(printable(line)))
    console.print(Text(how_to_read(comparison.resampling), style="dim"))
    for table in figure_tables(comparison):
        print_table(console, table)
    for table in group_tables(comparison):
        print_table(console, table)
    if comparison.groups:
        console.print(Text(about_groups([comparison]), style="dim"))
    for table in change_tables(comparison, evidence):
        print_table(console, table)
    for note in comparison.notes:
        console.print(Text(f"  {printable(note)}", style="dim"))


def write_comparison(
    comparison: Comparison,
    files: tuple[ResultFile, ResultFile],
    evidence: Evidence,
    sheet: Path | None,
    path: Path,
) -> Path:
    """Write a comparison as a Markdown page, atomically.

    Args:
        comparison: A comparison of two runs.
        files: The result files.
        evidence: Caption texts, top lists and frames.
        sheet: Its contact sheet, shown in the page; None if there is none.
        path: The page; its folder is created if missing.

    Returns:
        The path written.
    """
    lines = [f"# {safe_markdown(title(comparison))}\n"]
    lines += [f"- {safe_markdown(line)}" for line in legend(*files)]
    lines += ["", how_to_read(comparison.resampling) + "\n"]
    for table in figure_tables(comparison):
        lines += table_lines(table)
    for table in group_tables(comparison):
        lines += table_lines(table)
    if comparison.groups:
        lines.append(about_groups([comparison]) + "\n")
    for table in change_tables(comparison, evidence):
        lines += table_lines(table)
    if sheet is not None:
        sheet_path = Path(os.path.relpath(sheet, path.parent)).as_posix()
        lines.append(f"![The clips that both runs found]({quote(sheet_path)})\n")
    lines += [f"- {safe_markdown(note)}" for note in comparison.notes]
    with written_beside(path) as beside:
        beside.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path
