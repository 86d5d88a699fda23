"""A study in the terminal and as a Markdown page."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from dvtr_bench.reports.others_text import make_console, safe_markdown
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board_text import print_table, table_lines
from leaderboard.study.figures import StudyFigures
from leaderboard.study.tables import (
    ABOUT_BREAKDOWN,
    ABOUT_VERDICTS,
    answer_lines,
    breakdown_tables,
    dataset_title,
    how_to_read,
    notes,
    setup_line,
    study_tables,
)


def print_study(study_figures: Sequence[StudyFigures], console: Console | None = None) -> None:
    """Print a study: both directions on each dataset, then the answers in words.

    Args:
        study_figures: Its figures, one item per dataset.
        console: The console; standard output by default.
    """
    console = console or make_console()
    for figures in study_figures:
        console.print()
        title = f"{figures.study.title} on {dataset_title(figures)}"
        console.print(Text(printable(title), style="bold"))
        console.print(Text(printable(setup_line(figures))))
        console.print(Text(printable(how_to_read(figures)), style="dim"))
        for table in study_tables(figures, about=False):
            print_table(console, table)
        for table in breakdown_tables(figures):
            print_table(console, table)
        if answers := answer_lines(figures):
            console.print()
            for line in answers:
                console.print(Text(f"- {printable(line)}"))
            console.print(Text(ABOUT_VERDICTS, style="dim"))
        for note in notes(figures):
            console.print(Text(f"  {printable(note)}", style="dim"))


def write_study(study_figures: Sequence[StudyFigures], path: Path) -> Path:
    """Write a study as a Markdown page, atomically.

    Args:
        study_figures: Its figures, one item per dataset; at least one.
        path: The page; its folder is created if missing.

    Returns:
        The path written.
    """
    study = study_figures[0].study
    lines = [f"# {safe_markdown(study.title)}\n"]
    if study.about:
        lines.append(f"{safe_markdown(study.about)}\n")
    for figures in study_figures:
        lines += _section(figures)
    with written_beside(path) as beside:
        beside.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def _section(figures: StudyFigures) -> Iterator[str]:
    yield f"## {safe_markdown(dataset_title(figures))}\n"
    yield f"{safe_markdown(setup_line(figures))}\n"
    yield f"{safe_markdown(how_to_read(figures))}\n"
    for table in study_tables(figures, about=True):
        yield from table_lines(table)
    breakdowns = list(breakdown_tables(figures))
    if breakdowns:
        yield f"{ABOUT_BREAKDOWN}\n"
    for table in breakdowns:
        yield from table_lines(table)
    if answers := answer_lines(figures):
        yield from (f"- {safe_markdown(line)}" for line in answers)
        yield f"\n{ABOUT_VERDICTS}\n"
    yield from (f"{safe_markdown(note)}\n" for note in notes(figures))
