"""Submissions: a sound one enters, and each way to be unsound is named."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.results import RunRecord, write_result
from dvtr_bench.results.build import make_record
from dvtr_bench.results.record import PostProcessingFacts
from leaderboard.result_files import entry_path
from leaderboard.submissions import check
from leaderboard.submissions.known_datasets import KnownDataset, KnownSplit, to_toml
from leaderboard.submissions.report import Submission
from tests.dvtr_bench.results.test_older_intervals import as_written_before
from tests.fixtures.records import toy_record
from tests.fixtures.scored_runs import random_split, scored_record

CHECKS = (
    "queries shuffled and re-blocked",
    "gallery shuffled and re-chunked",
    "captions encoded in other batches",
    "videos encoded in other batches",
)


def sound(
    seed: int = 0,
    *,
    resamples: int = 1000,
    name: str = "msam",
    all_found: bool = False,
    **parts: Any,
) -> RunRecord:
    """Return a record that breaks no rule; its ranks come from a matrix of scores."""
    own, video_ids, caption_ids = random_split()
    scores = np.random.default_rng(seed).normal(size=(len(own), len(video_ids)))
    if all_found:
        scores[np.arange(len(own)), own] = scores.max() + 1
    scored = scored_record(scores, own, caption_ids, name)
    facts: dict[str, Any] = {
        "kind": "model",
        "dataset": scored.dataset,
        "model": replace(scored.model, seeds=(seed,)),
        "scoring": scored.scoring,
        "environment": scored.environment,
        "honesty": tuple(HonestyCheck(check_name, 10, 0.0, 1e-4) for check_name in CHECKS),
        "seconds": scored.seconds,
        "shared_text": scored.shared_text,
        "groups": {},
        "bootstrap": BootstrapConfig(resamples=resamples),
    }
    return make_record(scored.rank_table, **{**facts, **parts})


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A list that knows the dataset of `sound`."""
    record = sound()
    dataset, shared = record.dataset, record.shared_text
    rows = "".join(f"{row}\n" for row in random_split()[0])
    entry = KnownDataset(
        dataset.name,
        dataset.version,
        dataset.fingerprint,
        "uniform:12",
        KnownSplit(
            dataset.num_videos,
            dataset.num_captions,
            dataset.gallery_sha256,
            dataset.queries_sha256,
            hashlib.sha256(rows.encode()).hexdigest(),
            shared.shared_captions,
            shared.ceiling,
        ),
    )
    path = tmp_path / "known.toml"
    path.write_text(to_toml(entry))
    return path


Judge = Callable[..., Submission]


@pytest.fixture
def judge(tmp_path: Path, known: Path) -> Judge:
    """Write a record with its note, check it and return what was found."""

    def judged(record: RunRecord, note: str | None = 'ran_by = "Jane"') -> Submission:
        path = write_result(record, tmp_path / "results")
        if note is not None:
            entry_path(path).write_text(note)
        (found,) = check.check_submissions([path], known=known, entered=tmp_path / "entered")
        return found

    return judged


def failed(found: Submission) -> dict[str, str]:
    return {line.check: line.reason for line in found.lines if line.status == "FAIL"}


def claimed(found: Submission) -> set[str]:
    return {line.check for line in found.lines if line.status == "CLAIMED"}


def test_a_sound_result_may_enter_and_what_ranks_cannot_show_is_claimed(judge: Judge) -> None:
    found = judge(sound())
    assert failed(found) == {}
    assert found.may_enter
    assert {"model", "training data", "seconds", "caption groups", "origin"} <= claimed(found)
    assert "15 videos" in str(found)
    assert "Jane" in str(found)


@pytest.mark.parametrize(
    ("changes", "where", "told"),
    [
        ({"bootstrap": BootstrapConfig(resamples=100)}, "intervals", "resamples=100"),
        ({"honesty": ()}, "honesty checks", "missing: queries shuffled"),
        ({"dataset": {"fingerprint": "0" * 64}}, "dataset", "unknown dataset fingerprint"),
        ({"dataset": {"version": "2.0.0"}}, "dataset", "that fingerprint is of usrd 1.0.0"),
        ({"dataset": {"split": "validation"}}, "whole split", "validation"),
        ({"dataset": {"gallery_sha256": "0" * 64}}, "whole split", "dataset.gallery_sha256 is 000"),
        ({"dataset": {"queries_sha256": "0" * 64}}, "whole split", "dataset.queries_sha256 is 000"),
        ({"shared_text": {"ceiling": 12.5}}, "whole split", "shared_text.ceiling is 12.5"),
        ({"scoring": {"post_processing": "dual_softmax"}}, "post-processing", "but not how"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(judge: Judge, changes: Any, where: str, told: str) -> None:
    record = sound()
    parts = {
        name: replace(getattr(record, name), **value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    assert told in failed(judge(sound(**parts)))[where]


def test_a_check_that_moved_or_was_allowed_to_is_named(judge: Judge) -> None:
    good = sound().honesty
    moved = (replace(good[0], largest_move=1.0), *good[1:])
    assert "scores moved by 1" in failed(judge(sound(honesty=moved)))["honesty checks"]
    lenient = (good[0], replace(good[1], largest_move=1.0, tolerance=10.0), *good[2:])
    assert "tolerance 10" in failed(judge(sound(honesty=lenient)))["honesty checks"]
    none = (replace(good[0], pairs=0), *good[1:])
    assert "0 pairs" in failed(judge(sound(honesty=none)))["honesty checks"]


def test_a_block_above_one_needs_no_shuffled_queries(judge: Judge) -> None:
    record = sound()
    block = replace(record.scoring, scoring="query_block", text_block=8)
    assert judge(sound(scoring=block, honesty=record.honesty[1:])).may_enter


def test_scores_of_its_own_for_each_direction_need_checks_of_both(judge: Judge) -> None:
    record = sound()
    each_way = replace(record.scoring, each_way=True)
    of_v2t = tuple(replace(check, check=f"v2t: {check.check}") for check in record.honesty)
    assert judge(sound(scoring=each_way, honesty=(*record.honesty, *of_v2t))).may_enter
    without = (*of_v2t[:2], *of_v2t[3:])
    found = judge(sound(scoring=each_way, honesty=(*record.honesty, *without)))
    assert "missing: v2t: captions encoded" in failed(found)["honesty checks"]
    lenient = (*of_v2t[:1], replace(of_v2t[1], largest_move=1.0, tolerance=10.0), *of_v2t[2:])
    found = judge(sound(scoring=each_way, honesty=(*record.honesty, *lenient)))
    assert "v2t: gallery shuffled and re-chunked: tolerance 10" in failed(found)["honesty checks"]


def test_scores_from_outside_enter_with_more_claims(judge: Judge) -> None:
    found = judge(sound(kind="external", honesty=()))
    assert found.may_enter
    assert {"honesty checks", "post-processing"} <= claimed(found)
    assert "honesty checks" in failed(judge(sound(kind="external")))


def test_post_processing_by_the_program_gets_its_table(judge: Judge) -> None:
    facts = PostProcessingFacts("dual_softmax", {}, {}, "It looks at all queries.")
    record = sound()
    processed = replace(record.scoring, post_processing="dual_softmax", post_processed=facts)
    found = judge(sound(scoring=processed))
    assert found.may_enter
    assert "a table of its own" in str(found)


def test_ranks_that_no_scores_give_are_refused(judge: Judge) -> None:
    # The toy's ranks are drawn at random, each direction by itself.
    assert "which no scores give" in failed(judge(toy_record(best_rank=5)))["ranks"]


def test_a_figure_that_was_changed_is_refused_even_if_the_cache_says_otherwise(
    judge: Judge, tmp_path: Path, known: Path
) -> None:
    from dvtr_bench.results.checks import remember_checked

    path = write_result(sound(), tmp_path / "changed")
    content = json.loads(path.read_text())
    content["metrics"]["t2v"]["strict"]["R@1"]["value"] += 1
    path.write_text(json.dumps(content))
    remember_checked(path.read_bytes())
    (found,) = check.check_submissions([path], known=known)
    assert "metrics.t2v.strict.R@1.value" in failed(found)["figures"]


def test_an_older_file_is_checked_against_the_intervals_of_today(
    tmp_path: Path, known: Path
) -> None:
    path = as_written_before(sound(all_found=True), tmp_path)
    assert '"low": 100.0' in path.read_text("utf-8")
    (found,) = check.check_submissions([path], known=known, entered=tmp_path / "entered")
    assert set(failed(found)) == {"who ran it"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"NaN", b'{"a": 1, "a": 2}', b'"\\u001b[31m"'],
)
def test_hostile_files_fail_with_one_line(tmp_path: Path, known: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    (found,) = check.check_submissions([path], known=known)
    (line,) = found.lines
    assert line.status == "FAIL"
    assert "\x1b" not in str(found)
    assert len(str(line).splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_links_and_pipes_are_not_opened(tmp_path: Path, known: Path) -> None:
    (tmp_path / "link.json").symlink_to(write_result(sound(), tmp_path / "results"))
    os.mkfifo(tmp_path / "pipe.json")
    paths = [tmp_path / "link.json", tmp_path / "pipe.json"]
    for found in check.check_submissions(paths, known=known):
        assert "expected a plain file" in failed(found)["figures"]


def test_the_name_and_the_folder_are_those_of_the_run(tmp_path: Path, known: Path) -> None:
    entered = tmp_path / "entered"
    path = write_result(sound(), entered / "other")
    (found,) = check.check_submissions([path], known=known, entered=entered)
    assert "expected leaderboard/results/usrd/" in failed(found)["file name"]
    renamed = path.rename(path.with_name("best.json"))
    (found,) = check.check_submissions([renamed], known=known, entered=entered)
    assert "as the run named it" in failed(found)["file name"]


def test_a_run_enters_once(tmp_path: Path, known: Path) -> None:
    entered = tmp_path / "entered"
    first = write_result(sound(), entered / "usrd")
    new = write_result(sound(), tmp_path / "new")
    (found,) = check.check_submissions([new], known=known, entered=entered)
    assert "the same run as" in failed(found)["duplicate"]
    assert first.name in failed(found)["duplicate"]
    (alone,) = check.check_submissions([first], known=known, entered=entered)
    assert "duplicate" not in failed(alone)
    # Another evaluation of the same setup and seed, with other ranks.
    again = write_result(sound(3, model=sound().model), tmp_path / "again")
    (found,) = check.check_submissions([again], known=known, entered=entered)
    assert "the same setup and seed" in failed(found)["duplicate"]


def test_who_ran_it_must_be_said_in_a_valid_note(judge: Judge) -> None:
    assert 'ran_by = "YOUR NAME"' in failed(judge(sound(), note=None))["who ran it"]
    for note, told in (
        ("ran_by = 3", "ran_by: expected string"),
        ('ran_by = "x"\nname = "x"', "the field 'name' is unknown"),
        ('link = "https://a.b"', "the field 'ran_by' is missing"),
        ('ran_by = "x"\nlink = "javascript:alert(1)"', "link: expected a text like"),
        ("ran_by", "not a TOML file"),
        ("a = " + "[" * 100_000, "not a TOML file"),
        ('ran_by = "x"\n[rerun]\nby = "m"\ndate = 2026-02-01\nt2v_r1 = 101', "at most 100"),
    ):
        assert told in failed(judge(sound(), note=note))["who ran it"]
    rerun = 'ran_by = "x"\n[rerun]\nby = "Max"\ndate = 2026-02-01\nt2v_r1 = 5.5\n'
    found = judge(sound(), note=rerun)
    assert found.may_enter
    assert "Max ran it again on 2026-02-01: T2V R@1 5.5" in str(found)


def test_a_folder_a_note_and_a_file_name_the_same_result(tmp_path: Path, known: Path) -> None:
    path = write_result(sound(), tmp_path / "results" / "usrd")
    entry_path(path).write_text('ran_by = "Jane"')
    for places in ([tmp_path / "results"], [entry_path(path)], [path, entry_path(path)]):
        report = check.check_submissions(places, known=known)
        assert [one.path for one in report] == [path]
    with pytest.raises(NotFoundError, match="no result files"):
        check.check_submissions([], known=known)


def test_the_command_says_so_and_exits_with_one(tmp_path: Path) -> None:
    path = write_result(sound(), tmp_path)
    ended = CliRunner().invoke(make_app(), ["submit", "check", str(path)])
    assert ended.exit_code == 1
    assert "may NOT enter" in ended.output
    assert "0 of 1 file may enter" in ended.output
    told = CliRunner().invoke(make_app(), ["submit", "check", str(path), "--json"])
    document = json.loads(told.stdout)
    assert document["all_may_enter"] is False
    assert {"check", "status", "reason"} == set(document["files"][0]["checks"][0])
    assert not dvtr.check_submissions(tmp_path).all_may_enter
