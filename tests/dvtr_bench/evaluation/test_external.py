"""Scores that others brought go the road of our models: same ranks, same figures, same file."""

from dataclasses import replace

import numpy as np
import pytest

from dvtr_bench.errors import ConfigError, NotANumberError, ProtocolError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.evaluation_result import write_evaluation
from dvtr_bench.evaluation.external import evaluate_external
from dvtr_bench.evaluation.external_file import read_external
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.reports.kept_clips import read_kept
from dvtr_bench.results import read_result, write_result
from leaderboard.board import make_boards

CONFIG = EvaluationConfig(
    block_captions=16, block_videos=8, bootstrap=BootstrapConfig(resamples=100)
)


@pytest.fixture
def brought(tmp_path):
    """Save arrays with the ids of a split, shuffled or not, and read them again."""

    def bring(split, *, rows=None, columns=None, change=(), **arrays):
        caption_ids, video_ids = np.array(split.caption_ids), np.array(split.video_ids)
        rows = np.arange(len(caption_ids)) if rows is None else rows
        columns = np.arange(len(video_ids)) if columns is None else columns
        if "sim_matrix" in arrays:
            arrays = {"sim_matrix": arrays["sim_matrix"][rows][:, columns]}
        else:
            arrays = {
                "text_embeds": arrays["text_embeds"][rows],
                "video_embeds": arrays["video_embeds"][columns],
            }
        ids = {"caption_ids": caption_ids[rows], "video_ids": video_ids[columns]}
        path = tmp_path / "brought.npz"
        np.savez(path, **{**arrays, **ids, **dict(change)})
        return read_external(path, "sim_matrix" if len(arrays) == 1 else "embeddings")

    return bring


def _evaluate(brought, split, **options):
    options = {"model_name": "theirs", "config": CONFIG, "show_progress": False, **options}
    return evaluate_external(brought, split, **options)


def _features(model, split):
    videos = model.encode_videos([split.frames(row) for row in range(len(split.video_ids))])
    return model.encode_texts(split.captions), videos


def _scores(model, split):
    return model.score(*_features(model, split)).numpy()


def _parts(record):
    """Everything that follows from the scores."""
    return {
        name: getattr(record, name)
        for name in ("ranks", "metrics", "ties", "chance", "shared_text", "left_out")
    }


@pytest.mark.parametrize("shuffled", [(), ("rows",), ("columns",), ("rows", "columns")])
def test_a_sim_matrix_of_our_model_gives_its_ranks_and_figures(
    honest_model, split, brought, shuffled
) -> None:
    ours = evaluate(honest_model(), split, config=CONFIG, show_progress=False)
    generator = np.random.default_rng(0)
    orders = {"rows": generator.permutation(120), "columns": generator.permutation(40)}
    file = brought(
        split,
        sim_matrix=_scores(honest_model(), split),
        **{name: orders[name] for name in shuffled},
    )
    theirs = _evaluate(file, split)
    assert _parts(theirs.records[0]) == _parts(ours.records[0])
    for direction, found in theirs.top[0].items():
        assert found.candidate_ids == ours.top[0][direction].candidate_ids
        assert found.query_ids == ours.top[0][direction].query_ids


def test_embeddings_of_our_model_give_its_ranks_and_figures(honest_model, split, brought) -> None:
    (ours,) = evaluate(honest_model(), split, config=CONFIG, show_progress=False).records
    texts, videos = _features(honest_model(), split)
    file = brought(
        split,
        rows=np.random.default_rng(1).permutation(120),
        text_embeds=texts["text_embeds"].numpy(),
        video_embeds=videos["video_embeds"].double().numpy(),
    )
    (theirs,) = _evaluate(file, split).records
    assert _parts(theirs) == _parts(ours)
    assert theirs.environment.dtype == "float32"


def test_the_record_says_what_is_known_and_no_more(
    honest_model, memory_split, brought, tmp_path
) -> None:
    split = memory_split([["a 0", "b 0"], ["c 1"]], has_frames=False)
    file = brought(split, sim_matrix=np.eye(3, 2, dtype=np.float32))
    (record,) = _evaluate(file, split).records
    assert (record.kind, record.honesty) == ("external", ())
    assert record.model.name == "theirs"
    assert record.model.config == {"source": "sim_matrix"}
    assert record.model.checkpoint_sha256 == file.sha256
    assert record.dataset.frames_per_video is None
    assert (record.seconds.encode_texts, record.seconds.encode_videos) == (None, None)
    assert record.seconds.score > 0
    assert (record.scoring.scoring, record.scoring.text_block) == ("pairwise", None)
    assert split.decoded == []
    assert read_result(write_result(record, tmp_path / "results")) == record


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_scores_are_ranked_in_the_precision_they_were_saved_in(
    memory_split, brought, dtype
) -> None:
    split = memory_split([["a 0"], ["b 1"]])
    # Beyond the precision of float32 in the first row.
    scores = np.array([[1 + 1e-12, 1], [0, 1]], dtype=dtype)
    (record,) = _evaluate(brought(split, sim_matrix=scores), split).records
    assert record.environment.dtype == dtype
    expected = [2, 1] if dtype == "float16" else [1, 1]
    assert record.ranks["t2v"].strict.pessimistic.tolist() == expected


@pytest.mark.parametrize(("block", "recorded"), [(4, 4), (1, 1), (1000, 120)])
def test_a_text_block_is_part_of_the_record(honest_model, split, brought, block, recorded) -> None:
    file = brought(split, sim_matrix=_scores(honest_model(), split))
    (record,) = _evaluate(file, split, text_block=block).records
    assert (record.scoring.scoring, record.scoring.text_block) == ("query_block", recorded)
    assert record.label == f"theirs (block {recorded})"


def test_post_processing_stands_in_a_table_of_its_own(honest_model, split, brought) -> None:
    scores = _scores(honest_model(), split)
    (plain,) = _evaluate(brought(split, sim_matrix=scores), split).records
    odds = np.exp(scores - scores.max(axis=0))
    file = brought(split, sim_matrix=scores * odds / odds.sum(axis=0))
    (processed,) = _evaluate(file, split, post_processing="dual_softmax").records
    boards = make_boards([plain, processed])
    assert [board.key.post_processing for board in boards] == ["none", "dual_softmax"]
    assert [board.entries[0].label for board in boards] == ["theirs (external)"] * 2


def test_a_brought_run_stands_beside_ours_and_says_so(honest_model, split, brought) -> None:
    (ours,) = evaluate(honest_model(), split, config=CONFIG, show_progress=False).records
    (theirs,) = _evaluate(brought(split, sim_matrix=_scores(honest_model(), split)), split).records
    (board,) = make_boards([ours, theirs])
    assert {entry.label for entry in board.entries} == {"honest", "theirs (external)"}


def test_ids_are_compared_verbatim(honest_model, split, brought) -> None:
    stripped = np.array([one.strip() for one in split.video_ids])
    file = brought(split, sim_matrix=_scores(honest_model(), split), change={"video_ids": stripped})
    message = (
        r"the 40 video ids are not the 40 of toy test: 40 are missing, the first 'Boat_0 '; 40 are "
        r"not in the split, the first 'Boat_0'.*spaces included"
    )
    with pytest.raises(ProtocolError, match=message):
        _evaluate(file, split)


def test_scores_of_other_captions_are_refused(honest_model, split, brought) -> None:
    file = brought(split, sim_matrix=_scores(honest_model(), split), rows=np.arange(119))
    with pytest.raises(
        ProtocolError, match=r"caption ids .* 1 are missing, the first 'Boat_39 #2'"
    ):
        _evaluate(file, split)


def test_nan_is_named_by_ids_in_the_order_of_the_split(honest_model, split, brought) -> None:
    scores = _scores(honest_model(), split)
    scores[[5, 100], [7, 3]] = np.nan
    file = brought(split, sim_matrix=scores, rows=np.arange(120)[::-1])
    message = r"theirs: 2 scores are NaN, the first for caption 'Boat_1 #2' and video 'Boat_7 '"
    with pytest.raises(NotANumberError, match=message):
        _evaluate(file, split)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_vectors_that_hold_no_numbers_are_named(split, brought, value) -> None:
    video_embeds = np.ones((40, 4))
    video_embeds[[3, 9], 1] = value
    file = brought(split, text_embeds=np.ones((120, 4)), video_embeds=video_embeds)
    with pytest.raises(NotANumberError, match=r"theirs: video_embeds of 2 ids .* 'Boat_3 '"):
        _evaluate(file, split)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_name": " "}, "model's name is empty"),
        ({"post_processing": ""}, "post-processing is empty"),
        ({"text_block": 0}, "at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(split, brought, options, message) -> None:
    with pytest.raises(ConfigError, match=message):
        _evaluate(brought(split, sim_matrix=np.zeros((120, 40))), split, **options)


def test_vectors_have_no_text_block(split, brought) -> None:
    file = brought(split, text_embeds=np.ones((120, 4)), video_embeds=np.ones((40, 4)))
    with pytest.raises(ConfigError, match="bring the sim_matrix"):
        _evaluate(file, split, text_block=4)


def test_a_split_without_videos_is_refused_before_anything(memory_split, split, brought) -> None:
    file = brought(split, sim_matrix=np.zeros((120, 40)))
    with pytest.raises(LookupError, match="0 captions"):
        _evaluate(file, memory_split([[], []]))


def test_where_there_are_frames_a_contact_sheet_is_drawn(
    honest_model, split, brought, tmp_path
) -> None:
    evaluation = _evaluate(brought(split, sim_matrix=_scores(honest_model(), split)), split)
    paths = write_evaluation(evaluation, split, tmp_path / "results")
    result, *others = paths
    assert result.name.startswith("toy-test-theirs-")
    assert others == [result.with_suffix(".top.parquet"), result.with_suffix(".png")]
    assert all(path.is_file() for path in paths)


def test_sheets_and_what_is_kept_are_numbered_like_their_result_files(
    honest_model, split, brought, tmp_path
) -> None:
    scores = _scores(honest_model(), split)
    written = []
    for sign in (1, -1):
        evaluation = _evaluate(brought(split, sim_matrix=sign * scores), split)
        evaluation = replace(
            evaluation,
            records=tuple(
                replace(record, model=replace(record.model, checkpoint_sha256=None))
                for record in evaluation.records
            ),
        )
        written.append(write_evaluation(evaluation, split, tmp_path, queries="worst", browse=2))
    endings = (".json", ".top.parquet", ".browse.parquet", ".png")
    assert [[path.name for path in paths] for paths in written] == [
        [f"toy-test-theirs{number}{ending}" for ending in endings] for number in ("", "-2")
    ]
    sheets = [paths[-1].read_bytes() for paths in written]
    assert sheets[0] != sheets[1]
    record = read_result(written[0][0])
    kept = read_kept(record, written[0][0])
    assert kept.captions == list(split.captions)
    # A split in memory states no licence, so its frames are not kept.
    assert not kept.thumbnails


def test_the_record_is_the_same_with_and_without_what_the_browser_needs(
    honest_model, split, brought, tmp_path
) -> None:
    evaluation = _evaluate(brought(split, sim_matrix=_scores(honest_model(), split)), split)
    plain = write_evaluation(evaluation, split, tmp_path / "plain")
    kept = write_evaluation(evaluation, split, tmp_path / "kept", browse=200)
    assert plain[0].read_bytes() == kept[0].read_bytes()
    assert plain[1].read_bytes() == kept[1].read_bytes()
