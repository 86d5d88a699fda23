"""Boards as one Markdown page, `LEADERBOARD.md`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.reports.others_text import safe_markdown
from dvtr_bench.runtime.files import written_beside
from leaderboard.board import Board
from leaderboard.breakdown_tables import ABOUT, make_breakdowns
from leaderboard.entry_file import EntryFile
from leaderboard.tables import (
    ABOUT_LOWER_MEDIAN,
    ABOUT_SEEDS,
    Field,
    Table,
    about_post_processing,
    board_tables,
    board_title,
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
