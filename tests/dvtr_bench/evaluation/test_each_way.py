"""A model with scores of its own for each direction, against two models of one direction each."""

import json

import pytest

from dvtr_bench.errors import ProtocolError, ResultError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.rerank import Reranker
from dvtr_bench.models.retriever import DirectedRetriever
from dvtr_bench.results.build import require_relations
from dvtr_bench.results.files import from_text, to_text
from dvtr_bench.searching.candidates import best_candidates
from tests.fixtures.each_way import EachWay, OneWay
from tests.fixtures.memory_split import MemorySplit, varied_split

T2V, V2T = OneWay(0.0), OneWay(0.9)


@pytest.fixture(scope="module")
def split():
    return varied_split()


def run(model, split, **more):
    config = EvaluationConfig(block_captions=7, block_videos=11)
    return evaluate(model, split, config=config, show_progress=False, **more)


def require_joined(found, t2v, v2t) -> None:
    """Each direction has the ranks and the best candidates of its own model."""
    assert t2v.records[-1].ranks["v2t"] != v2t.records[-1].ranks["v2t"]
    assert t2v.records[-1].ranks["t2v"] != v2t.records[-1].ranks["t2v"]
    for way, one in (("t2v", t2v), ("v2t", v2t), ("v2t_caption", v2t)):
        for joined, single in zip(found.records, one.records, strict=True):
            assert joined.ranks[way] == single.ranks[way], way
            assert joined.metrics[way] == single.metrics[way]
        for joined, single in zip(found.top, one.top, strict=True):
            assert vars(joined[way]) == vars(single[way]), way


def test_each_direction_has_the_ranks_of_its_own_scores(split) -> None:
    assert isinstance(EachWay(T2V, V2T), DirectedRetriever)
    found = run(EachWay(T2V, V2T), split)
    require_joined(found, run(T2V, split), run(V2T, split))
    (record,) = found.records
    assert record.scoring.each_way
    names = [check.check for check in record.honesty]
    assert [f"v2t: {name}" for name in names[:4]] == names[4:]
    assert all(check.passed and check.pairs for check in record.honesty)
    assert from_text(to_text(record), "here").scoring.each_way


def test_where_there_is_no_difference_there_is_one_matrix(split) -> None:
    model = EachWay(T2V, V2T)
    model.scores_each_way = False
    found, single = run(model, split), run(T2V, split)
    assert [one.ranks for one in found.records] == [one.ranks for one in single.records]
    (record,) = found.records
    assert record.scoring.each_way is None
    assert "each_way" not in to_text(record)
    assert len(record.honesty) == 4


@pytest.mark.parametrize("name", ["dual_softmax:inverse_temperature=0.5", "qb_norm"])
def test_a_post_processor_is_fitted_to_each_direction(split, name) -> None:
    bank = MemorySplit([[f"lake {video % 30}"] for video in range(40)], name="train")
    more = {"post_process": [PostProcess.of(name)], "bank": bank}
    found, t2v, v2t = (run(one, split, **more) for one in (EachWay(T2V, V2T), T2V, V2T))
    require_joined(found, t2v, v2t)
    done, one, other = (each.records[1].scoring.post_processed for each in (found, t2v, v2t))
    assert set(done.facts) == set(one.facts)
    for fact, value in done.facts.items():
        same = one.facts[fact] == other.facts[fact]
        assert value == (
            one.facts[fact] if same else {"t2v": one.facts[fact], "v2t": other.facts[fact]}
        )
    assert from_text(to_text(found.records[1]), "here").scoring.post_processed == done


def test_either_model_of_a_reranking_may_score_each_way(split) -> None:
    second = EachWay(OneWay(0.2), OneWay(-0.8))
    found = run(EachWay(T2V, V2T), split, reranker=Reranker(second, 5))
    one = run(T2V, split, reranker=Reranker(second.of[0], 5))
    other = run(V2T, split, reranker=Reranker(second.of[1], 5))
    require_joined(found, one, other)
    assert found.records[1].ranks["v2t"] != found.records[0].ranks["v2t"]


def test_a_search_asks_the_scores_of_its_direction(split) -> None:
    model = EachWay(T2V, V2T)
    videos = [split.frames(row) for row in range(30)]
    for wanted, single in (("videos", T2V), ("texts", V2T)):
        found = []
        for one in (model, single):
            sides = (one.encode_texts(split.captions), one.encode_videos(videos))
            query, gallery = sides if wanted == "videos" else sides[::-1]
            first = {name: value[4:5] for name, value in query.items()}
            found.append(best_candidates(one, first, gallery, wanted, top=7))
        assert found[0] == found[1]


def test_scores_of_v2t_are_held_to_the_claim_too(split) -> None:
    class OverTheGallery(EachWay):
        def features_for_v2t(self, features):
            found = super().features_for_v2t(features)
            return {name: value - 0.8 * value.mean(0) for name, value in found.items()}

    class OverTheBatch(EachWay):
        def encode_texts(self, captions):
            found = super().encode_texts(captions)
            return {**found, "v2t": found["v2t"] + 0.3 * found["v2t"].mean(0)}

    for model in (OverTheGallery(T2V, V2T), OverTheBatch(T2V, V2T)):
        with pytest.raises(ProtocolError, match="claims pairwise scoring.*other batches"):
            run(model, split)


@pytest.mark.parametrize("each_way", [True, False])
def test_a_record_without_the_checks_of_v2t_is_refused(split, each_way) -> None:
    (record,) = run(EachWay(T2V, V2T), split).records
    text = to_text(record)
    if each_way:
        text = text.replace("v2t: gallery shuffled", "gallery of v2t shuffled")
    else:
        content = json.loads(text)
        assert content["scoring"].pop("each_way") is True
        text = json.dumps(content)
    with pytest.raises(ResultError, match=f"each_way is {'true' if each_way else 'absent'}"):
        require_relations(from_text(text, "here"), "here")
