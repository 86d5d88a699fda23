"""TREC files: ids come back, and trec_eval agrees with our recall to the last digit."""

from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import Success

from dvtr_bench.dataset.trec_ids import decode_id, encode_id
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.results.top_lists import read_top_lists, relevant_ids, top_path
from leaderboard.exports.trec import export
from leaderboard.result_files import ResultFile
from leaderboard.trec_format import read_qrels, read_run
from tests.fixtures.scored_runs import random_split, scored_run

FIXTURE = Path(__file__).parents[1] / "fixtures" / "recall_protocol.npz"
ODD = ["", " ", "a b", "\t", "\n", "%", "%20", "。", "é\u3000x", "\u2028", "\x00", "\ud800", "# 0"]


@given(st.one_of(st.text(), st.sampled_from(ODD)))
def test_any_id_comes_back_and_never_splits_a_line(text) -> None:
    encoded = encode_id(text)
    assert decode_id(encoded) == text
    assert encoded.isascii()
    assert encoded.split() == [encoded]
    assert encoded.splitlines() == [encoded]


@given(st.lists(st.text(), max_size=20, unique=True))
def test_different_ids_stay_different(ids) -> None:
    assert len(set(map(encode_id, ids))) == len(ids)


def success(result: ResultFile, folder: Path, direction: str) -> dict[str, float]:
    """Figures by trec_eval on what was exported, in percent."""
    stem = f"{result.path.stem}.{direction}"
    found = ir_measures.iter_calc(
        [Success @ 1, Success @ 5, Success @ 10],
        ir_measures.read_trec_qrels(str(folder / f"{stem}.qrels")),
        ir_measures.read_trec_run(str(folder / f"{stem}.run")),
    )
    values: dict[str, list[float]] = {}
    for metric in found:
        values.setdefault(f"R@{metric.measure.params['cutoff']}", []).append(metric.value)
    return {name: 100.0 * sum(hits) / len(hits) for name, hits in values.items()}


def require_agreement(result: ResultFile, folder: Path) -> None:
    assert export([result], folder).notes == ()
    for direction in DIRECTIONS:
        figures = result.record.metrics[direction]["strict"]
        ours = {name: figures[name].value for name in ("R@1", "R@5", "R@10")}
        assert success(result, folder, direction) == ours, direction


@pytest.mark.parametrize("seed", range(3))
def test_trec_eval_agrees_to_the_last_digit_where_no_scores_tie(seed, tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=23, captions=71, seed=seed)
    rng = np.random.default_rng(seed)
    scores = rng.permutation(71 * 23).reshape(71, 23) / 7.0 - 100.0
    scores[np.arange(71), own] += rng.choice([0.0, 120.01], 71)
    assert len(np.unique(scores.astype(np.float32))) == scores.size
    require_agreement(scored_run(tmp_path, scores, own, video_ids, caption_ids), tmp_path)


def test_trec_eval_agrees_on_the_recall_vectors(tmp_path) -> None:
    vectors = np.load(FIXTURE)
    scores, own = vectors["sim_matrix"], vectors["caption_video_index"]
    video_ids = [f"video {number}" for number in range(scores.shape[1])]
    caption_ids = [f"{video_ids[video]} # {row}" for row, video in enumerate(own)]
    result = scored_run(tmp_path, scores, own, video_ids, caption_ids)
    require_agreement(result, tmp_path)
    assert success(result, tmp_path, "t2v")["R@1"] == pytest.approx(
        float(vectors["t2v_R1"]), abs=1e-4
    )


def test_files_read_back_are_the_lists_and_all_relevant_pairs(tmp_path) -> None:
    own, video_ids, caption_ids = random_split()
    scores = np.random.default_rng(0).normal(size=(len(own), len(video_ids)))
    result = scored_run(tmp_path, scores, own, video_ids, caption_ids)
    lists = read_top_lists(result.record, result.path)
    files = iter(export([result], tmp_path).files)
    for direction, run, qrels in zip(DIRECTIONS, files, files, strict=True):
        listed = lists[direction]
        assert read_run(run) == {
            query: dict(zip(candidates, line, strict=True))
            for query, candidates, line in zip(
                listed.query_ids, listed.candidate_ids, listed.scores, strict=True
            )
        }
        wanted = relevant_ids(result.record, lists, direction)
        assert read_qrels(qrels) == {
            query: dict.fromkeys(ids, 1)
            for query, ids in zip(listed.query_ids, wanted, strict=True)
        }
    first = (tmp_path / f"{result.path.stem}.t2v.run").read_text().splitlines()[0].split()
    assert first[1::2][:2] == ["Q0", "1"]
    assert first[5] == "msam"


def test_equal_scores_and_scores_equal_as_32_bit_floats_are_told(tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=12, captions=12)
    equal = np.zeros((12, 12))
    result = scored_run(tmp_path / "equal", equal, own, video_ids, caption_ids)
    notes = " ".join(export([result], tmp_path).notes)
    assert "t2v: the rank of 12 queries depends on the order of equal scores" in notes
    assert "32-bit" not in notes
    close = 1.0 - 1e-12 * np.random.default_rng(0).permutation(144).reshape(12, 12)
    result = scored_run(tmp_path / "close", close, own, video_ids, caption_ids)
    assert "v2t: 12 queries have different scores" in " ".join(export([result], tmp_path).notes)


def test_without_top_lists_it_says_what_is_missing(tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=3, captions=3)
    result = scored_run(tmp_path, np.eye(3), own, video_ids, caption_ids)
    top_path(result.path).unlink()
    with pytest.raises(NotFoundError, match=r"top\.parquet"):
        export([result], tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [("q Q0 d 1 0.5", "line 2: expected 6 fields, found 5"), ("q Q0 d 1 x m", "number, found 'x'")],
)
def test_a_broken_run_is_refused_with_its_line(line, message, tmp_path) -> None:
    path = tmp_path / "a.run"
    path.write_text(f"q Q0 c 1 0.5 m\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_run(path)
