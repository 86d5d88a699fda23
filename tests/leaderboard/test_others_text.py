"""Hostile names through every writer of the leaderboard: nothing runs, nothing steers."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dvtr_bench.catalog import EXPORTS, PLOTS
from dvtr_bench.dataset.manifest import LicenceRecord
from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.rank_table import Groups
from dvtr_bench.reports.kept_clips import KeptSplit
from dvtr_bench.reports.others_text import (
    SafeConsole,
    plain_table,
    safe_cell,
    safe_code,
    safe_html,
    safe_markdown,
    safe_tex,
)
from dvtr_bench.runtime.terminal import printable
from leaderboard.board import make_boards
from leaderboard.board_text import print_boards
from leaderboard.comparison.differences import make_comparison
from leaderboard.comparison.evidence import Evidence
from leaderboard.comparison.run_comparison import print_comparison, write_comparison
from leaderboard.comparison.several import SeveralComparison
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.judged_board import judged_boards
from leaderboard.judging.judgements import Judgements
from leaderboard.judging.pool import PoolOptions, pool_of
from leaderboard.judging.pool_folder import PAIRS_FILE, write_batch_csv, write_pool
from leaderboard.leaderboard import Leaderboard
from leaderboard.mistakes import FactMistakes, Mistakes
from leaderboard.plot import make_plot
from leaderboard.plot_subject import Subject
from leaderboard.result_files import ResultFile
from leaderboard.site.one_file import write_report
from tests.fixtures.judged_world import saved
from tests.fixtures.scored_runs import random_split, scored_run

PACKAGE = Path(__file__).parents[2] / "leaderboard"

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "\x1b]0;owned\x07\x00\x9b31m\u202a\u202e\u2066\u2069\u200e\u200f\u2028\ufeff"
    "![evil](javascript:x)|`x`$x$\\input{evil}%\"'"
)
NAMES = (HOSTILE, "=cmd|' /C calc'!A0", "\t+1+1", "-1+1", "@SUM(A1)", "\uff1d1")

WRITERS = {
    "plot.py",
    "comparison/run_comparison.py",
    "comparison/several.py",
    "exports/csv.py",
    "exports/eval_results.py",
    "exports/latex.py",
    "exports/trec.py",
    "judging/judgements.py",
    "judging/page.py",
    "judging/pool_folder.py",
    "board_text.py",
    "mistakes.py",
    "site/build.py",
    "site/one_file.py",
    "site/script_files.py",
    "study/pages.py",
}
"""Files that write files. A new one must be written by `write_all` too; an export is, by itself."""


def test_every_writer_is_in_this_test() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"written_beside\(|write_text\(|\.save\(", path.read_text("utf-8"))
    }
    assert {name for name in found if not name.startswith("exports/")} <= WRITERS


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Sequence[ResultFile]:
    folder = tmp_path_factory.mktemp("results")
    own, video_ids, caption_ids = random_split(videos=12, captions=24)
    video_ids = [f"{video_id}{HOSTILE}" for video_id in video_ids]
    codes = np.arange(12) % 2
    groups = {"x": Groups(HOSTILE, "video", (HOSTILE, "=1+1"), codes)}
    return [
        scored_run(
            folder / str(seed),
            np.random.default_rng(seed).normal(size=(24, 12)),
            own,
            video_ids,
            [f"{name}{HOSTILE}" for name in caption_ids],
            name,
            groups=groups,
            name=HOSTILE,
            version="=1",
        )
        for seed, name in enumerate(NAMES)
    ]


def judge(files: Sequence[ResultFile], folder: Path) -> Judgements:
    """Write a pool of the runs, with hostile captions and two hostile judges, and join answers."""
    lists = files[0].top_lists()
    video_index = files[0].record.caption_video_index
    split = KeptSplit(
        lists["v2t"].query_ids,
        [None] * 12,
        lists["t2v"].query_ids,
        [f"{NAMES[row % len(NAMES)]}{row}" for row in range(24)],
        video_index,
        LicenceRecord("unknown", HOSTILE, None),
    )
    pool = pool_of(files, split, PoolOptions(depth=3, queries=8))
    write_pool(pool, folder / "pool", split, "all")
    (folder / "pool" / PAIRS_FILE).unlink()
    answers = []
    for number, name in enumerate((HOSTILE[:60], "=1+1")):
        answers.append(folder / f"answers-{number}.json")
        given = {pair.pair: ("yes", "no")[number] for pair in pool.batch(1)}
        answers[-1].write_text(json.dumps(saved(pool, 1, name, given)))
    judgements, unsettled = judgements_of(pool, answers)
    judgements.write(folder / "judged.json")
    write_batch_csv(unsettled, folder / "unsettled.csv")
    return judgements


@pytest.fixture(scope="module")
def written(files: Sequence[ResultFile], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all that there is to write."""
    folder = tmp_path_factory.mktemp("written")
    records = [file.record for file in files]
    judgements = judge(files, folder)
    boards = make_boards(records)
    board = Leaderboard(boards, records, (), files, judged_boards(boards, files, judgements))
    board.write(folder / "LEADERBOARD.md")
    for name in PLOTS.names():
        with suppress(NotFoundError):  # training curves need the logs of a training
            make_plot(name, Subject(board[0], runs=folder)).save(folder / "plots" / f"{name}.svg")
    board.write_charts(["bars", "dots", "steps", "lines"], folder / "charts.md")
    write_report(make_boards(records[:1])[0], files[0], folder / "run.html", folder, folder)
    board.write_site(folder / "site", root=folder / "none")
    for name in EXPORTS.names():
        (folder / name).mkdir()
        EXPORTS.load(name).export(files, folder / name)
    two = make_comparison(records[0], records[1])
    write_comparison(two, (files[0], files[1]), Evidence(None, None, ()), None, folder / "two.md")
    SeveralComparison.of(files, all_pairs=True).write(folder / "several.md")
    facts = tuple(FactMistakes(name, 3, -1.5, 2.0, 0.0) for name in NAMES)
    Mistakes(HOSTILE, 3, 1.0, 1.0, 1.0, 1.0, facts).write(folder / "mistakes.csv")
    return folder


def texts(folder: Path, *endings: str) -> dict[Path, str]:
    found = {
        # A table that people fill in begins with the mark by which spreadsheets know UTF-8.
        path: path.read_bytes().decode("utf-8-sig" if path.suffix == ".csv" else "utf-8")
        for path in folder.rglob("*")
        if path.suffix in endings and path.parent.name != "site"
    }
    assert found, endings
    return found


def test_no_file_holds_a_control_character(written: Path) -> None:
    known = {".csv", ".html", ".json", ".js", ".md", ".qrels", ".run", ".svg", ".tex", ".yaml"}
    kinds = {path.suffix for path in written.rglob("*") if path.is_file()} - {".css"}
    assert kinds <= known | {".txt"}, "a new kind of file: say below what must hold for it"
    for path, text in texts(written, *kinds).items():
        strange = {letter for letter in text if not letter.isprintable()} - {"\n"}
        assert not strange, (path, strange)


def test_pages_hold_no_markup_of_others(written: Path) -> None:
    for path, text in texts(written, ".md", ".svg").items():
        assert "<script" not in text.lower(), path
        assert "<img" not in text.lower(), path
    for path, text in texts(written, ".html").items():
        assert "<script>document" not in text, path
        assert "<img src=x" not in text, path
    for path, text in texts(written, ".md").items():
        assert not re.search(r"(?<!\\)\[evil", text), path
        assert not re.search(r"(?<!\\)`x", text), path
        for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
            cells = {len(re.split(r"(?<!\\)\|", row)) for row in table.strip().splitlines()}
            assert len(cells) == 1, (path, table)


def test_spreadsheets_compute_nothing(written: Path) -> None:
    for path, text in texts(written, ".csv").items():
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1, path
        for cell in (cell for row in rows for cell in row):
            if cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")):
                float(cell)  # a negative number is no formula
    assert "-1.50" in (written / "mistakes.csv").read_text("utf-8")


def test_tex_reads_no_file_and_stays_in_its_cells(written: Path) -> None:
    for path, text in texts(written, ".tex").items():
        lines = [line for line in text.splitlines() if not line.startswith("%")]
        assert not re.search(r"(?<!textbackslash\{\})\\input", "\n".join(lines)), path
        body = re.sub(r"\\[{}]", "", "\n".join(lines))
        assert body.count("{") == body.count("}"), path
        rows = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
        assert len({len(re.split(r"(?<!\\)&", row)) for row in rows}) == 1, path


def test_data_of_the_site_cannot_leave_their_script(written: Path) -> None:
    for path, text in texts(written / "site", ".js", ".json").items():
        assert text.isascii(), path
        if path.suffix == ".js":
            assert not re.search("[<>&]", text), path
            json.loads(f"[{text.removeprefix('dvtr.put(').removesuffix(');' + chr(10))}]")


def shown(write: Callable[[Console], None]) -> str:
    stream = io.StringIO()
    write(Console(file=stream, width=400))
    return stream.getvalue()


def test_the_terminal_gets_no_control_character(
    files: Sequence[ResultFile], tmp_path: Path
) -> None:
    records = [file.record for file in files]
    two = make_comparison(records[0], records[1])
    facts = (FactMistakes(HOSTILE, 3, 1.5, 2.0, 0.0),)
    boards = make_boards(records)
    judged = judged_boards(boards, files, judge(files, tmp_path))
    for text in (
        shown(lambda console: print_boards(make_boards(records), console, breakdowns=True)),
        shown(lambda console: print_boards(boards, console, judged=judged)),
        shown(
            lambda console: print_comparison(
                two, (files[0], files[1]), Evidence(None, None, (HOSTILE,)), console
            )
        ),
        shown(SeveralComparison.of(files[:3]).print),
        shown(Mistakes(HOSTILE, 3, 1.0, 1.0, 1.0, 1.0, facts).print),
    ):
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert "owned" in text


def test_a_console_is_safe_whatever_is_printed() -> None:
    stream = io.StringIO()
    console = SafeConsole(file=stream, width=400, force_terminal=True, color_system=None)
    table = plain_table(HOSTILE, "b")
    table.add_row(HOSTILE, "c")
    console.print(table)
    console.print(HOSTILE, markup=False)
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert stream.getvalue().count("owned") >= 3


def test_notebooks_show_names_as_text(files: Sequence[ResultFile], tmp_path: Path) -> None:
    records = [file.record for file in files]
    boards, judgements = make_boards(records), judge(files, tmp_path)
    board = Leaderboard(boards, records, (), files, judged_boards(boards, files, judgements))
    several = SeveralComparison.of(files)
    for shown_object in (board, several, judgements, *records):
        html = shown_object._repr_html_()
        assert "<script" not in html.lower()
        assert "<img" not in html.lower()
        assert all(letter.isprintable() for letter in html)
    assert "\x1b" not in repr(several) + repr(board) + repr(judgements)


@pytest.mark.parametrize(
    "safe", [printable, safe_html, safe_markdown, safe_tex, safe_cell, safe_code]
)
def test_half_a_surrogate_can_be_written(safe: Callable[[str], str]) -> None:
    safe("a\ud800b").encode("utf-8")
    for number in (*range(32), *range(127, 160), 0x200E, 0x200F, *range(0x202A, 0x202F),
                   *range(0x2066, 0x206A)):  # fmt: skip
        kept = safe(f"a{chr(number)}b")
        assert chr(number) not in kept or (number == 10 and safe is safe_cell)


def test_markdown_starts_no_list_and_keeps_negative_numbers() -> None:
    assert [safe_markdown(text) for text in ("- a", "1. a", "---", "-1.5", "+ b", "2024-01")] == [
        "\\- a", "1\\. a", "\\---", "-1.5", "\\+ b", "2024-01",
    ]  # fmt: skip
