"""Boards as one Markdown page, `LEADERBOARD.md`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dvtr_bench.atomic import written_beside
from dvtr_bench.protocol import PROTOCOL_VERSION
from leaderboard.board import Board
from leaderboard.tables import Field, Table, board_tables, board_title, published_table

_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|#~"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)

PREAMBLE = f"""# Leaderboard

Made by `dvtr-bench leaderboard` from result files alone; recall protocol, version \
{PROTOCOL_VERSION}. Ranks are pessimistic on ties. Figures are percent of queries (R@k) or ranks \
(MdR, MnR); below each stands its 95% interval by bootstrap over videos, or the standard deviation \
over seeds. `block n` says how many captions were scored together: at block 1 each query stands \
alone. The caption ceiling is the highest T2V R@1 that captions shared word for word by \
several videos leave to a model that sees the text alone.
"""


def to_markdown(boards: Sequence[Board]) -> str:
    """Write boards as Markdown.

    Args:
        boards: At least one.

    Returns:
        The page; whatever names hold is escaped.
    """
    lines = [PREAMBLE]
    for board in boards:
        lines += _board_lines(board)
    return "\n".join(lines).rstrip() + "\n"


def write_markdown(boards: Sequence[Board], path: Path) -> Path:
    """Write boards as a Markdown page, beside and then renamed.

    Args:
        boards: At least one.
        path: The page.

    Returns:
        The path written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as beside:
        beside.write_text(to_markdown(boards), encoding="utf-8")
    return path


def _board_lines(board: Board) -> Iterator[str]:
    yield f"## {_escape(board_title(board))}\n"
    yield f"Dataset fingerprint `{_escape(board.key.fingerprint[:16])}`. " + (
        f"{board.shared_text.shared_percent:.1f}% of the captions have a text that another video "
        "has too.\n"
    )
    for table in board_tables(board, "strict"):
        yield from _table_lines(table)
    if (published := published_table(board)) is not None:
        yield from _table_lines(published)
    yield "<details><summary>The same with text-identical relevance"
    yield "(each video that has the query's text counts)</summary>\n"
    for table in board_tables(board, "text_identical"):
        yield from _table_lines(table)
    yield "</details>\n"
    for note in board.notes:
        yield f"- {_escape(note)}"
    if board.notes:
        yield ""


def _table_lines(table: Table) -> Iterator[str]:
    yield f"### {_escape(table.title)}\n"
    yield "| " + " | ".join(map(_escape, table.header)) + " |"
    yield "|---" + "|--:" * (len(table.header) - 1) + "|"
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"
    for row in table.frame:
        yield (
            "| "
            + " | ".join(f"*{_escape(field.text)}*" if field.text else "" for field in row)
            + " |"
        )
    yield ""


def _cell(field: Field) -> str:
    if not field.detail:
        return _escape(field.text)
    return f"{_escape(field.text)}<br><sub>{_escape(field.detail)}</sub>"


def _escape(text: str) -> str:
    return text.translate(_SPECIAL)
