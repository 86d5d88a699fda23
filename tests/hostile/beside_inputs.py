"""What stands beside a result file, and in the folder of a training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.reports.kept_clips import kept_path, read_kept
from dvtr_bench.results.top_lists import read_top_lists, top_path
from dvtr_bench.runtime.checkpoint import checkpoint_folder
from dvtr_bench.training.log_lines import read_log_lines
from leaderboard.run_logs import RunFolders, read_log
from leaderboard.shown_run import print_run
from tests.fixtures.records import toy_record
from tests.hostile.case import Hostile
from tests.hostile.making import bomb

_LISTS = {
    "direction": ["t2v"],
    "query_id": ["a"],
    "candidate_ids": [["v"]],
    "scores": [[1.0]],
}


def _top(name: str, content: Callable[[], pa.Table] | bytes, message: str) -> Hostile:
    return Hostile(
        f"top lists: {name}",
        lambda folder: _write(top_path(folder / "run.json"), content),
        lambda path: read_top_lists(toy_record(), path.with_name("run.json")),
        rf"run\.top\.parquet: .*{message}",
    )


def _kept(name: str, content: Callable[[], pa.Table] | bytes, message: str) -> Hostile:
    return Hostile(
        f"kept clips: {name}",
        lambda folder: _write(kept_path(folder / "run.json"), content),
        lambda path: read_kept(toy_record(), path.with_name("run.json")),
        rf"run\.browse\.parquet: .*{message}",
    )


def _write(path: Path, content: Callable[[], pa.Table] | bytes) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content(), path)
    return path


def _about(about: str) -> Callable[[], pa.Table]:
    return lambda: pa.table({"video_id": ["a"]}).replace_schema_metadata({"dvtr_bench": about})


def _best(name: str, best: object) -> list[Hostile]:
    """Return a run that names its best checkpoint by a path, for each who reads that name."""

    def make(folder: Path) -> Path:
        run = folder / "runs" / "usrd" / "msam" / "1"
        run.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (run / "log.jsonl").write_text("")
        (run / "run.json").write_text(json.dumps({"format_version": 1, "best": best, "setup": {}}))
        return run

    readers: dict[str, Callable[[Path], Any]] = {
        "evaluate": checkpoint_folder,
        "show": print_run,
        "leaderboard": lambda run: RunFolders(run.parents[2]),
    }
    return [
        Hostile(f"{reader}: {name}", make, read, r"run\.json: best: expected one name, found")
        for reader, read in readers.items()
    ]


def _log(name: str, content: bytes, message: str, read: Callable[[Path], object]) -> Hostile:
    def make(folder: Path) -> Path:
        (folder / "log.jsonl").write_bytes(content)
        return folder

    return Hostile(f"log: {name}", make, read, message)


INPUTS = [
    _top("no Parquet", b"hello", "not a file of top lists"),
    _top("cut off", b"PAR1\0\0\0\0", "not a file of top lists"),
    _top("other columns", lambda: pa.table({"a": [1]}), "expected a column 'direction'"),
    _top("ids that are numbers", lambda: pa.table({**_LISTS, "query_id": [1]}), "expected columns"),
    _top("scores that are texts", lambda: pa.table({**_LISTS, "scores": [["x"]]}), "expected col"),
    _top("no lists", lambda: pa.table({**_LISTS, "candidate_ids": [None]}), "top lists"),
    _top("other queries", lambda: pa.table(_LISTS), "other queries"),
    _top(
        "ids of 1 TB",
        lambda: pa.table(
            {**{k: v * (1 << 20) for k, v in _LISTS.items()}, "query_id": bomb(1 << 20)}
        ),
        "unpacks to|expected columns",
    ),
    _kept("no Parquet", b"hello", "evaluate --browse"),
    _kept("no metadata", lambda: pa.table({"video_id": ["a"]}), "evaluate --browse"),
    _kept("metadata nested deep", _about("[" * 100_000), "nested too deep"),
    _kept("metadata of a number", _about("3"), "evaluate --browse"),
    _kept("a version of tomorrow", _about('{"format_version": 99}'), "too new"),
    _kept("half a character", _about('{"licence": "\\ud800"}'), "half a character"),
    _kept("a licence with more", _about('{"licence": {"id": "a", "x": 1}}'), "missing|unknown"),
    _kept(
        "no columns",
        _about('{"licence": {"id": "a", "statement": "b", "link": null}}'),
        "expected a column",
    ),
    *_best("a path upwards", "../../.."),
    *_best("an absolute path", "/etc"),
    *_best("a list", ["a"]),
    *_best("ESC", "epoch\x1b[2J"),
    _log("not UTF-8", b"\xff\n", "not a text file in utf-8", read_log_lines),
    _log(
        "losses that are lists", b'{"loss": [], "step": 1}\n', "not a log of a training", read_log
    ),
    _log(
        "epochs that are texts", b'{"validation_t2v_r1": 1, "epoch": "x"}\n', "not a log", read_log
    ),
]
