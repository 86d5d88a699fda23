"""Reranking against a direct computation, its checks, and what its results say."""

import numpy as np
import pytest
import torch

from dvtr_bench.errors import ConfigError, NotANumberError, ProtocolError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.honesty import SampleConfig
from dvtr_bench.evaluation.rerank import Reranker
from dvtr_bench.evaluation.top_candidates import Best, above_the_border
from dvtr_bench.results.files import from_text, to_text
from dvtr_bench.results.record import RERANK
from tests.fixtures.memory_split import BlockModel, HonestModel, varied_split


class Second(HonestModel):
    """Sees other noise in captions, and no batch."""

    name = "second"

    def encode_texts(self, captions):
        features = super().encode_texts(captions)
        turned = torch.tensor([[len(caption) % 3 - 1.0] for caption in captions])
        return {"text_embeds": features["text_embeds"] + 0.3 * turned}

    def score(self, texts, videos):
        return -torch.cdist(texts["text_embeds"], videos["video_embeds"])


class Coarse(HonestModel):
    """Gives few different scores, so that many tie."""

    name = "coarse"

    def score(self, texts, videos):
        return (super().score(texts, videos) / 4).round()


@pytest.fixture(scope="module")
def split():
    return varied_split()


def run(split, first, second, top, **config):
    config = EvaluationConfig(block_captions=7, block_videos=11, **config)
    found = evaluate(
        first, split, config=config, reranker=Reranker(second, top), show_progress=False
    )
    return found.records


def scores_of(model, split):
    texts = model.encode_texts(split.captions)
    videos = model.encode_videos([split.frames(row) for row in range(len(split.video_ids))])
    return model.score(texts, videos).double().numpy()


def reranked(first, second, top):
    """One matrix a direction: those above the border, by the second, over all others."""
    moved = {}
    for way, one, two in (("t2v", first, second), ("v2t", first.T, second.T)):
        new = one.copy()
        for query in range(len(one)):
            falling = np.sort(one[query])[::-1]
            border = falling[top] if len(falling) > top else -np.inf
            chosen = one[query] > border
            levels = np.unique(two[query][chosen], return_inverse=True)[1]
            new[query, chosen] = 1e6 + levels
        moved[way] = new if way == "t2v" else new.T
    return moved


def pessimistic(scores, index):
    """Ranks of t2v and v2t, ties counted against the model, by definition."""
    own = scores[np.arange(len(index)), index]
    t2v = (scores >= own[:, None]).sum(1)
    sets = np.stack(
        [scores[index == video].max(0, initial=-np.inf) for video in range(scores.shape[1])]
    )
    queries = np.unique(index)
    v2t = [(sets[queries][:, video] >= sets[video, video]).sum() for video in queries]
    return t2v, np.array(v2t)


@pytest.mark.parametrize("first", [HonestModel(), Coarse()], ids=lambda model: model.name)
@pytest.mark.parametrize("top", [1, 5, 1000])
def test_ranks_are_those_of_the_definition(split, first, top) -> None:
    plain, again = run(split, first, Second(), top)
    moved = reranked(scores_of(first, split), scores_of(Second(), split), top)
    for way, place in (("t2v", 0), ("v2t", 1)):
        expected = pessimistic(moved[way], split.caption_video_index)[place]
        assert again.ranks[way].strict.pessimistic.tolist() == expected.tolist(), way
        if top == 1 and first.name == "honest":
            # One candidate in any order is the same order.
            assert again.ranks[way] == plain.ranks[way]


def test_beyond_the_candidates_ranks_stay(split) -> None:
    plain, again = run(split, HonestModel(), Second(), 4)
    before = plain.ranks["t2v"].strict.pessimistic
    after = again.ranks["t2v"].strict.pessimistic
    assert (before[before > 4] == after[before > 4]).all()
    assert (before[before <= 4] != after[before <= 4]).any()
    assert (after[before <= 4] <= 4).all()


def test_blocks_and_seeds_change_no_rank(split) -> None:
    _, one = run(split, HonestModel(), Second(), 6)
    _, other = run(split, HonestModel(), Second(), 6, sample=SampleConfig(seed=9))
    for way, ranks in one.ranks.items():
        assert other.ranks[way] == ranks
    assert other.scoring == one.scoring


def test_a_block_model_can_be_reranked_and_reranks_at_block_one(split) -> None:
    records = run(split, BlockModel(), Second(), 5)
    assert [(one.scoring.text_block, one.scoring.post_processed is None) for one in records] == [
        (4, True),
        (1, True),
        (4, False),
        (1, False),
    ]
    assert Reranker(BlockModel()).model.text_block == 1
    _, again = run(split, HonestModel(), BlockModel(), 5)
    _, same = run(split, HonestModel(), BlockModel(1), 5)
    assert again.ranks["t2v"] == same.ranks["t2v"]

    class Bare(HonestModel):
        name, scoring = "bare", "query_block"

    with pytest.raises(ConfigError, match="bare cannot rerank.*no at_block"):
        Reranker(Bare())
    with pytest.raises(ConfigError, match="at least 1 candidate"):
        Reranker(Second(), top=0)


def test_the_result_says_what_was_done(split) -> None:
    plain, again = run(split, HonestModel(), Second(), 5)
    assert plain.scoring.post_processing == "none"
    assert again.model == plain.model
    assert again.scoring.post_processing == "rerank (model=second, weights=unknown, top=5)"
    done = again.scoring.post_processed
    assert done.name == RERANK
    assert done.config == {"model": "second", "weights": "unknown", "top": 5}
    assert "whose ranks stay as they were" in done.statement
    before = plain.ranks["t2v"].strict.pessimistic
    assert done.facts["percent_within_top"]["t2v"] == pytest.approx(100 * (before <= 5).mean())
    assert done.facts["pairs"] == {"t2v": 5 * len(split.captions), "v2t": 5 * 30}
    assert again.honesty[:4] == plain.honesty
    assert [check.check for check in again.honesty[4:]] == [
        "reranker: t2v candidates among others",
        "reranker: v2t candidates among others",
        "reranker: captions encoded in other batches",
        "reranker: videos encoded in other batches",
    ]
    assert from_text(to_text(again), "again").scoring == again.scoring


class Counting(Second):
    """Scores depend on how many candidates are asked at once."""

    name = "counting"

    def score(self, texts, videos):
        size = max(len(texts["text_embeds"]), len(videos["video_embeds"]))
        return super().score(texts, videos) * (1 + 0.3 * (size == self.size))

    size = 5


class Ordered(Second):
    """Likes what is asked first."""

    name = "ordered"

    def score(self, texts, videos):
        scores = super().score(texts, videos)
        return scores - torch.arange(scores.shape[1]) - torch.arange(len(scores))[:, None]


class Remembering(Second):
    """Keeps what it was asked, and tells the checks the same."""

    name = "remembering"

    def __init__(self) -> None:
        self.told = {}

    def score(self, texts, videos):
        scores = super().score(texts, videos)
        for t, text in enumerate(texts["text_embeds"]):
            for v, video in enumerate(videos["video_embeds"]):
                key = (tuple(text.tolist()), tuple(video.tolist()))
                scores[t, v] = self.told.setdefault(key, float(scores[t, v]) - v - t)
        return scores


@pytest.mark.parametrize("cheat", [Counting(), Ordered(), Remembering()], ids=lambda m: m.name)
def test_a_reranker_that_looks_at_the_company_is_refused(split, cheat) -> None:
    with pytest.raises(ProtocolError, match=f"reranker: {cheat.name} claims pairwise scoring"):
        run(split, HonestModel(), cheat, 5)


def test_nan_names_the_query(split) -> None:
    class Lost(Second):
        def score(self, texts, videos):
            return super().score(texts, videos) * torch.nan

    with pytest.raises(NotANumberError, match="5 of the 5 candidates of 'Boat_"):
        run(split, HonestModel(), Lost(), 5)


def test_candidates_that_tie_at_the_border_are_left_out() -> None:
    rows = torch.tensor([[3, 1, 0, 2], [0, 1, 2, 3]])
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.7], [0.5, 0.5, 0.5, 0.5]])
    assert [of.tolist() for of in above_the_border(Best(rows, scores), 3)] == [[1, 3], []]
    assert [of.tolist() for of in above_the_border(Best(rows, scores), 2)] == [[1, 3], []]
    assert [of.tolist() for of in above_the_border(Best(rows, scores), 4)] == [[0, 1, 2, 3]] * 2


def test_equal_scores_everywhere_change_nothing(split) -> None:
    class Flat(HonestModel):
        name = "flat"

        def score(self, texts, videos):
            return 0 * super().score(texts, videos)

    plain, again = run(split, Flat(), Second(), 5)
    assert again.ranks["t2v"] == plain.ranks["t2v"]
    assert again.honesty == plain.honesty
