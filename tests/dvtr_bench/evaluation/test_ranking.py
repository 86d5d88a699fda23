"""The two rounds over the blocks of a sim_matrix."""

from collections import Counter

import numpy as np
import pytest
import torch

from dvtr_bench.evaluation import ranking
from dvtr_bench.evaluation.ranking import count_blocks
from dvtr_bench.ranking.blocks import Grid
from dvtr_bench.ranking.ranks import RankCounter
from dvtr_bench.ranking.relevance import Relevance
from tests.oracles.naive_recall import naive_ranks

OWN = np.random.default_rng(3).integers(0, 9, 40)
CAPTIONS = [f"caption {number % 31}" for number in range(40)]
SCORES = torch.from_numpy(np.random.default_rng(4).normal(size=(40, 9)).astype(np.float32))


def _ranks(score):
    counter = RankCounter(Relevance.of(CAPTIONS, OWN, 9), "model")
    blocks = list(Grid(40, 9, 7, 4))
    count_blocks(counter, blocks, counter.wanted(blocks), score)
    table = counter.table()
    return {
        (direction, kind): ranks.pessimistic.tolist()
        for direction, kinds in table.ranks.items()
        for kind, ranks in kinds.items()
    }


def _expected():
    return {
        (direction, kind): list(ranks)
        for kind in ("strict", "text_identical")
        for direction, ranks in naive_ranks(SCORES.numpy(), CAPTIONS, OWN, 9, kind, False).items()
    }


@pytest.mark.parametrize(("room", "most_calls"), [(1 << 20, 1), (7 * 4 * 4, 2), (0, 2)])
def test_a_block_is_scored_once_while_there_is_room_to_keep_it(
    monkeypatch, room, most_calls
) -> None:
    monkeypatch.setattr(ranking, "KEPT_BYTES", room)
    calls: Counter[str] = Counter()

    def score(block):
        calls[str(block)] += 1
        return SCORES[block.captions, block.videos]

    assert _ranks(score) == _expected()
    assert max(calls.values()) == most_calls
    assert len(calls) == 18


def test_a_model_that_writes_its_scores_into_the_same_memory_is_ranked_right() -> None:
    room = torch.empty(7, 4)

    def score(block):
        scores = SCORES[block.captions, block.videos]
        return room[: scores.shape[0], : scores.shape[1]].copy_(scores)

    assert _ranks(score) == _expected()
