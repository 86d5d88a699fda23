r"""LaTeX tables: one tabular for each set of results that can share a table.

Needs only ``\usepackage{booktabs}``. A row of several seeds has their mean with the standard
deviation over seeds as a subscript. A comment below each row has its 95% intervals by bootstrap
over videos. Rows are sorted best first, as on the leaderboard.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dvtr_bench.reports.others_text import safe_tex
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board import Board, Cell, Entry, make_boards
from leaderboard.exported import Exported
from leaderboard.result_files import ResultFile
from leaderboard.tables import board_title

_DIRECTIONS: Final = ("t2v", "v2t")

_FIGURES: Final = ("R@1", "R@5", "R@10", "MdR", "MnR")
"""The usual columns of papers."""


def export(results: Sequence[ResultFile], folder: Path) -> Exported:
    """Write the tables.

    Args:
        results: Result files, of any datasets.
        folder: The output folder.

    Returns:
        ``table.tex``, and the notes of the tables.
    """
    boards = make_boards(result.record for result in results)
    path = folder / "table.tex"
    with written_beside(path) as beside:
        beside.write_text("\n".join(_document(boards)) + "\n", encoding="utf-8", newline="\n")
    return Exported((path,), tuple(note for board in boards for note in board.notes))


def _document(boards: Sequence[Board]) -> Iterator[str]:
    yield r"% \usepackage{booktabs}"
    yield "% R@k in percent; MdR, MnR: median and mean rank, lower is better."
    yield "% Subscripts: standard deviation over training seeds."
    yield "% Video to text: each video searches the caption sets of all videos."
    for board in boards:
        yield ""
        yield from board_tabular(board)


def board_tabular(board: Board) -> Iterator[str]:
    """Yield the lines of one board's tabular.

    Args:
        board: The board; whatever names hold is escaped.
    """
    width = len(_FIGURES)
    last = 1 + len(_DIRECTIONS) * width
    yield f"% {printable(board_title(board))}; fingerprint {board.key.fingerprint[:16]}"
    yield rf"\begin{{tabular}}{{l{'r' * (last - 1)}}}"
    yield r"\toprule"
    yield (
        rf" & \multicolumn{{{width}}}{{c}}{{Text to video}}"
        rf" & \multicolumn{{{width}}}{{c}}{{Video to text}} \\"
    )
    yield rf"\cmidrule(lr){{2-{1 + width}}} \cmidrule(lr){{{2 + width}-{last}}}"
    yield " & ".join(["Model", *_FIGURES * len(_DIRECTIONS)]) + r" \\"
    yield r"\midrule"
    for entry in board.entries:
        cells = [
            entry.figures.get((direction, "strict", name))
            for direction in _DIRECTIONS
            for name in _FIGURES
        ]
        yield " & ".join([safe_tex(_name(entry)), *map(_value, cells)]) + r" \\"
        yield f"% 95% intervals over videos: {' & '.join(map(_interval, cells))}"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _name(entry: Entry) -> str:
    return entry.name if entry.num_runs == 1 else f"{entry.name} ({entry.num_runs} seeds)"


def _value(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    deviation = "" if cell.deviation is None else rf"$_{{\pm{cell.deviation:.1f}}}$"
    return f"{cell.value:.1f}{deviation}"


def _interval(cell: Cell | None) -> str:
    return "--" if cell is None or cell.low is None else f"{cell.low:.1f}-{cell.high:.1f}"
