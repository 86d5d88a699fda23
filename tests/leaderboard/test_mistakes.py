"""What first clips get wrong: by hand, against a loop, and as it is read."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import dvtr_bench as dvtr
from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.results.top_lists import TopList
from leaderboard.mistakes import Mistakes, find_mistakes
from tests.fixtures.grouped_split import GroupedSplit

TURNS = {"colour": "red", "side": "left"}
VIDEOS = [
    ("street", TURNS, [["colour", "side", "order"], ["colour"], ["side"], []]),
    ("street", {"colour": "red", "side": "right"}, [["side"]]),
    ("street", {"colour": "blue"}, [["colour"]]),
    ("beach", {"colour": "red"}, [["colour"]]),
]
FIRST = [2, 1, 1, 3, 1, 2, 0]
"""Of each caption: wrong in both, fits, wrong side, another category, right, right, another."""


def _found(split: GroupedSplit, first: list[int]) -> TopList:
    candidates = [[split.video_ids[video]] for video in first]
    return TopList(split.caption_ids, candidates, [[1.0]] * len(first))


@pytest.fixture
def mistakes() -> Mistakes:
    split = GroupedSplit.with_facts(VIDEOS)
    return find_mistakes(split, _found(split, FIRST), "a run")


def test_by_hand(mistakes: Mistakes) -> None:
    shares = (mistakes.right, mistakes.fitting, mistakes.other_facts, mistakes.other_category)
    assert shares == pytest.approx([100 * part / 7 for part in (2, 1, 2, 2)])
    side, colour = mistakes.facts
    assert (side.fact, side.mentioned) == ("side", 3)
    # Of three streets one turns left and one right; the third has no side.
    assert (side.wrong, side.random, side.alone) == pytest.approx((200 / 3, 200 / 3, 100 / 3))
    assert (colour.fact, colour.mentioned) == ("colour", 3)
    assert colour.wrong == pytest.approx(100 / 3)
    assert colour.random == pytest.approx(100 * (1 / 3 + 1 / 3 + 2 / 3) / 3)
    assert colour.alone == 0


def test_shares_equal_a_loop() -> None:
    generator = np.random.default_rng(0)
    names = ("colour", "count", "side")
    videos = [
        (
            "ab"[generator.integers(2)],
            {name: "xyz"[generator.integers(3)] for name in names},
            [[name for name in names if generator.random() < 0.6] for _ in range(3)],
        )
        for _ in range(30)
    ]
    split = GroupedSplit.with_facts(videos)
    first = generator.integers(30, size=90).tolist()
    mistakes = find_mistakes(split, _found(split, first))
    for name in names:
        outcomes = [
            videos[one][1][name] != videos[caption // 3][1][name]
            for caption, one in enumerate(first)
            if videos[one][0] == videos[caption // 3][0]
            and name in videos[caption // 3][2][caption % 3]
        ]
        fact = next(fact for fact in mistakes.facts if fact.fact == name)
        assert fact.mentioned == len(outcomes)
        assert fact.wrong == pytest.approx(100 * np.mean(outcomes))
    whole = mistakes.right + mistakes.fitting + mistakes.other_facts + mistakes.other_category
    assert whole == pytest.approx(100)


def test_what_is_read(mistakes: Mistakes, tmp_path: Path) -> None:
    stream = io.StringIO()
    mistakes.print(Console(file=stream, width=80))
    told = " ".join(stream.getvalue().split())
    assert "28.6% are their own, 14.3% are others that fit all that is mentioned" in told
    assert "side 3 66.7 66.7 33.3" in told
    written = mistakes.write(tmp_path / "facts.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert rows[0] == {
        "fact": "side",
        "mentioned": "3",
        "wrong": "66.67",
        "random": "66.67",
        "alone": "33.33",
    }
    assert mistakes.to_frame()["fact"].tolist() == ["side", "colour"]
    assert "<td" in mistakes._repr_html_()


def test_a_dataset_without_facts_is_refused() -> None:
    split = GroupedSplit([["x"]])
    with pytest.raises(InputError, match="toy does not know the facts of its clips"):
        find_mistakes(split, _found(split, [0]))


def test_lists_of_another_split_are_refused() -> None:
    split = GroupedSplit.with_facts(VIDEOS)
    found = _found(split, FIRST)
    with pytest.raises(ResultError, match="other captions"):
        find_mistakes(split, TopList(found.query_ids[1:], found.candidate_ids, found.scores))
    strangers = [["no such video"], *found.candidate_ids[1:]]
    with pytest.raises(ResultError, match="'caption 0' names no video of this split first"):
        find_mistakes(split, TopList(found.query_ids, strangers, found.scores))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> EvaluationResult:
    dataset = dvtr.build("aerosynth", root=tmp_path_factory.mktemp("dvtr"), size="tiny")
    model = dvtr.load_model("clip_zeroshot", backbone="tiny-scratch")
    return dvtr.evaluate(model, dataset)


def test_from_python_what_evaluate_returned_is_enough(evaluated: EvaluationResult) -> None:
    mistakes = dvtr.find_mistakes(evaluated)
    recall = evaluated.record.metrics["t2v"]["strict"]["R@1"].value
    assert mistakes.right == pytest.approx(recall)
    assert mistakes.title.startswith("clip_zeroshot on aerosynth-tiny")


def test_judged_by_facts_the_same_first_clips_fit(
    evaluated: EvaluationResult, tmp_path: Path
) -> None:
    split, listed = evaluated.split, evaluated.evaluation.top[0]["t2v"]
    judgements = dvtr.judge_by_facts(split.folder, out=tmp_path / "judged.json")
    category = dict(zip(split.video_ids, split.categories, strict=True))
    firsts = [
        (caption, candidates[0])
        for caption, candidates in zip(listed.query_ids, listed.candidate_ids, strict=True)
    ]
    fits = [judgements.grade(caption, video) == 2 for caption, video in firsts]
    same = [category[judgements.own[caption]] == category[video] for caption, video in firsts]
    mistakes = dvtr.find_mistakes(evaluated)
    both = 100 * sum(a and b for a, b in zip(fits, same, strict=True)) / len(fits)
    assert both == pytest.approx(mistakes.right + mistakes.fitting)
    (board,) = dvtr.make_leaderboard(evaluated, judged=tmp_path / "judged.json").judged
    figures = board.rows[0].figures
    assert figures["t2v", "R@1 judged"].value == pytest.approx(100 * sum(fits) / len(fits))
    for caption, own in judgements.own.items():
        others = judgements.known_videos(caption) - {own}
        assert others <= set(judgements.grades.get(caption, {})), "one text, but it does not fit"
