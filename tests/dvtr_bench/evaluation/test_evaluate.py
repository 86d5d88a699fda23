"""Evaluation end to end on a split in memory."""

import json

import numpy as np
import pytest
import torch

from dvtr_bench.errors import ConfigError, InputError, NotFoundError, ProtocolError, ResultError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.results import read_result, write_result
from dvtr_bench.results.record import TrainingFacts
from dvtr_bench.results.setups import contamination
from leaderboard.board import make_boards
from tests.oracles.naive_recall import naive_ranks

QUICK = BootstrapConfig(resamples=100)


def _evaluate(model, split, **sizes):
    sizes = {"block_captions": 16, "block_videos": 8, "video_batch": 7, "text_batch": 11, **sizes}
    config = EvaluationConfig(bootstrap=QUICK, **sizes)
    return evaluate(model, split, config=config, show_progress=False)


def _whole_matrix(model, split):
    videos = model.encode_videos([split.frames(row) for row in range(len(split.video_ids))])
    return model.score(model.encode_texts(split.captions), videos).numpy()


def test_ranks_are_those_of_the_whole_matrix(honest_model, split) -> None:
    (record,) = _evaluate(honest_model(), split).records
    scores = _whole_matrix(honest_model(), split)
    expected = naive_ranks(scores, split.captions, split.caption_video_index, 40, "strict", False)
    for direction in DIRECTIONS:
        assert list(record.ranks[direction].strict.pessimistic) == expected[direction]
    assert record.metrics["t2v"]["strict"]["R@1"].value > 50


@pytest.mark.parametrize(
    "sizes", [{}, {"block_captions": 1, "block_videos": 3}, {"block_videos": 99}]
)
def test_blocks_and_batches_change_nothing(honest_model, split, sizes) -> None:
    (record,) = _evaluate(honest_model(), split, **sizes).records
    (other,) = _evaluate(honest_model(), split, video_batch=40, text_batch=120).records
    assert record.ranks == other.ranks
    assert record.metrics == other.metrics


def test_the_best_candidates_of_each_query_come_with_it(honest_model, split) -> None:
    (top,) = _evaluate(honest_model(), split).top
    scores = _whole_matrix(honest_model(), split)
    own = split.caption_video_index
    by_set = np.stack([scores[own == video].max(axis=0) for video in range(40)])
    expected = {
        "t2v": (scores, split.caption_ids, split.video_ids),
        "v2t": (by_set.T, split.video_ids, split.video_ids),
        "v2t_caption": (scores.T, split.video_ids, split.caption_ids),
    }
    for direction, (matrix, queries, gallery) in expected.items():
        order = np.argsort(-matrix, axis=1, kind="stable")[:, :10]
        found = top[direction]
        assert tuple(found.query_ids) == queries
        assert found.candidate_ids == [[gallery[row] for row in line] for line in order]
        assert np.array(found.scores) == pytest.approx(
            np.take_along_axis(matrix, order, 1), rel=1e-5
        )


def test_a_small_gallery_gives_fewer_candidates_and_fewer_figures(
    honest_model, memory_split
) -> None:
    evaluation = _evaluate(honest_model(), memory_split([["a 0"], ["b 1", "c 1"], ["d 2"]]))
    lengths = {name: len(top.candidate_ids[0]) for name, top in evaluation.top[0].items()}
    assert lengths == {"t2v": 3, "v2t": 3, "v2t_caption": 4}
    (record,) = evaluation.records
    assert set(record.metrics["t2v"]["strict"]) == {"R@1", "MdR", "MdR-lower", "MnR"}
    assert len(record.left_out) == 7


def test_one_video_can_be_evaluated(honest_model, memory_split) -> None:
    (record,) = _evaluate(honest_model(), memory_split([["a 0", "b 0"]])).records
    assert record.metrics["t2v"]["strict"]["R@1"].value == 100


def test_videos_without_captions_are_candidates_counted_in_the_record(
    honest_model, memory_split
) -> None:
    captions = [["a 0"], [], ["b 2"], []]
    (record,) = _evaluate(honest_model(), memory_split(captions)).records
    assert record.dataset.num_videos_without_captions == 2
    assert len(record.ranks["v2t"].strict.pessimistic) == 2
    assert record.chance["t2v"] == {"R@1": 25.0}


def test_the_record_says_what_was_run(honest_model, split) -> None:
    model = honest_model()
    model.describe = lambda: {
        "config": {"width": 16},
        "parameters": 12,
        "backbone": {"source": "tiny", "weights_sha256": "a" * 64},
    }
    config = EvaluationConfig(bootstrap=QUICK)
    evaluation = evaluate(
        model, split, config=config, checkpoint_sha256="b" * 64, seeds=(42,), show_progress=False
    )
    (record,) = evaluation.records
    assert (record.kind, record.dataset.split, record.dataset.sampling) == (
        "model",
        "test",
        "uniform:2",
    )
    assert (record.dataset.num_videos, record.dataset.num_captions) == (40, 120)
    assert record.dataset.frames_per_video == 2
    assert record.model.config == {"width": 16}
    assert (record.model.num_parameters, record.model.backbone) == (12, "tiny")
    assert (record.model.checkpoint_sha256, record.model.seeds) == ("b" * 64, (42,))
    assert (record.environment.device, record.environment.dtype) == ("cpu", "float32")
    assert record.environment.libraries["torch"] == torch.__version__.split("+")[0]
    assert min(record.seconds.encode_texts, record.seconds.encode_videos, record.seconds.score) > 0
    assert record.shared_text.ceiling == 100
    assert [check.check for check in record.honesty] == [
        "queries shuffled and re-blocked",
        "gallery shuffled and re-chunked",
        "captions encoded in other batches",
        "videos encoded in other batches",
    ]


def test_each_video_is_decoded_once_for_each_purpose_and_a_few_again_to_check(
    honest_model, split
) -> None:
    _evaluate(honest_model(), split)
    assert split.decoded[:40] == list(range(40))
    # Once for the model and once for the change from frame to frame, which is kept on disk.
    assert split.decoded[40:80] == list(range(40))
    assert len(split.decoded) == 40 + 40 + 8


def test_a_query_block_model_is_scored_as_published_and_alone(block_model, split) -> None:
    published, alone = _evaluate(block_model(text_block=4), split).records
    assert (published.scoring.scoring, published.scoring.text_block) == ("query_block", 4)
    assert (alone.scoring.scoring, alone.scoring.text_block) == ("query_block", 1)
    assert published.scoring.order == "file"
    assert published.ranks != alone.ranks
    assert "queries shuffled and re-blocked" in [check.check for check in alone.honesty]


@pytest.mark.parametrize("block_captions", [1, 6, 100])
def test_blocks_of_queries_are_never_cut(block_model, split, block_captions) -> None:
    published, _ = _evaluate(block_model(5), split, block_captions=block_captions).records
    scores = _whole_matrix(block_model(5), split)
    expected = naive_ranks(scores, split.captions, split.caption_video_index, 40, "strict", False)
    assert list(published.ranks["t2v"].strict.pessimistic) == expected["t2v"]


def test_a_block_of_all_queries_is_recorded_with_its_size(block_model, split) -> None:
    published, alone = _evaluate(block_model(2**31 - 1), split).records
    assert (published.scoring.text_block, alone.scoring.text_block) == (120, 1)


def test_a_published_block_of_one_gives_one_record(block_model, split) -> None:
    assert len(_evaluate(block_model(1), split).records) == 1


def test_a_query_block_model_must_say_its_block(honest_model, split) -> None:
    model = honest_model()
    model.scoring = "query_block"
    with pytest.raises(ProtocolError, match=r"text_block and at_block"):
        _evaluate(model, split)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"score": lambda self, t, v: torch.zeros(1, 1)}, r"expected floats, \(16, 8\)"),
        ({"score": lambda self, t, v: torch.zeros(16, 8, dtype=torch.int64)}, "int64"),
        ({"encode_texts": lambda self, c: {"x": torch.zeros(1, 4)}}, "encode_texts of 11 items"),
        ({"encode_texts": lambda self, c: {}}, "encode_texts of 11 items"),
        (
            {"encode_texts": lambda self, c: {"x": torch.zeros(len(c), len(c[0]))}},
            "pad to a fixed length",
        ),
    ],
)
def test_a_model_that_breaks_the_contract_is_told_how(
    honest_model, memory_split, members, message
) -> None:
    split = memory_split([[f"{'x' * row} {row}"] for row in range(40)])
    with pytest.raises(InputError, match=message):
        _evaluate(type("Broken", (honest_model,), members)(), split)


def test_an_annotations_only_dataset_says_what_to_do(honest_model, memory_split) -> None:
    with pytest.raises(NotFoundError, match="--clips DIR"):
        _evaluate(honest_model(), memory_split([["a 0"]], has_frames=False))


def test_a_split_without_captions_is_refused(honest_model, memory_split) -> None:
    with pytest.raises(NotFoundError, match="2 videos and 0 captions"):
        _evaluate(honest_model(), memory_split([[], []]))


def test_a_failing_decode_stops_the_run(honest_model, memory_split) -> None:
    class Broken(memory_split):
        def frames(self, index):
            if index == 3:
                raise InputError("frame 0 of Boat_3 is cut in half")
            return super().frames(index)

    with pytest.raises(InputError, match="cut in half"):
        _evaluate(honest_model(), Broken([[f"a {row}"] for row in range(30)]))


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        EvaluationConfig(video_batch=0)


def test_a_model_that_may_have_seen_the_clips_is_marked_in_its_file(
    honest_model, split, tmp_path
) -> None:
    def trained_on(name: str, fingerprint: str):
        training = TrainingFacts(name, fingerprint, {"seed": 1}, 1, 40.0)
        config = EvaluationConfig(bootstrap=QUICK)
        found = evaluate(honest_model(), split, config=config, training=training)
        return found.records[0]

    seen = trained_on(split.dataset_name, "0" * 64)
    read = read_result(write_result(seen, tmp_path))
    assert read.contamination == seen.contamination
    assert "another build of toy" in contamination(read)
    clean = trained_on(split.dataset_name, split.fingerprint)
    path = write_result(clean, tmp_path / "clean")
    assert "contamination" not in json.loads(path.read_text())
    assert contamination(read_result(path)) == ""


def test_captions_that_are_cut_are_counted_said_and_kept(
    honest_model, memory_split, tmp_path
) -> None:
    long = "a long road " * 3
    split = memory_split([[f"{long}0", "a lake 0"], [f"{long}1"], [f"{long}2"], ["a field 3"]])

    class Short(honest_model):
        def tokens_read(self, captions):
            words = [caption.split()[:4] for caption in captions]
            numbers = {
                word: n for n, word in enumerate(sorted({w for row in words for w in row}), 1)
            }
            read = np.zeros((len(captions), 4), dtype=np.int64)
            for row, found in enumerate(words):
                read[row, : len(found)] = [numbers[word] for word in found]
            return read, np.array([len(caption.split()) > 4 for caption in captions])

    (record,) = _evaluate(Short(), split).records
    cut = record.cut_captions
    assert (cut.tokens, cut.cut, cut.alike) == (4, 3, 3)
    assert cut.ceiling == pytest.approx(100 * (1 / 3 + 1 + 1 / 3 + 1 / 3 + 1) / 5)
    path = write_result(record, tmp_path)
    assert read_result(path) == record
    (board,) = make_boards([record])
    (told,) = [note for note in board.notes if "tokens" in note]
    assert "3 captions have more than the 4 tokens" in told
    assert "at most 60.0" in told
    (whole,) = _evaluate(honest_model(), split).records
    assert whole.cut_captions is None
    assert "cut_captions" not in json.loads(write_result(whole, tmp_path / "whole").read_text())
    changed = json.loads(path.read_text())
    changed["cut_captions"]["cut"] = 99
    path.write_text(json.dumps(changed))
    with pytest.raises(ResultError, match="99 cut and 3 alike, but the split has 5 captions"):
        read_result(path)
