"""Dual softmax and QB-Norm against their published formulas on whole matrices."""

import numpy as np
import pytest

from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from tests.fixtures.cosine_model import CosineModel
from tests.fixtures.memory_split import WORDS, BlockModel, MemorySplit
from tests.oracles.naive_post_processing import both_ways, dual_softmax, dynamic_inverted_softmax
from tests.oracles.naive_recall import naive_ranks

BLOCKS = {"block_captions": 16, "block_videos": 7}


@pytest.fixture(scope="module")
def split():
    return MemorySplit(
        [
            [f"{WORDS[(3 * v + n) % 8]} {WORDS[n % 8]} {v}" for n in range(1 + v % 4)]
            for v in range(30)
        ]
    )


class OtherVideos(MemorySplit):
    """Videos of which none is in `MemorySplit`."""

    def frames(self, index):
        return super().frames(index + 100)


@pytest.fixture(scope="module")
def bank():
    return OtherVideos(
        [[f"{WORDS[(v + n) % 8]} {WORDS[v % 8]} {v + 100}" for n in range(2)] for v in range(25)],
        name="train",
    )


def _features(model, split):
    videos = [split.frames(row) for row in range(len(split.video_ids))]
    return model.encode_texts(split.captions), model.encode_videos(videos)


def _records(model, split, text, bank=None, **sizes):
    config = EvaluationConfig(**{**BLOCKS, **sizes}, bootstrap=BootstrapConfig(resamples=100))
    return evaluate(
        model,
        split,
        config=config,
        post_process=[PostProcess.of(text)],
        bank=bank,
        show_progress=False,
    )


def _expected(split, t2v, v2t):
    """Naive ranks by direction, kind and assumption, each direction from its own matrix."""
    found = {}
    for kind in ("strict", "text_identical"):
        for strictly in (False, True):
            one, other = (
                naive_ranks(
                    matrix,
                    split.captions,
                    split.caption_video_index,
                    len(split.video_ids),
                    kind,
                    strictly,
                )
                for matrix in (t2v, v2t)
            )
            found[kind, strictly] = {**other, "t2v": one["t2v"]}
    return found


def _require_ranks(record, expected) -> None:
    for (kind, strictly), ranks in expected.items():
        for direction, wanted in ranks.items():
            lists = record.rank_table.ranks[direction][kind]
            found = lists.optimistic if strictly else lists.pessimistic
            assert found.tolist() == wanted, (direction, kind, strictly)


@pytest.mark.parametrize("inverse_temperature", [1, 100])
def test_dual_softmax_is_the_whole_matrix_formula(split, inverse_temperature) -> None:
    model = CosineModel()
    text = f"dual_softmax:inverse_temperature={inverse_temperature}"
    raw, processed = _records(model, split, text).records
    scores = model.score(*_features(model, split)).numpy()
    matrices = both_ways(dual_softmax, scores, inverse_temperature=inverse_temperature)
    _require_ranks(processed, _expected(split, *matrices))
    assert processed.ranks != raw.ranks


def test_each_direction_has_a_softmax_of_its_own(split) -> None:
    """The matrix of t2v gives other ranks for v2t: code that uses one for both is caught."""
    model = CosineModel()
    _, processed = _records(model, split, "dual-softmax").records
    scores = model.score(*_features(model, split)).numpy()
    t2v, _ = both_ways(dual_softmax, scores, inverse_temperature=100)
    wrong = _expected(split, t2v, t2v)["strict", False]
    lists = processed.rank_table.ranks
    assert lists["t2v"]["strict"].pessimistic.tolist() == wrong["t2v"]
    assert lists["v2t_caption"]["strict"].pessimistic.tolist() != wrong["v2t_caption"]


@pytest.mark.parametrize(("captions", "videos"), [("none", "none"), (7, 3), (50, 25)])
def test_qb_norm_is_the_dynamic_inverted_softmax(split, bank, captions, videos) -> None:
    model = CosineModel()
    text = f"qb_norm:inverse_temperature=20,bank_captions={captions},bank_videos={videos}"
    raw, processed = _records(model, split, text, bank).records
    texts, gallery = _features(model, split)
    bank_texts, bank_videos = _features(model, bank)
    rows = slice(None) if captions == "none" else np.arange(captions) * 50 // captions
    columns = slice(None) if videos == "none" else np.arange(videos) * 25 // videos
    by_captions = model.score(bank_texts, gallery).numpy()[rows]
    by_videos = model.score(texts, bank_videos).numpy()[:, columns]
    scores = model.score(texts, gallery).numpy()
    matrices = both_ways(
        dynamic_inverted_softmax, scores, by_captions, by_videos, inverse_temperature=20
    )
    _require_ranks(processed, _expected(split, *matrices))
    assert processed.ranks != raw.ranks
    facts = processed.scoring.post_processed.facts
    assert (facts["bank_captions"], facts["bank_videos"]) == by_captions.shape[:1] + (
        by_videos.shape[1],
    )
    hubs = set(by_captions.argmax(1))
    assert facts["videos_found_by_bank"] == len(hubs)
    nearest = scores.argmax(1)
    assert facts["normalised_queries_t2v"] == sum(video in hubs for video in nearest)


def test_queries_whose_nearest_no_bank_query_finds_keep_their_ranks(split, bank) -> None:
    """Only the dynamic part knows them: the plain inverted softmax moves some of their ranks."""
    model = CosineModel()
    raw, processed = _records(model, split, "qb_norm:bank_captions=3,bank_videos=2", bank).records
    texts, gallery = _features(model, split)
    bank_texts, _ = _features(model, bank)
    hubs = set(model.score(bank_texts, gallery).numpy()[[0, 16, 33]].argmax(1))
    quiet = [video not in hubs for video in model.score(texts, gallery).numpy().argmax(1)]
    before, after = (
        record.rank_table.ranks["t2v"]["strict"].pessimistic for record in (raw, processed)
    )
    assert 0 < sum(quiet) < len(quiet)
    assert (before[quiet] == after[quiet]).all()
    assert (before != after).any()


@pytest.mark.parametrize("text", ["dual_softmax:inverse_temperature=0.5", "qb_norm"])
def test_a_block_of_texts_stays_together_in_the_run_and_in_the_bank(split, bank, text) -> None:
    published, alone, *processed = _records(BlockModel(4), split, text, bank).records
    assert [published.scoring.text_block, alone.scoring.text_block] == [4, 1]
    assert [one.scoring.text_block for one in processed] == [4, 1]
    for record in processed:
        model = BlockModel(record.scoring.text_block)
        texts, gallery = _features(model, split)
        bank_texts, bank_videos = _features(model, bank)
        scores = model.score(texts, gallery).numpy()
        if text == "qb_norm":
            banks = [model.score(bank_texts, gallery), model.score(texts, bank_videos)]
            matrices = both_ways(
                dynamic_inverted_softmax,
                scores,
                *(one.numpy() for one in banks),
                inverse_temperature=20,
            )
        else:
            matrices = both_ways(dual_softmax, scores, inverse_temperature=0.5)
        _require_ranks(record, _expected(split, *matrices))


@pytest.mark.parametrize("text", ["dual_softmax", "qb_norm"])
@pytest.mark.parametrize(
    "sizes",
    [{"block_captions": 9, "block_videos": 4}, {"block_captions": 500}, {"block_videos": 11}],
)
def test_the_size_of_blocks_changes_nothing(split, bank, text, sizes) -> None:
    whole = {"block_captions": 4096, "block_videos": 256}
    one = _records(CosineModel(), split, text, bank, **whole)
    other = _records(CosineModel(), split, text, bank, **sizes)
    assert [record.ranks for record in one.records] == [record.ranks for record in other.records]


@pytest.mark.parametrize("text", ["dual_softmax", "qb_norm"])
@pytest.mark.parametrize("score", [0.0, -3.0])
def test_a_model_that_scores_everything_alike_gets_nothing(split, bank, text, score) -> None:
    class Constant(CosineModel):
        def score(self, texts, videos):
            return super().score(texts, videos) * 0 + score

    raw, processed = _records(Constant(), split, text, bank).records
    for direction in ("t2v", "v2t", "v2t_caption"):
        gallery = processed.rank_table.gallery_size(direction)
        own = 1 if direction != "v2t_caption" else None
        ranks = processed.rank_table.ranks[direction]["strict"]
        assert (ranks.optimistic == 1).all()
        assert own is None or (ranks.pessimistic == gallery).all()
        assert processed.metrics[direction]["strict"]["R@1"].value == 0
    assert processed.ranks == raw.ranks
