"""The pointing score on maps whose answers are known, and against a loop."""

import json

import numpy as np
import pytest
from rich.console import Console

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.pointing.report import print_pointing, write_pointing
from dvtr_bench.evaluation.pointing.score import pointing_scores, split_maps
from dvtr_bench.ranking.bootstrap import BootstrapConfig

VIDEOS, FRAMES, ROWS, COLUMNS = 6, 3, 4, 5
OWNER = np.repeat(np.arange(VIDEOS), 2)
QUICK = BootstrapConfig(resamples=200)


@pytest.fixture
def case():
    generator = np.random.default_rng(0)
    there = np.ones((VIDEOS, FRAMES), dtype=bool)
    there[2, 1:] = False
    covered = generator.random((len(OWNER), FRAMES, ROWS, COLUMNS)).astype(np.float32)
    covered[generator.random(covered.shape) < 0.7] = 0
    covered *= there[OWNER][:, :, None, None]
    covered[4] = 0
    maps = generator.random(covered.shape).astype(np.float32) * there[OWNER][:, :, None, None]
    return maps / maps.sum(axis=(1, 2, 3), keepdims=True), covered, there


def only(maps, covered, there):
    return pointing_scores({"it": maps}, covered, there, OWNER, QUICK)[0]


def test_agrees_with_a_loop(case) -> None:
    maps, covered, there = case
    masses, maxima, uniforms = [], [], []
    for caption, video in enumerate(OWNER):
        frames = np.flatnonzero(there[video])
        if not covered[caption, frames].any():
            continue
        masses.append((maps[caption] * covered[caption]).sum())
        best = [np.unravel_index(maps[caption, f].argmax(), (ROWS, COLUMNS)) for f in frames]
        maxima.append(np.mean([covered[caption, f][b] for f, b in zip(frames, best, strict=True)]))
        uniforms.append(covered[caption, frames].mean())
    found = only(*case)
    assert found.num_captions == len(masses) == len(OWNER) - 1
    assert found.num_videos == VIDEOS
    assert found.mass == pytest.approx(np.mean(masses), abs=1e-6)
    assert found.maxima == pytest.approx(np.mean(maxima), abs=1e-6)
    assert found.uniform == pytest.approx(np.mean(uniforms), abs=1e-6)


def test_a_uniform_map_scores_what_uniform_says(case) -> None:
    _, covered, there = case
    uniform = np.broadcast_to(there[OWNER][:, :, None, None], covered.shape).astype(np.float32)
    found = only(uniform / uniform.sum(axis=(1, 2, 3), keepdims=True), covered, there)
    assert found.mass == found.maxima == pytest.approx(found.uniform)
    assert found.mass_gain == pytest.approx((0, 0), abs=1e-9)


def test_a_map_on_the_boxes_alone_scores_all(case) -> None:
    _, covered, there = case
    boxes = (covered > 0.5).astype(np.float32)
    boxes[4, 0, 0, 0] = 1
    covered = np.where(boxes > 0, 1, 0).astype(np.float32)
    covered[..., 0, :] = np.maximum(covered[..., 0, :], there[OWNER][:, :, None])
    found = only(np.maximum(boxes, covered), covered, there)
    assert found.mass == pytest.approx(1)
    assert found.maxima == pytest.approx(1)
    assert found.mass_gain[0] > 0.3


def test_cells_that_share_a_maximum_count_by_their_mean() -> None:
    covered = np.zeros((1, 1, 2, 2), dtype=np.float32)
    covered[0, 0, 0, 0] = 1
    maps = np.array([[[[0.4, 0.4], [0.1, 0.1]]]], dtype=np.float32)
    args = (covered, np.ones((1, 1), dtype=bool), np.array([0]), QUICK)
    found = pointing_scores({"it": maps}, *args)[0]
    assert (found.mass, found.maxima, found.uniform) == pytest.approx((0.4, 0.5, 0.25))


def test_a_map_of_the_centre_gains_on_uniform_but_not_on_its_average() -> None:
    covered = np.zeros((len(OWNER), 1, 3, 3), dtype=np.float32)
    covered[:, 0, 1, 1] = 1
    centre = np.full((VIDEOS, 1, 3, 3), 0.05, dtype=np.float32)
    centre[:, 0, 1, 1] = 0.6
    found = pointing_scores(
        {"it": centre}, covered, np.ones((VIDEOS, 1), dtype=bool), OWNER, QUICK
    )[0]
    assert found.mass_gain[0] > 0.4
    assert found.average == pytest.approx(found.mass)
    assert found.average_gain == pytest.approx((0, 0), abs=1e-9)


def test_maps_of_videos_serve_all_their_captions(case) -> None:
    maps, covered, there = case
    of_videos = maps[::2]
    assert only(of_videos, covered, there) == only(of_videos[OWNER], covered, there)


def test_intervals_are_over_videos_not_captions(case) -> None:
    maps, covered, there = case
    once = only(maps, covered, there)
    again = np.tile(np.arange(len(OWNER)), 5)
    found = pointing_scores({"it": maps[again]}, covered[again], there, OWNER[again], QUICK)[0]
    assert found.mass_gain == pytest.approx(once.mass_gain), "five times the captions add nothing"
    assert once.mass_gain[0] < once.mass - once.uniform < once.mass_gain[1]


def test_no_caption_that_counts_gives_no_score(case) -> None:
    maps, covered, there = case
    assert pointing_scores({"it": maps}, np.zeros_like(covered), there, OWNER, QUICK) == []


def test_maps_of_another_shape_are_refused(case) -> None:
    maps, covered, there = case
    with pytest.raises(InputError, match="it: a map of shape"):
        only(maps[:, :, :2], covered, there)


def test_many_maps_are_named_and_averaged() -> None:
    maps = np.random.default_rng(0).random((2, 3, 4, 5, 7)).astype(np.float32)
    named = split_maps("semantic map", maps)
    assert list(named)[0] == "semantic map 1"
    assert list(named)[-1] == "mean of the 7"
    np.testing.assert_array_equal(named["semantic map 3"], maps[..., 2])
    assert list(split_maps("map", maps[..., :1])) == ["map 1"]


def test_scores_are_printed_and_written(case, tmp_path) -> None:
    scores = pointing_scores({"map": case[0]}, case[1], case[2], OWNER, QUICK)
    console = Console(width=140, record=True)
    print_pointing(scores, "msam on toy test", console)
    told = console.export_text()
    assert "msam on toy test" in told
    assert f"{100 * scores[0].mass:.1f}" in told
    path = write_pointing(scores, {"split": "test"}, tmp_path / "pointing.json")
    content = json.loads(path.read_text())
    assert content["split"] == "test"
    assert content["scores"][0]["mass"] == scores[0].mass
    assert set(content["meanings"]) >= {"mass", "maxima", "uniform", "average"}
