"""The file of judgements: hashed, whole, TREC qrels beside it; judged by facts."""

import json
from pathlib import Path

import pytest

from dvtr_bench.errors import InputError, NotFoundError, ResultError
from dvtr_bench.reading.json_records import to_json
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.ground_truth import judge_by_facts
from leaderboard.judging.judgements import Judgements, read_judgements
from leaderboard.trec_format import read_qrels
from tests.fixtures.grouped_split import GroupedSplit
from tests.fixtures.judged_world import make_world, save_answers


@pytest.fixture
def judgements(tmp_path: Path) -> Judgements:
    pool = make_world(tmp_path).pool(depth=3, directions=("t2v", "v2t_caption"))
    words = ["yes", "partly", "no"]
    order = [pair.pair for pair in pool.to_judge]
    files = save_answers(pool, tmp_path, "anna", lambda pair: words[order.index(pair.pair) % 3])
    return judgements_of(pool, files)[0]


def test_they_come_back(judgements: Judgements, tmp_path: Path) -> None:
    path, t2v, v2t_caption = judgements.write(tmp_path / "judged.json")
    assert (t2v.name, v2t_caption.name) == ("judged.t2v.qrels", "judged.v2t_caption.qrels")
    read = read_judgements(path)
    assert to_json(read) == to_json(judgements)
    assert repr(read) == repr(judgements)
    assert "<td" in read._repr_html_()
    wanted = {caption: {video: 2} for caption, video in judgements.own.items()}
    for group in judgements.same_text:
        for caption in group:
            wanted[caption] |= {judgements.own[other]: 2 for other in group}
    for caption, graded in judgements.grades.items():
        wanted[caption] |= graded
    assert read_qrels(t2v) == wanted
    turned: dict[str, dict[str, int]] = {}
    for caption, graded in wanted.items():
        for video, grade in graded.items():
            turned.setdefault(video, {})[caption] = grade
    assert read_qrels(v2t_caption) == turned
    assert {0, 1, 2} == {grade for graded in wanted.values() for grade in graded.values()}


def test_their_hash_is_of_what_was_judged_alone(tmp_path: Path) -> None:
    pool = make_world(tmp_path).pool(depth=2)
    anna, ben = (save_answers(pool, tmp_path, name, lambda pair: "yes") for name in ("anna", "ben"))
    first, second = (judgements_of(pool, files)[0] for files in (anna, ben))
    assert first.sha256 == second.sha256
    less = save_answers(
        pool, tmp_path, "c", lambda pair: "no" if pair is pool.to_judge[0] else "yes"
    )
    assert judgements_of(pool, less)[0].sha256 != first.sha256


def test_an_edited_file_is_refused(judgements: Judgements, tmp_path: Path) -> None:
    path = judgements.write(tmp_path / "judged.json")[0]
    whole = json.loads(path.read_text())
    caption, video = next((c, v) for c, graded in whole["grades"].items() for v in graded)

    def refused(change: dict[str, object]) -> str:
        path.write_text(json.dumps({**whole, **change}))
        with pytest.raises(ResultError) as failure:
            read_judgements(path)
        return str(failure.value)

    grade = whole["grades"][caption][video]
    edited = {**whole["grades"], caption: {**whole["grades"][caption], video: (grade + 1) % 3}}
    assert "was changed after it was written" in refused({"grades": edited})
    assert "at most 2" in refused({"grades": {caption: {video: 3}}})
    assert "format 9" in refused({"format_version": 9})
    assert "is no id of toy" in refused({"grades": {"nobody": {video: 1}}})
    assert "is no id of toy" in refused({"same_text": [["nobody", "else"]]})
    assert "'nobody' is no id of toy" in refused({"queries": {"t2v": ["nobody"]}})
    assert "captions are not those" in refused({"own": {caption: video}})
    path.write_text("[")
    with pytest.raises(ResultError):
        read_judgements(path)
    with pytest.raises(NotFoundError, match="dvtr-bench judge"):
        read_judgements(tmp_path / "none.json")


FACTS = [
    ("street", {"colour": "red", "side": "left"}, [["colour", "side", "height"], ["colour"], []]),
    ("street", {"colour": "red", "side": "right"}, [["side"], ["colour"]]),
    ("street", {"colour": "blue"}, [["colour"]]),
    ("beach", {"colour": "red"}, [["colour"], []]),
]


def facts_split() -> GroupedSplit:
    split = GroupedSplit.with_facts(FACTS)
    split.texts = [["a", "b", "traffic"], ["c", "b"], ["d"], ["e", "traffic"]]
    return split


def test_a_clip_fits_where_all_that_is_mentioned_is_true_of_it() -> None:
    split = facts_split()
    judgements = judge_by_facts(split)
    assert judgements.complete
    assert judgements.directions == ("t2v", "v2t", "v2t_caption")
    relevant = {
        caption: {split.video_ids.index(video) for video in graded}
        for caption, graded in judgements.relevant["t2v"].items()
    }
    assert list(relevant.values()) == [
        {0}, {0, 1}, {0, 1, 2, 3},
        {1}, {0, 1},
        {2},
        # "traffic" is said of a street and of the beach, so it fits all of both.
        {3}, {0, 1, 2, 3},
    ]  # fmt: skip
    assert judgements.grade("caption 0", "video 2") == 0


def test_a_dataset_without_facts_is_not_judged() -> None:
    with pytest.raises(InputError, match="only aerosynth does"):
        judge_by_facts(GroupedSplit([["x"]]))
