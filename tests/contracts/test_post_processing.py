"""What every file of dvtr_bench/evaluation/post_processing must keep to."""

from dataclasses import fields, is_dataclass, replace

import pytest

from dvtr_bench.catalog import POST_PROCESSORS
from dvtr_bench.errors import ConfigError, InputError, ProtocolError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.results import comparable_key, read_result, write_result
from dvtr_bench.settings import NoSettings
from tests.fixtures.cosine_model import CosineModel
from tests.fixtures.memory_split import WORDS, MemorySplit

CONFIG = EvaluationConfig(
    block_captions=16, block_videos=8, bootstrap=BootstrapConfig(resamples=100)
)
SPLIT = MemorySplit(
    [[f"{WORDS[(3 * v + n) % 8]} {WORDS[n]} {v}" for n in range(3)] for v in range(20)]
)
BANK = MemorySplit([[f"{WORDS[v % 8]} {v + 20}"] for v in range(12)], name="train")


@pytest.fixture(params=POST_PROCESSORS.names())
def name(request):
    return request.param


@pytest.fixture
def module(name):
    return POST_PROCESSORS.load(name)


def _evaluate(*texts, model=None, split=SPLIT, bank=BANK, config=CONFIG):
    return evaluate(
        model or CosineModel(),
        split,
        config=config,
        post_process=[PostProcess.of(text) for text in texts],
        bank=bank,
        show_progress=False,
    )


def test_it_says_what_it_is(module) -> None:
    config = getattr(module, "Config", NoSettings)
    assert is_dataclass(config)
    assert config() == config()
    assert isinstance(getattr(module, "NEEDS_BANK", False), bool)
    assert module.STATEMENT
    assert module.STATEMENT[-1] not in ".;,"
    assert "arXiv" in module.__doc__
    assert "differs:" in module.__doc__


def test_its_label_holds_every_setting(name, module) -> None:
    label = PostProcess.of(name).label
    assert label.startswith(name)
    assert all(f"{field.name}=" in label for field in fields(getattr(module, "Config", NoSettings)))


def test_a_record_of_its_own_stands_beside_that_of_the_scores_as_they_are(
    name, module, tmp_path
) -> None:
    raw, processed = _evaluate(name).records
    (alone,) = _evaluate().records
    assert raw.ranks == alone.ranks
    assert raw.scoring.post_processed is None
    scoring = processed.scoring
    assert scoring.post_processing == PostProcess.of(name).label
    done = scoring.post_processed
    assert done.name == name
    config = getattr(module, "Config", NoSettings)
    assert config(**done.config) == config()
    assert done.statement.startswith(module.STATEMENT)
    assert comparable_key(raw) != comparable_key(processed)
    assert comparable_key(processed) == replace(
        comparable_key(raw), post_processing=scoring.post_processing
    )
    path = write_result(processed, tmp_path)
    assert name in path.name
    assert read_result(path) == processed


def test_the_honesty_checks_are_those_of_the_raw_scores(name) -> None:
    raw, processed = _evaluate(name).records
    assert processed.honesty == raw.honesty
    assert processed.honesty
    assert "Honesty checks" in processed.scoring.post_processed.statement


def test_another_setting_has_another_table(name) -> None:
    usual, other = (PostProcess.of(text).label for text in (name, f"{name}:inverse_temperature=3"))
    assert usual != other


def test_the_best_candidates_are_those_of_its_ranks(name, tmp_path) -> None:
    evaluation = _evaluate(name)
    processed, top = evaluation.records[1], evaluation.top[1]
    assert top["t2v"].candidate_ids != evaluation.top[0]["t2v"].candidate_ids
    ranks = processed.rank_table.ranks["t2v"]["strict"]
    for query, candidates in enumerate(top["t2v"].candidate_ids):
        own = SPLIT.video_ids[SPLIT.caption_video_index[query]]
        place = candidates.index(own) + 1 if own in candidates else None
        low, high = ranks.optimistic[query], ranks.pessimistic[query]
        assert high > len(candidates) if place is None else low <= place <= high
    best = [scores for line in top["t2v"].scores for scores in [list(line)]]
    assert all(line == sorted(line, reverse=True) for line in best)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "warm"])
def test_a_temperature_that_is_none_is_refused(name, value) -> None:
    with pytest.raises(ConfigError, match="inverse_temperature"):
        PostProcess.of(f"{name}:inverse_temperature={value}")


def test_a_setting_that_is_none_is_refused(name) -> None:
    with pytest.raises(ConfigError, match="no setting 'beta': there are inverse_temperature"):
        PostProcess.of(f"{name}:beta=3")


def test_infinite_scores_are_refused(name) -> None:
    class Infinite(CosineModel):
        def score(self, texts, videos):
            scores = super().score(texts, videos)
            return scores.masked_fill(scores < 0, -float("inf"))

    with pytest.raises(InputError, match="is -inf: post-processing adds up"):
        _evaluate(name, model=Infinite())


def test_one_video_with_one_caption_can_be_post_processed(name) -> None:
    for record in _evaluate(name, split=MemorySplit([["boat 0"]])).records:
        assert record.rank_table.ranks["t2v"]["strict"].pessimistic.tolist() == [1]


def test_a_bank_is_the_train_split_of_the_same_build(name, module) -> None:
    if not getattr(module, "NEEDS_BANK", False):
        _evaluate(name, bank=None)
        return
    with pytest.raises(ConfigError, match="needs the scores of a bank of training captions"):
        _evaluate(name, bank=None)
    with pytest.raises(ProtocolError, match="never of test"):
        _evaluate(name, bank=SPLIT)
    with pytest.raises(ProtocolError, match="never of validation"):
        _evaluate(name, bank=replace(BANK, name="validation"))
    with pytest.raises(ProtocolError, match="train cannot be evaluated with itself as the bank"):
        _evaluate(name, split=replace(SPLIT, name="train"))
    other = replace(BANK)
    other.fingerprint = "e" * 64
    with pytest.raises(ProtocolError, match="Pass the train split of the same build"):
        _evaluate(name, bank=other)


def test_the_same_asked_for_twice_is_refused(name) -> None:
    with pytest.raises(ConfigError, match="asked for twice"):
        _evaluate(name, name)
