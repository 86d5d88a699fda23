"""An ablation in the terminal and as a Markdown page."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from dvtr_bench.atomic import written_beside
from dvtr_bench.others_text import printable
from leaderboard.ablation.figures import Ablation
from leaderboard.ablation.tables import (
    ABOUT_VERDICTS,
    ablation_tables,
    answer_lines,
    how_to_read,
    setup_line,
    title,
)
from leaderboard.markdown import escape, table_lines
from leaderboard.terminal import print_table


def print_ablation(ablation: Ablation, console: Console | None = None) -> None:
    """Print an ablation: both directions, then the answers in words.

    Args:
        ablation: Of a model.
        console: Where to; standard output when left out.
    """
    console = console or Console()
    console.print()
    console.print(Text(printable(title(ablation)), style="bold"))
    console.print(Text(printable(setup_line(ablation))))
    console.print(Text(how_to_read(ablation), style="dim"))
    for table in ablation_tables(ablation, about=False):
        print_table(console, table)
    if answers := answer_lines(ablation):
        console.print()
        for line in answers:
            console.print(Text(f"- {printable(line)}"))
        console.print(Text(ABOUT_VERDICTS, style="dim"))


def write_ablation(ablation: Ablation, path: Path) -> Path:
    """Write an ablation as a Markdown page, beside and then renamed.

    Args:
        ablation: Of a model.
        path: The page; its folder is made.

    Returns:
        The path written.
    """
    lines = [f"# {escape(title(ablation))}\n", f"{escape(setup_line(ablation))}\n"]
    lines.append(how_to_read(ablation) + "\n")
    for table in ablation_tables(ablation, about=True):
        lines += table_lines(table)
    if answers := answer_lines(ablation):
        lines += [f"- {escape(line)}" for line in answers]
        lines.append(f"\n{ABOUT_VERDICTS}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as beside:
        beside.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path
