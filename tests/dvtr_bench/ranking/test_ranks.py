"""Streaming ranks against plain loops, on everything scores can be."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dvtr_bench.errors import InputError, NotANumberError, ProtocolError
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS
from dvtr_bench.ranking.blocks import Block, Grid
from dvtr_bench.ranking.ranks import RankCounter
from dvtr_bench.ranking.relevance import Relevance
from tests.oracles import naive_recall as naive


def _table(sim_matrix, relevance, blocks=None, **names):
    sim_matrix = torch.as_tensor(sim_matrix)
    counter = RankCounter(relevance, "model-x", **names)
    blocks = list(blocks or [Block(slice(0, sim_matrix.shape[0]), slice(0, sim_matrix.shape[1]))])
    for number in counter.wanted(blocks):
        block = blocks[number]
        counter.note_relevant(sim_matrix[block.captions, block.videos], block)
    for block in blocks:
        counter.count(sim_matrix[block.captions, block.videos], block)
    return counter.table()


@st.composite
def problems(draw):
    num_videos = draw(st.integers(1, 7))
    num_captions = draw(st.integers(1, 16))
    own = draw(
        st.lists(st.integers(0, num_videos - 1), min_size=num_captions, max_size=num_captions)
    )
    if draw(st.booleans()):
        own.sort()
    texts = st.sampled_from(["a lake", "A lake ", "a road", "", "b", "c", "d", "e", "f", "g"])
    captions = draw(st.lists(texts, min_size=num_captions, max_size=num_captions))
    if draw(st.booleans()):
        captions = [f"text {number}" for number in range(num_captions)]
    kind = draw(st.sampled_from(["random", "tied", "constant", "infinite"]))
    seed = draw(st.integers(0, 2**31))
    generator = np.random.default_rng(seed)
    shape = (num_captions, num_videos)
    sim_matrix = {
        "random": lambda: generator.normal(size=shape) - 2,
        "tied": lambda: generator.integers(-1, 2, size=shape),
        "constant": lambda: np.full(shape, -3.5),
        "infinite": lambda: generator.choice([-np.inf, -1.0, 0.0, np.inf], size=shape),
    }[kind]().astype(draw(st.sampled_from(["float32", "float64"])))
    grid = Grid(*shape, draw(st.integers(1, num_captions)), draw(st.integers(1, num_videos)))
    blocks = list(grid)
    random.Random(seed).shuffle(blocks)
    return sim_matrix, captions, own, num_videos, blocks


@settings(max_examples=80)
@given(problems())
def test_ranks_equal_the_naive_loop(problem) -> None:
    sim_matrix, captions, own, num_videos, blocks = problem
    table = _table(sim_matrix, Relevance.of(captions, own, num_videos), blocks)
    for kind in RELEVANCE_KINDS:
        for name, strictly in (("pessimistic", False), ("optimistic", True)):
            expected = naive.naive_ranks(sim_matrix, captions, own, num_videos, kind, strictly)
            for direction in DIRECTIONS:
                found = getattr(table.ranks[direction][kind], name).tolist()
                assert found == expected[direction], (direction, kind, name)


def test_the_published_vectors_agree() -> None:
    vectors = np.load(Path(__file__).parents[2] / "fixtures" / "recall_protocol.npz")
    own = vectors["caption_video_index"]
    captions = [f"text {number}" for number in range(len(own))]
    sim_matrix = vectors["sim_matrix"]
    grid = Grid(*sim_matrix.shape, block_captions=32, block_videos=16)
    table = _table(sim_matrix, Relevance.of(captions, own, sim_matrix.shape[1]), grid)
    for direction in ("t2v", "v2t"):
        ranks = table.ranks[direction]["strict"].pessimistic
        for k in (1, 5, 10):
            assert 100 * np.mean(ranks <= k) == pytest.approx(
                float(vectors[f"{direction}_R{k}"]), abs=1e-5
            )
        assert ranks.mean() == pytest.approx(float(vectors[f"{direction}_MeanR"]))
    # Both take the middle rank of an odd number of queries; for an even number the vectors take
    # the lower of the two middle ranks of T2V and we their mean: a difference by design.
    t2v = np.sort(table.ranks["t2v"]["strict"].pessimistic)
    assert t2v[(len(t2v) - 1) // 2] == vectors["t2v_MedianR"]
    assert np.median(table.ranks["v2t"]["strict"].pessimistic) == vectors["v2t_MedianR"]


def test_a_constant_model_is_ranked_last_and_its_ties_are_seen() -> None:
    relevance = Relevance.of([f"text {n}" for n in range(10)], np.repeat(np.arange(5), 2), 5)
    table = _table(np.zeros((10, 5), dtype=np.float32), relevance)
    ranks = table.ranks["t2v"]["strict"]
    assert ranks.pessimistic.tolist() == [5] * 10
    assert ranks.optimistic.tolist() == [1] * 10
    assert ranks.expected.tolist() == [3.0] * 10
    assert ranks.tied_queries == 10
    assert table.ranks["v2t_caption"]["strict"].pessimistic.tolist() == [9] * 5


def test_videos_without_captions_distract_but_do_not_ask() -> None:
    relevance = Relevance.of(["a", "b"], [0, 2], num_videos=4)
    table = _table(np.array([[1, 5, 0, 0], [0, 0, 1, 5]], dtype=np.float32), relevance)
    assert table.ranks["t2v"]["strict"].pessimistic.tolist() == [2, 2]
    assert table.ranks["v2t"]["strict"].pessimistic.tolist() == [1, 1]
    assert [table.gallery_size(d) for d in DIRECTIONS] == [4, 2, 2]
    assert table.query_videos("v2t").tolist() == [0, 2]


def test_half_precision_blocks_are_counted_as_they_are() -> None:
    relevance = Relevance.of(["a", "b"], [0, 1], num_videos=2)
    scores = torch.tensor([[1.0, 1.0001], [0.0, 1.0]], dtype=torch.bfloat16)
    assert _table(scores, relevance).ranks["t2v"]["strict"].pessimistic.tolist() == [2, 1]


def test_nan_is_an_error_that_names_model_count_and_first_place() -> None:
    relevance = Relevance.of(["a", "b", "c"], [0, 1, 1], num_videos=2)
    scores = np.zeros((3, 2), dtype=np.float32)
    scores[2, 0] = scores[1, 1] = np.nan
    names = {"caption_ids": ["q0", "q1", "q2"], "video_ids": ["Boat_1 ", "Boat_1 1"]}
    with pytest.raises(NotANumberError, match=r"model-x: 2 scores .* 'q1' and video 'Boat_1 1'"):
        _table(scores, relevance, Grid(3, 2, 2, 1), **names)


def test_a_model_that_scores_a_pair_otherwise_the_second_time_is_refused() -> None:
    relevance = Relevance.of(["a", "b"], [0, 1], num_videos=2)
    counter = RankCounter(relevance, "model-x")
    block = Block(slice(0, 2), slice(0, 2))
    counter.note_relevant(torch.zeros(2, 2), block)
    with pytest.raises(ProtocolError, match="two scores"):
        counter.count(torch.full((2, 2), 1e-7), block)


def test_every_pair_is_counted_exactly_once() -> None:
    relevance = Relevance.of(["a", "b"], [0, 1], num_videos=2)
    scores = torch.eye(2)
    left, right = (Block(slice(0, 2), slice(v, v + 1)) for v in (0, 1))
    with pytest.raises(ProtocolError, match="not every pair was counted once: video 1"):
        _table(scores, relevance, [left])
    with pytest.raises(ProtocolError, match="overlaps"):
        _table(scores, relevance, [left, right, left])
    top = Block(slice(0, 1), slice(0, 2))
    with pytest.raises(ProtocolError, match="counted twice"):
        _table(scores, relevance, [top, top])
    with pytest.raises(ProtocolError, match="overlaps"):
        _table(scores, relevance, [top, right])


def test_scores_of_another_shape_are_refused() -> None:
    counter = RankCounter(Relevance.of(["a"], [0], num_videos=2), "model-x")
    with pytest.raises(InputError, match=r"\(2, 1\): expected \(1, 2\)"):
        counter.note_relevant(torch.zeros(2, 1), Block(slice(0, 1), slice(0, 2)))
