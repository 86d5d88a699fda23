"""Figures under judged relevance: against the whole matrix, ir_measures, and the strict ones."""

from collections.abc import Mapping
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import Success, nDCG

from dvtr_bench.ranking import DIRECTIONS, Direction
from dvtr_bench.results.top_lists import TopList
from leaderboard.exports.trec import export
from leaderboard.judging.facts import JudgedSplit
from leaderboard.judging.judged_queries import NDCG, ndcg, query_figures, rank_of
from leaderboard.judging.judgements import Judgements
from tests.fixtures.judged_world import World, make_world

INFINITY = float("inf")


def judged_by(
    world: World, grades: Mapping[tuple[int, int], int], *, complete: bool = False
) -> Judgements:
    """Judgements by row of caption and clip."""
    split = world.split
    given: dict[str, dict[str, int]] = {}
    for (caption, video), grade in grades.items():
        given.setdefault(split.caption_ids[caption], {})[split.video_ids[video]] = grade
    own = {c: split.video_ids[v] for c, v in zip(split.caption_ids, world.own, strict=True)}
    made = Judgements.of(
        JudgedSplit.of(world.files[0].record),
        own,
        split.captions,
        given,
        queries=dict.fromkeys(DIRECTIONS),
        pool=None if complete else world.pool().facts,
    )
    assert made.complete == complete
    return made


def random_grades(world: World, share: float, seed: int = 0) -> dict[tuple[int, int], int]:
    """Grades of some pairs that are not known already."""
    rng = np.random.default_rng(seed)
    known = judged_by(world, {})
    split = world.split
    return {
        (caption, video): int(rng.integers(3))
        for caption in range(len(split.captions))
        for video in range(len(split.video_ids))
        if split.video_ids[video] not in known.known_videos(split.caption_ids[caption])
        and rng.random() < share
    }


def whole_grades(world: World, judgements: Judgements, direction: Direction) -> np.ndarray:
    """Queries x candidates: grades, -1 for none; by plain loops over ids."""
    split = world.split
    pairs = np.array(
        [
            [
                -1 if (g := judgements.grade(caption, video)) is None else g
                for video in split.video_ids
            ]
            for caption in split.caption_ids
        ]
    )
    if direction == "t2v":
        return pairs
    if direction == "v2t_caption":
        return pairs.T
    sets = np.stack([pairs[np.asarray(world.own) == v] for v in range(len(split.video_ids))])
    best, is_open = sets.max(1), (sets < 0).any(1)
    return np.where(is_open & (best < 2), -1, best).T


def whole_scores(world: World, run: int, direction: Direction) -> np.ndarray:
    scores = world.matrices[run]
    if direction == "t2v":
        return scores
    if direction == "v2t_caption":
        return scores.T
    own = np.asarray(world.own)
    return np.stack([scores[own == v].max(0) for v in range(scores.shape[1])]).T


def rank_by_loops(scores: np.ndarray, right: np.ndarray) -> float:
    if not right.any():
        return INFINITY
    return 1 + int((~right & (scores >= scores[right].max())).sum())


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_the_whole_matrix(
    direction: Direction, seed: int, tmp_path: Path
) -> None:
    world = make_world(tmp_path, seed=seed, runs=1)
    judgements = judged_by(world, random_grades(world, 0.5, seed))
    found = query_figures(
        world.files[0].record, world.files[0].top_lists()[direction], judgements, direction
    )
    grades = whole_grades(world, judgements, direction)
    scores = whole_scores(world, 0, direction)
    own = world.files[0].record.rank_table.ranks[direction]["strict"].pessimistic
    for k in (1, 5, 10):
        ranks = [rank_by_loops(row, given == 2) for row, given in zip(scores, grades, strict=True)]
        assert found[f"R@{k} judged"].tolist() == [100.0 * (rank <= k) for rank in ranks]
        ranks = [
            rank_by_loops(row, (given == 2) | (given < 0))
            for row, given in zip(scores, grades, strict=True)
        ]
        assert found[f"R@{k} at most"].tolist() == [100.0 * (rank <= k) for rank in ranks]
        assert found[f"R@{k} strict"].tolist() == (100.0 * (own <= k)).tolist()
    first = np.argsort(-scores, axis=1)[:, :10]
    holes = (np.take_along_axis(grades, first, 1) < 0).mean(1)
    assert found["unjudged@10"] == pytest.approx(100 * holes)
    assert found["unjudged@10"].any()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("complete", [False, True])
def test_trec_files_of_both_give_the_same_figures(
    direction: Direction, complete: bool, tmp_path: Path
) -> None:
    world = make_world(tmp_path, seed=3, runs=1)
    if direction == "v2t" and not complete:
        share = 1.0  # a set of which one caption is open has no grade
    else:
        share = 0.4
    judgements = judged_by(world, random_grades(world, share), complete=complete)
    judgements.write(tmp_path / "judged.json")
    export(world.files, tmp_path)
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / f"judged.{direction}.qrels")))
    run = list(ir_measures.read_trec_run(str(tmp_path / f"{world.files[0].stem}.{direction}.run")))
    found = query_figures(
        world.files[0].record, world.files[0].top_lists()[direction], judgements, direction
    )
    names = {nDCG @ 10: NDCG} | {Success(rel=2) @ k: f"R@{k} judged" for k in (1, 5, 10)}
    theirs = ir_measures.calc_aggregate(list(names), qrels, run)
    for measure, name in names.items():
        assert found[name].mean() == pytest.approx(100 * theirs[measure]), name
    assert 0 < theirs[nDCG @ 10] < 1


@pytest.mark.parametrize("decimals", [9, 0, -9])
def test_without_judgements_known_pairs_alone_count(decimals: int, tmp_path: Path) -> None:
    """Then judged recall is that of text-identical relevance, in the face of ties too."""
    world = make_world(tmp_path, decimals=decimals, seed=5)
    if decimals < 0:
        for scores in world.matrices:
            assert len(np.unique(scores)) == 2
    judgements = judged_by(world, {})
    for file in world.files:
        for direction in DIRECTIONS:
            found = query_figures(file.record, file.top_lists()[direction], judgements, direction)
            for k in (1, 5, 10):
                identical = file.record.metrics[direction]["text_identical"][f"R@{k}"].value
                strict = file.record.metrics[direction]["strict"][f"R@{k}"].value
                assert found[f"R@{k} judged"].mean() == pytest.approx(identical)
                assert found[f"R@{k} strict"].mean() == pytest.approx(strict)
                assert (found[f"R@{k} judged"] <= found[f"R@{k} at most"]).all()


def test_equal_scores_count_against_the_model() -> None:
    assert rank_of((2,), [2, 0, 0], [1.0, 0.5, 0.1], False) == 1
    assert rank_of((2,), [2, 0, 0], [1.0, 1.0, 0.1], False) == 2
    assert rank_of((2,), [0, 1, 2], [1.0, 0.5, 0.1], False) == 3
    assert rank_of((2, None), [0, None, 2], [1.0, 0.5, 0.1], False) == 2
    # Beyond the list others may share the last score.
    assert rank_of((2,), [0, 2, 0], [1.0, 0.1, 0.1], False) == INFINITY
    assert rank_of((2,), [0, 2, 0], [1.0, 0.1, 0.1], True) == 3
    assert rank_of((2,), [0, 1, None], [1.0, 0.5, 0.1], True) == INFINITY
    assert ndcg([2, 0], [0.5, 0.5], {"a": 2}) == ndcg([0, 2], [0.9, 0.5], {"a": 2})
    assert ndcg([0, 0], [0.9, 0.5], {}) == 0


def test_a_short_list_gives_no_deeper_figures(tmp_path: Path) -> None:
    world = make_world(tmp_path, runs=1)
    listed = world.files[0].top_lists()["t2v"]
    short = TopList(
        listed.query_ids,
        [line[:6] for line in listed.candidate_ids],
        [line[:6] for line in listed.scores],
    )
    found = query_figures(world.files[0].record, short, judged_by(world, {}), "t2v")
    assert set(found) == {
        *(f"R@{k} {kind}" for k in (1, 5) for kind in ("strict", "judged", "at most")),
        "unjudged@5",
    }
