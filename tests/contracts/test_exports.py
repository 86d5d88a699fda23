"""What every file of leaderboard/exports must keep to."""

import numpy as np
import pytest
from typer.testing import CliRunner

from dvtr_bench.catalog import EXPORTS
from dvtr_bench.cli import make_app
from dvtr_bench.errors import DvtrError
from leaderboard.exported import Exported
from tests.fixtures.scored_runs import random_split, scored_run


@pytest.fixture(params=EXPORTS.names())
def name(request):
    return request.param


@pytest.fixture
def results(tmp_path):
    own, video_ids, caption_ids = random_split()
    rng = np.random.default_rng(1)
    shape = (len(own), len(video_ids))
    return [
        scored_run(tmp_path / "results", rng.normal(size=shape), own, video_ids, caption_ids, model)
        for model in ("msam", "../../[red] a_model & % of\n$others")
    ]


def written(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_writes_what_it_says_into_the_folder_and_nothing_else(name, results, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    before = written(tmp_path)
    exported = EXPORTS.load(name).export(results, out)
    assert isinstance(exported, Exported)
    assert exported.files
    assert set(exported.files) == set(written(out))
    assert {path: data for path, data in written(tmp_path).items() if out not in path.parents} == (
        before
    )


def test_it_gives_the_same_bytes_again_and_over_what_stands_there(name, results, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    EXPORTS.load(name).export(results, out)
    once = written(out)
    EXPORTS.load(name).export(results, out)
    assert written(out) == once


def test_one_result_or_a_small_gallery_will_do(name, tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=3, captions=4)
    scores = np.random.default_rng(0).normal(size=(4, 3))
    result = scored_run(tmp_path, scores, own, video_ids, caption_ids)
    out = tmp_path / "out"
    out.mkdir()
    assert all(path.stat().st_size for path in EXPORTS.load(name).export([result], out).files)


def test_results_of_one_name_do_not_overwrite_each_other(name, tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=3, captions=4)
    results = [
        scored_run(
            tmp_path / folder,
            np.random.default_rng(seed).normal(size=(4, 3)),
            own,
            video_ids,
            caption_ids,
        )
        for seed, folder in enumerate("ab")
    ]
    assert results[0].path.name == results[1].path.name
    out = tmp_path / "out"
    out.mkdir()
    exported = EXPORTS.load(name).export(results, out)
    assert len(set(exported.files)) == len(exported.files)


def test_a_failure_leaves_no_half_written_file(name, results, tmp_path, monkeypatch) -> None:
    def torn(self, target) -> None:
        raise OSError("no space left on the device")

    monkeypatch.setattr("pathlib.Path.replace", torn)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises((OSError, DvtrError)):
        EXPORTS.load(name).export(results, out)
    assert written(out) == {}


def test_the_help_page_names_it(name, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = CliRunner().invoke(make_app(), ["export", "--help"], catch_exceptions=False)
    assert f"{name} (" in told.output
