"""Write the whole site: boards, runs, queries, thumbnails and the page that shows them."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import InputError
from dvtr_bench.ranking import PROTOCOL_VERSION, RELEVANCE_KINDS
from dvtr_bench.reports.others_text import safe_cell
from dvtr_bench.reports.thumbnails import Thumbnail
from dvtr_bench.runtime.files import folder_written_beside, written_beside
from leaderboard.board import Board
from leaderboard.exports.latex import board_tabular
from leaderboard.json_form import board_as_json
from leaderboard.rank_ranges import FigureKey, RankRange
from leaderboard.result_files import ResultFile, notes_beside
from leaderboard.row_json import places_of, run_id
from leaderboard.run_logs import RunFolders
from leaderboard.site.queries import Queries, find_queries, queries_data
from leaderboard.site.rows import board_data, board_id, board_summary
from leaderboard.site.runs import ranks_data, run_data
from leaderboard.site.script_files import write_script, write_text

MARK: Final = '<meta name="generator" content="dvtr-bench leaderboard">'
"""Marks a folder as a site written by this module; part of ``page/index.html``."""


def write_site(
    boards: Sequence[Board],
    files: Sequence[ResultFile],
    folder: Path,
    root: Path = ROOT,
    runs: Path = Path("runs"),
    *,
    worst: int | None = None,
    judged: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> Path:
    """Write the leaderboard as a folder of static files.

    The same boards, files, datasets and logs give the same bytes. The site is written to a
    temporary folder and then renamed; an earlier site is replaced.

    Args:
        boards: At least one.
        files: Their results, with paths or top lists.
        folder: The output folder.
        root: Folder of the datasets, for captions, and for frames if their licence allows it.
        worst: Number of queries of each run, the worst, whose clips get pictures; None for the
            pictures of all clips.
        runs: Folder of training runs, whose logs give the curves of their results.
        judged: Figures under judged relevance by ``id`` of their board, as
            `leaderboard.judging.site_data.judged_data` returns them.

    Returns:
        The page to open, ``index.html``.

    Raises:
        InputError: ``folder`` holds something else, or the note beside a result file is not valid.
        ResultError: The top lists beside a result file belong to another run.
    """
    _require_free(folder)
    with folder_written_beside(folder) as building:
        data = building / "data"
        data.mkdir()
        _copy_page(building)
        by_record = {id(file.record): file for file in files}
        notes = notes_beside(files)
        run_folders = RunFolders(runs)
        for board in boards:
            under_judges = (judged or {}).get(id(board), ())
            content = board_data(board, places := places_of(board), notes, under_judges)
            _write_board(board, content, places, by_record, data, root, worst)
            for entry in board.entries:
                for run in entry.runs:
                    content = run_data(board, entry, run, run_folders, notes.get(id(run)))
                    write_script(data, f"run-{run_id(run)}", content)
                    write_script(data, f"ranks-{run_id(run)}", ranks_data(run))
        index = {
            "protocol": PROTOCOL_VERSION,
            "boards": [board_summary(board) for board in boards],
        }
        write_script(data, "index", index)
    return folder / "index.html"


def _require_free(folder: Path) -> None:
    """Raise InputError if the folder holds anything but a site of ours."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    page = folder / "index.html"
    if not page.is_file() or MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise InputError(
            f"{folder}: holds files that are no leaderboard site, and writing one would remove "
            "them: name a new or empty folder"
        )


def _copy_page(building: Path) -> None:
    page = resources.files(__package__).joinpath("page")
    for file in sorted(page.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith((".html", ".css", ".js", ".svg")):
            write_text(building / file.name, file.read_text(encoding="utf-8"))


def _write_board(
    board: Board,
    content: dict[str, Any],
    places: Sequence[Mapping[FigureKey, RankRange]],
    files: dict[int, ResultFile],
    data: Path,
    root: Path,
    worst: int | None,
) -> None:
    name = board_id(board)
    write_script(data, f"board-{name}", content)
    for ending, text in (
        ("csv", csv_text(board, content)),
        ("json", json_download(board, places)),
        ("tex", tex_text(board)),
    ):
        write_text(data / f"{name}.{ending}", text)
    runs = [run for entry in board.entries for run in entry.runs]
    known = [files[id(run)] for run in runs if id(run) in files]
    queries = find_queries(board, known, root, worst)
    write_script(data, f"queries-{name}", queries_data(queries))
    _write_frames(queries, data.parent)
    for listed_id, top in queries.top.items():
        write_script(data, f"top-{listed_id}", top)


def _write_frames(queries: Queries, site: Path) -> None:
    if (frames := queries.frames) is not None:
        write_thumbnails(queries.pictured, queries.picture, site / frames)


def csv_text(board: Board, data: dict[str, Any]) -> str:
    """Return every figure of a board as CSV, one per row.

    Args:
        board: The board.
        data: As `leaderboard.site.rows.board_data` returns it.

    Returns:
        CSV. A text that a spreadsheet would take for a formula starts with an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    facts = ("dataset", "version", "split", "post_processing", "row", "model", "variant", "seeds")
    figures = ("direction", "relevance", "metric", "value", "low", "high", "std")
    writer.writerow([*facts, *figures, "rank_first", "rank_last", "p_best"])
    key = board.key
    for entry, row in zip(board.entries, data["rows"], strict=True):
        facts_of_row = [
            *(key.dataset, key.dataset_version, key.split, key.post_processing, row["id"]),
            *(entry.label, entry.variant, " ".join(map(str, entry.seeds))),
        ]
        for (direction, relevance, name), cell in sorted(
            entry.figures.items(), key=lambda item: (RELEVANCE_KINDS.index(item[0][1]), item[0])
        ):
            ranks = row["ranks"].get(f"{direction}/{name}") if relevance == "strict" else None
            writer.writerow(
                [
                    *map(safe_cell, facts_of_row),
                    *(direction, relevance, name),
                    *(cell.value, cell.low, cell.high, cell.deviation),
                    *(ranks or (None, None, None)),
                ]
            )
    return stream.getvalue()


def json_download(board: Board, places: Sequence[Mapping[FigureKey, RankRange]]) -> str:
    """Return a board as `leaderboard --json --breakdowns` describes it.

    Args:
        board: The board.
        places: The places that each row may have.
    """
    content = board_as_json(board, places, breakdowns=True)
    rows = ",\n".join(json.dumps(row, allow_nan=False) for row in content.pop("rows"))
    # A row a line: json's own indentation takes ten times as long.
    shared = json.dumps(content, allow_nan=False)
    return f'{shared.removesuffix("}")},\n"rows": [\n{rows}\n]}}\n'


def tex_text(board: Board) -> str:
    r"""Return a board as a LaTeX tabular, which needs ``\usepackage{booktabs}``."""
    return "\n".join(board_tabular(board)) + "\n"


def write_thumbnails(
    rows: Iterable[int], picture: Callable[[int], Thumbnail | None], folder: Path
) -> None:
    """Write two pictures per clip, named by its row: its middle frame and a strip of four frames.

    Args:
        rows: Rows of the gallery. Those whose pictures are there already are left out: boards of
            one split share them.
        picture: Makes the pictures of a row; None for a clip without frames.
        folder: The output folder.
    """
    for row in rows:
        if (folder / f"{row}.jpg").exists() or (made := picture(row)) is None:
            continue
        for name, content in ((f"{row}", made.middle), (f"{row}-strip", made.strip)):
            with written_beside(folder / f"{name}.jpg") as beside:
                beside.write_bytes(content)
