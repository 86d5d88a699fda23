"""Whatever a notebook shows fits on a screen, and others' text in it is shown, not obeyed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.api.results import Results
from dvtr_bench.dataset.manifest import FileRecord
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.evaluation.bare_scores import evaluate_scores
from dvtr_bench.evaluation.external_file import ExternalFile
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.relevance import Relevance
from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.results.top_lists import TopList
from leaderboard.board import make_boards
from leaderboard.comparison.differences import make_comparison
from leaderboard.comparison.evidence import Evidence
from leaderboard.comparison.run_comparison import RunComparison
from leaderboard.leaderboard import Leaderboard
from leaderboard.result_files import ResultFile
from tests.fixtures.records import toy_record
from tests.fixtures.tiny_dataset import build_tiny

LETTERS = 700
"""Of a repr: seven lines of a terminal."""

BAD = "<img src=x onerror=alert(1)>\x1b[2J" + "long " * 100


def many_objects(folder: Path) -> list[object]:
    """One of each kind, large where its size is open."""
    own = np.repeat(np.arange(2000), 5)
    scores = evaluate_scores(
        np.random.default_rng(0).random((10_000, 2000), dtype=np.float32), own,
        bootstrap=BootstrapConfig(resamples=100),
    )  # fmt: skip
    records = [toy_record(BAD, rank_seed=seed, seeds=(seed,)) for seed in range(6)]
    other = toy_record("other", text_block=32)
    large = replace(records[0], caption_video_index=tuple(range(9000)))
    comparison = make_comparison(records[0], other, resampling=BootstrapConfig(resamples=100))
    files = ResultFile(records[0], None), ResultFile(other, folder / "other.json")
    boards = make_boards([*records, other])
    ids = tuple(f"clip {number}" for number in range(9000))
    built = build_tiny(folder)
    split = built["test"]
    record = built.manifest.splits["test"]
    file = FileRecord("default", "data/test-00000.parquet", 1, 1, "0" * 64)
    many_files = replace(built.manifest, splits={"test": replace(record, files=(file,) * 500)})
    return [
        scores, scores.table, scores.table.ranks["t2v"]["strict"],
        Relevance(own, 2000, np.arange(len(own))),
        SeedMeans.of([run.rank_table for run in records], BootstrapConfig(resamples=100)),
        TopList(ids, [ids[:10]] * 9000, [[0.5] * 10] * 9000),
        ExternalFile(Path("a.npz"), "sim_matrix", "0" * 64, ids, ids, {}),
        large, large.ranks["t2v"].strict, large.ranks["t2v"],
        large.breakdowns["category"], other.dataset, Results(records * 20),
        *boards, boards[0].entries[0], Leaderboard(boards, records),
        comparison, *files, RunComparison(comparison, files, Evidence(None, None, ())),
        built, many_files, BuiltDataset(folder, many_files), split, split[0], split[:3],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    return many_objects(tmp_path_factory.mktemp("reprs"))


def test_every_repr_is_short_and_on_one_line(objects: list[object]) -> None:
    for thing in objects:
        told = repr(thing)
        assert len(told) <= LETTERS, f"{type(thing).__name__}: {len(told)}: {told[:200]}"
        assert "\n" not in told, type(thing).__name__
        assert "\x1b" not in told, type(thing).__name__


def test_tables_escape_what_others_wrote(objects: list[object]) -> None:
    tables = [thing for thing in objects if hasattr(thing, "_repr_html_")]
    assert len({type(thing) for thing in tables}) >= 9
    for thing in tables:
        shown = thing._repr_html_()
        assert shown.count("<div") == shown.count("</div>"), type(thing).__name__
        assert "<img src=x" not in shown, type(thing).__name__
        assert "\x1b" not in shown, type(thing).__name__
        assert len(shown) < 200_000, f"{type(thing).__name__}: {len(shown)}"
    record = next(thing for thing in tables if type(thing).__name__ == "RunRecord")
    assert "&lt;img src=x onerror=alert(1)&gt;" in record._repr_html_()
