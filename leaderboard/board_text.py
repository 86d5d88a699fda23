"""Boards as text: tables in the terminal, and one Markdown page, `LEADERBOARD.md`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.reports.others_text import make_console, safe_markdown
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board import Board
from leaderboard.result_files import TABLE_DIRECTIONS, EntryFile
from leaderboard.tables import (
    ABOUT,
    ABOUT_LOWER_MEDIAN,
    ABOUT_SEEDS,
    LOWER_MEDIAN,
    Field,
    Table,
    about_post_processing,
    board_tables,
    board_title,
    make_breakdowns,
    published_table,
)

if TYPE_CHECKING:
    from leaderboard.judging.judged_board import JudgedBoard


PREAMBLE = f"""# Leaderboard

Made by `dvtr-bench leaderboard` from result files alone; recall protocol, version \
{PROTOCOL_VERSION}. Ranks are pessimistic on ties. Figures are percent of queries (R@k) or ranks \
(MdR, MnR); below each stands its 95% interval by bootstrap over videos. {ABOUT_SEEDS}

{ABOUT_LOWER_MEDIAN} MdR-lower is shown where it differs. `block n` says how many captions were \
scored together: at block 1 each query stands alone. The caption ceiling is the highest T2V R@1 \
that captions shared word for word by several videos leave to a model that sees the text alone.
"""


def to_markdown(
    boards: Sequence[Board],
    notes: Mapping[int, EntryFile] = MappingProxyType({}),
    judged: "Sequence[JudgedBoard]" = (),
) -> str:
    """Write boards as Markdown.

    Args:
        boards: At least one.
        notes: Who ran what, as `notes_beside` reads it.
        judged: Boards under judged relevance, which stand below the strict tables of their own.

    Returns:
        The page; names are escaped.
    """
    lines = [PREAMBLE]
    for board in boards:
        lines += _board_lines(board, notes, [found for found in judged if found.board is board])
    return "\n".join(lines).rstrip() + "\n"


def write_markdown(
    boards: Sequence[Board],
    path: Path,
    notes: Mapping[int, EntryFile] = MappingProxyType({}),
    judged: "Sequence[JudgedBoard]" = (),
) -> Path:
    """Write boards as a Markdown page, atomically.

    Args:
        boards: At least one.
        path: The page.
        notes: Who ran what, as `notes_beside` reads it.
        judged: Boards under judged relevance.

    Returns:
        The path written.
    """
    with written_beside(path) as beside:
        beside.write_text(to_markdown(boards, notes, judged), encoding="utf-8")
    return path


def _who_ran(board: Board, notes: Mapping[int, EntryFile]) -> Iterator[str]:
    """Yield who ran each row, and who ran it again, where a note says so."""
    for entry in board.entries:
        known = [notes[id(run)] for run in entry.runs if id(run) in notes]
        people = dict.fromkeys(
            note.ran_by if note.link is None else f"{note.ran_by} ({note.link})" for note in known
        )
        again = [
            f"run again by {note.rerun.by} on {note.rerun.date}, T2V R@1 {note.rerun.t2v_r1:.1f}"
            for note in known
            if note.rerun is not None
        ]
        if known:
            yield f"{entry.name}: {'; '.join((*people, *again))}."


def _board_lines(
    board: Board, entry_notes: Mapping[int, EntryFile], judged: "Sequence[JudgedBoard]"
) -> Iterator[str]:
    yield f"## {safe_markdown(board_title(board))}\n"
    yield f"Dataset fingerprint `{safe_markdown(board.key.fingerprint[:16])}`. " + (
        f"{board.shared_text.shared_percent:.1f}% of the captions have a text that another video "
        "has too.\n"
    )
    if about := about_post_processing(board):
        yield f"{safe_markdown(about)}\n"
    for table in board_tables(board, "strict"):
        yield from table_lines(table)
    for of_judges in judged:
        for table in of_judges.tables:
            yield from table_lines(table)
        yield from (f"- {safe_markdown(note)}" for note in of_judges.notes)
        yield ""
    if who := list(_who_ran(board, entry_notes)):
        yield "Who ran it, as stated beside the result files:\n"
        yield from (f"- {safe_markdown(line)}" for line in who)
        yield ""
    if (published := published_table(board)) is not None:
        yield from table_lines(published)
    yield "<details><summary>The same with text-identical relevance"
    yield "(each video that has the query's text counts)</summary>\n"
    for table in board_tables(board, "text_identical"):
        yield from table_lines(table)
    yield "</details>\n"
    notes = board.notes
    breakdowns = list(make_breakdowns(board))
    if breakdowns:
        yield f"### By group of captions\n\n{ABOUT}\n"
    for breakdown in breakdowns:
        notes += breakdown.notes
        yield f"<details><summary>{safe_markdown(breakdown.table.title)}</summary>\n"
        yield from table_lines(replace(breakdown.table, title=""))
        yield "</details>\n"
    for note in notes:
        yield f"- {safe_markdown(note)}"
    if notes:
        yield ""


def table_lines(table: Table) -> Iterator[str]:
    """Yield the lines of a table with its title, if any; names are escaped."""
    if table.title:
        yield f"### {safe_markdown(table.title)}\n"
    yield "| " + " | ".join(map(safe_markdown, table.header)) + " |"
    yield "|---" + "|--:" * (len(table.header) - 1) + "|"
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"
    for row in table.frame:
        yield (
            "| "
            + " | ".join(f"*{safe_markdown(field.text)}*" if field.text else "" for field in row)
            + " |"
        )
    yield ""


def _cell(field: Field) -> str:
    if not field.detail:
        return safe_markdown(field.text)
    return f"{safe_markdown(field.text)}<br><sub>{safe_markdown(field.detail)}</sub>"


def print_boards(
    boards: Sequence[Board],
    console: Console | None = None,
    *,
    breakdowns: bool = False,
    judged: "Sequence[JudgedBoard]" = (),
) -> None:
    """Print boards: both directions and kinds of relevance, chance, ceiling, published figures.

    Args:
        boards: The boards.
        console: The console; standard output by default.
        breakdowns: Whether to print T2V R@1 by group of captions too.
        judged: Boards under judged relevance, which are printed below their own.
    """
    console = console or make_console()
    for board in boards:
        console.print()
        console.print(Text(printable(board_title(board)), style="bold"))
        console.print(
            Text(
                f"95% intervals by bootstrap over videos below each figure; "
                f"{board.shared_text.shared_percent:.1f}% of the captions have a text that "
                "another video has too",
                style="dim",
            )
        )
        if about := about_post_processing(board):
            console.print(Text(printable(about)))
        tables = list(board_tables(board, "strict", TABLE_DIRECTIONS))
        for table in tables:
            print_table(console, table)
        identical = list(board_tables(board, "text_identical", TABLE_DIRECTIONS))
        for table in identical:
            print_table(console, table, details=False)
        if (published := published_table(board)) is not None:
            print_table(console, published)
        notes = board.notes
        if any(LOWER_MEDIAN in table.header for table in [*tables, *identical]):
            notes += (ABOUT_LOWER_MEDIAN,)
        if any(entry.num_runs > 1 for entry in board.entries):
            notes = (ABOUT_SEEDS, *notes)
        if breakdowns:
            console.print(Text(f"\n{ABOUT}", style="dim"))
            for breakdown in make_breakdowns(board):
                print_table(console, breakdown.table)
                notes += breakdown.notes
        for of_judges in judged:
            if of_judges.board is board:
                for table in of_judges.tables:
                    print_table(console, table)
                notes += of_judges.notes
        for note in notes:
            console.print(Text(f"  {printable(note)}", style="dim"))


def print_table(console: Console, table: Table, *, details: bool = True) -> None:
    """Print a table under its title.

    Args:
        console: The console.
        table: The table.
        details: Whether to print intervals below figures; facts about a row are always printed
            below its name.
    """
    console.print()
    console.print(Text(printable(table.title), style="italic"))
    console.print(_table(table, details=details))


def _table(table: Table, *, details: bool = True) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    header = [Text(printable(name)) for name in table.header]
    shown.add_column(header[0], justify="left", overflow="fold")
    for column, name in enumerate(header[1:], start=1):
        if table.prose:
            # Parts of a model's name are stacked, because the groups need the space.
            name = Text(re.sub(r"(?<=_)(?=\S)| (?=\()", "\n", name.plain))
        # Names of models can be wrapped, figures not.
        widest = max((len(part) for row in table.rows for part in _parts(row[column])), default=0)
        shown.add_column(
            name, justify="right", no_wrap=not table.prose, overflow="fold", min_width=widest
        )
    for number, row in enumerate(table.rows, start=1):
        last = number == len(table.rows)
        fields = (_text(field, details or not column) for column, field in enumerate(row))
        shown.add_row(*fields, end_section=last)
    for row in table.frame:
        shown.add_row(*(Text(printable(field.text), style="dim") for field in row))
    return shown


def _text(field: Field, details: bool) -> Text:
    text = Text(printable(field.text))
    if details and field.detail:
        text.append(f"\n{printable(field.detail)}", style="dim")
    return text


def _parts(field: Field) -> tuple[str, str]:
    return field.text, field.detail
