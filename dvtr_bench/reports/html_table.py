"""HTML tables for objects shown in notebooks; foreign text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from dvtr_bench.reports.others_text import safe_html

if TYPE_CHECKING:
    from dvtr_bench.ranking.figures import Figures

Cell: TypeAlias = str | tuple[str, str]
"""A text, or a text and a smaller one below it."""

DIRECTION_TITLES: Final[Mapping[str, str]] = {
    "t2v": "T2V",
    "v2t": "V2T (caption sets)",
    "v2t_caption": "V2T (single captions)",
}

ROWS_SHOWN: Final = 20
"""Largest number of rows shown of a long table."""

_LEFT: Final = ' style="text-align:left"'
_SMALL: Final = '<br><small style="opacity:.65">{}</small>'


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str = "",
    notes: Iterable[str] = (),
    text_columns: int = 1,
) -> str:
    """Return a table as HTML.

    Args:
        header: Column names.
        rows: A cell for each column.
        title: Heading; empty for none.
        notes: Sentences below the table.
        text_columns: How many columns, from the left, hold text; the others hold figures.

    Returns:
        A ``<div>`` that a notebook shows.

    Example:
        >>> html_table(["clip", "R@1"], [["<b>", "5.0"]]).count("&lt;b&gt;")
        1
    """
    head = "".join(
        f"<th{_side(n, text_columns)}>{_cell(name)}</th>" for n, name in enumerate(header)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_side(n, text_columns)}>{_cell(cell)}</td>" for n, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    notes_html = "".join(f"<div><small>{safe_html(note)}</small></div>" for note in notes)
    heading = f"<div><b>{safe_html(title)}</b></div>" if title else ""
    return (
        f"<div>{heading}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes_html}"
        "</div>"
    )


def figures_table(figures: "Figures", *, title: str, notes: Iterable[str] = ()) -> str:
    """Return the figures of one run under strict relevance, each over its interval.

    Args:
        figures: As `dvtr_bench.ranking.figures.compute_figures` returns them.
        title: Heading.
        notes: Sentences below the table.

    Returns:
        A ``<div>`` that a notebook shows.
    """
    from dvtr_bench.ranking.figures import figure_names

    shown = [name for name in DIRECTION_TITLES if name in figures]
    names = [name for name in figure_names() if any(name in figures[d]["strict"] for d in shown)]
    rows: list[list[Cell]] = []
    for direction in shown:
        cells: list[Cell] = [DIRECTION_TITLES[direction]]
        for name in names:
            figure = figures[direction]["strict"].get(name)
            cells.append(
                ""
                if figure is None
                else (f"{figure.value:.1f}", f"{figure.low:.1f}–{figure.high:.1f}")
            )
        rows.append(cells)
    return html_table(["", *names], rows, title=title, notes=notes)


def _side(column: int, text_columns: int) -> str:
    return _LEFT if column < text_columns else ""


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return safe_html(cell)
    text, below = cell
    return safe_html(text) + (_SMALL.format(safe_html(below)) if below else "")
