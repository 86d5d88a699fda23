"""Answers: files of pages and CSV files, of several sittings and judges; what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.errors import InputError, NotFoundError
from leaderboard.judging.answers import read_answers
from leaderboard.judging.collect import agreements, cohens_kappa, judgements_of
from leaderboard.judging.judgements import Judgements
from leaderboard.judging.pool import Pool
from leaderboard.judging.pool_folder import write_batch_csv
from tests.fixtures.judged_world import make_world, save_answers, saved


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return make_world(tmp_path_factory.mktemp("world")).pool(depth=3, batch_pairs=25)


def fill_in(
    path: Path, answers: dict[str, str], delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    """Fill in the last column of a CSV file, as a spreadsheet saves it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "answer": answers.get(row["pair"], "")} for row in rows)
    return path


def grades(judgements: Judgements) -> dict[tuple[str, str], int]:
    return {(c, v): g for c, graded in judgements.grades.items() for v, g in graded.items()}


def test_csv_and_page_say_the_same(pool: Pool, tmp_path: Path) -> None:
    words = ["yes", "partly", "no", "skip"]
    wanted = {pair.pair: words[n % 4] for n, pair in enumerate(pool.batch(1))}
    page = tmp_path / "answers.json"
    page.write_text(json.dumps(saved(pool, 1, "anna", wanted)))
    assert read_answers(pool, [page]) == {"anna": wanted}
    for number, (delimiter, encoding) in enumerate(
        [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")]
    ):
        path = write_batch_csv(pool.batch(1), tmp_path / f"{number}.csv")
        spelled = {pair: word.upper()[: 1 + number] for pair, word in wanted.items()}
        if number == 1:
            spelled = {
                pair: {"yes": "2", "partly": "1", "no": "0"}.get(w, "s")
                for pair, w in wanted.items()
            }
        if number == 2:
            spelled = {pair: f" {word.title()} " for pair, word in wanted.items()}
        fill_in(path, spelled, delimiter, encoding)
        assert read_answers(pool, [f"ben={path}"]) == {"ben": wanted}


def test_sittings_are_joined_and_open_cells_are_no_answers(pool: Pool, tmp_path: Path) -> None:
    first, second = pool.batch(1)[:3], pool.batch(1)[2:6]
    for name, pairs in (("one", first), ("two", second)):
        fill_in(
            write_batch_csv(pool.batch(1), tmp_path / f"{name}.csv"),
            {pair.pair: "no" for pair in pairs},
        )
    files = [f"a={tmp_path / name}.csv" for name in ("one", "two")]
    other = save_answers(pool, tmp_path, "a", lambda pair: "yes" if pair.batch == 2 else None)
    found = read_answers(pool, [*files, *other])
    assert found["a"] == {pair.pair: "no" for pair in pool.batch(1)[:6]} | {
        pair.pair: "yes" for pair in pool.batch(2)
    }


def test_a_judge_must_not_contradict_herself(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    older = save_answers(pool, tmp_path, "anna", lambda pair: "yes")
    newer = save_answers(pool, tmp_path / "again", "anna", lambda pair: "no")
    with pytest.raises(InputError, match="'anna' answers 'no' .* but 'yes' in .*: leave out"):
        read_answers(pool, [*older, *newer])
    assert set(read_answers(pool, [*older, *(f"ben={path}" for path in newer)])) == {"anna", "ben"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool": "0" * 64}, "answers to another pool"),
        ({"batch": 2}, "is no pair of batch 2"),
        ({"answers": {"x": "yes"}}, "'x' is no pair of batch 1"),
        ({"answers": {"x": "maybe"}}, "expected one of yes, partly, no, skip"),
        ({"format_version": 2}, "format 2, this dvtr-bench reads 1"),
        ({"judge": ""}, "not empty"),
        ({"more": 1}, "the field 'more' is unknown"),
        ({"answers": {}}, "none of the files holds an answer"),
    ],
)
def test_wrong_files_of_pages_are_refused(
    pool: Pool, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "answers.json"
    whole = saved(pool, 1, "anna", {pool.batch(1)[0].pair: "yes"})
    path.write_text(json.dumps({**whole, **change}))
    with pytest.raises(InputError, match=message):
        read_answers(pool, [path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair,answer\nx,yes\n", "row 1: 'x' is no pair that this pool asks"),
        ("pair,answer\nPAIR,yes\nPAIR,yes\n", "row 2: the pair .* stands in this file twice"),
        ("pair,answer\nPAIR,perhaps\n", "expected one of yes, partly, no, skip, found 'perhaps'"),
        ("pair;caption\nPAIR;a\n", "expected the columns pair and answer, found 'pair;caption'"),
        ("", "expected the columns"),
        ("pair,answer\nPAIR,\n", "none of the files holds an answer"),
        ('pair,answer\n"PAIR,yes\n', "a CSV file of answers"),
        (b"pair,answer\nPAIR,y\xff\n", "not a text file in utf-8"),
    ],
)
def test_wrong_csv_files_are_refused(
    pool: Pool, tmp_path: Path, text: str | bytes, message: str
) -> None:
    path = tmp_path / "batch.csv"
    encoded = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(encoded.replace(b"PAIR", pool.batch(1)[0].pair.encode()))
    with pytest.raises(InputError, match=message):
        read_answers(pool, [f"anna={path}"])
    with pytest.raises(InputError, match=r"does not say who answered: write NAME=batch\.csv"):
        read_answers(pool, [path])
    with pytest.raises(NotFoundError):
        read_answers(pool, [tmp_path / "nothing.json"])


def test_most_judges_decide_and_the_divided_pairs_stay_open(pool: Pool, tmp_path: Path) -> None:
    votes = {
        ("yes", "yes", "no"): 2,
        ("partly", "no", "no"): 0,
        ("yes", "partly", "no"): None,
        ("yes", "skip", "no"): None,
        ("skip", "skip", "partly"): 1,
        ("skip", "skip", "skip"): None,
        ("no", None, None): 0,
    }
    pairs = pool.batch(1)[: len(votes)]
    of_pair = dict(zip((pair.pair for pair in pairs), votes, strict=True))
    files = [
        file
        for judge in range(3)
        for file in save_answers(
            pool,
            tmp_path,
            "abc"[judge],
            lambda pair, j=judge: of_pair.get(pair.pair, (None,) * 3)[j],
        )
    ]
    found, unsettled = judgements_of(pool, files)
    assert grades(found) == {
        (pair.caption_id, pair.video_id): grade
        for pair, grade in zip(pairs, votes.values(), strict=True)
        if grade is not None
    }
    assert unsettled == (pairs[2], pairs[3])
    assert found.unsettled == 2
    anna = found.judges[0]
    assert (anna.name, anna.yes, anna.partly, anna.no, anna.skip) == ("a", 3, 1, 1, 2)
    third = fill_in(
        write_batch_csv(unsettled, tmp_path / "open.csv"), {pair.pair: "yes" for pair in unsettled}
    )
    settled, left = judgements_of(pool, [*files, f"d={third}"])
    assert left == ()
    assert grades(settled) == grades(found) | {
        (pair.caption_id, pair.video_id): 2 for pair in unsettled
    }


def test_kappa_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for _ in range(20):
        first = rng.choice(["yes", "partly", "no"], 60, p=[0.5, 0.2, 0.3])
        second = np.where(rng.random(60) < 0.6, first, rng.choice(["yes", "partly", "no"], 60))
        pairs = list(zip(first.tolist(), second.tolist(), strict=True))
        assert cohens_kappa(pairs) == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_kappa_by_hand_and_where_it_is_not_defined() -> None:
    # Both say yes to 20 and no to 15; one of them alone says yes to 5 and 10 (Cohen's own form).
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([("no", "no")] * 5) is None
    assert cohens_kappa([]) is None
    (found,) = agreements({"b": {"1": "yes", "2": "skip", "3": "no"}, "a": {"1": "yes", "2": "no"}})
    assert (found.first, found.second, found.pairs, found.agreed) == ("a", "b", 1, 100.0)
    assert found.kappa is None
