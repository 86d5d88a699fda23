"""Result files: written whole, read with suspicion."""

import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.results import load_results, read_result, write_result
from dvtr_bench.results.files import file_stem


@pytest.fixture
def edited(tmp_path, make_record):
    """Write a record, change its JSON, return the file."""

    def edit(change):
        path = write_result(make_record(), tmp_path)
        value = json.loads(path.read_text("utf-8"))
        change(value)
        path.write_text(json.dumps(value), "utf-8")
        return path

    return edit


def test_a_record_comes_back_as_it_was(tmp_path, make_record) -> None:
    record = make_record()
    path = write_result(record, tmp_path / "new" / "folder")
    assert path.name == "usrd-test-msam-block32-seed42-cccccccc.json"
    assert read_result(path) == record
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_file_can_be_read_by_a_person(tmp_path, make_record) -> None:
    lines = write_result(make_record(), tmp_path).read_text("utf-8").splitlines()
    assert any(
        re.match(r'        "R@1": \{"value": [\d.]+, "low": [\d.]+, "high"', line) for line in lines
    )
    assert len(lines) < 300


def test_the_same_run_takes_its_file_again(tmp_path, make_record) -> None:
    first = write_result(make_record(), tmp_path)
    later = {"date_utc": "2026-02-01T12:00:00Z"}
    assert write_result(make_record(environment=later), tmp_path) == first
    assert read_result(first).environment.date_utc == later["date_utc"]


def test_another_run_of_that_name_gets_a_number(tmp_path, make_record) -> None:
    first = write_result(make_record(), tmp_path)
    second = write_result(make_record(seed=1), tmp_path)
    third = write_result(make_record(dataset={"fingerprint": "0" * 64}), tmp_path)
    assert [second.name, third.name] == [f"{first.stem}-{n}.json" for n in (2, 3)]
    assert write_result(make_record(seed=1), tmp_path) == second
    assert len(load_results(tmp_path)) == 3


def test_a_file_that_is_no_result_is_not_overwritten(tmp_path, make_record) -> None:
    taken = tmp_path / f"{file_stem(make_record())}.json"
    taken.write_text("my notes", "utf-8")
    assert write_result(make_record(), tmp_path) != taken
    assert taken.read_text("utf-8") == "my notes"


@pytest.mark.parametrize(
    "name", ["../../etc/x", "a/b", "..", "C:\\x", "Boat ", "ü" * 300, ".hidden"]
)
def test_names_of_others_never_leave_the_folder(tmp_path, make_record, name) -> None:
    record = make_record(model={"name": name}, dataset={"name": f"../{name}"})
    path = write_result(record, tmp_path / "results")
    assert path.parent == tmp_path / "results"
    assert path.resolve().parent == (tmp_path / "results").resolve()
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.json", path.name)
    assert read_result(path) == record


def test_nothing_half_written_stays(tmp_path, make_record, monkeypatch) -> None:
    def full_disk(descriptor) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="the disk is full"):
        write_result(make_record(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, object()])
def test_what_json_cannot_hold_is_not_written(tmp_path, make_record, value) -> None:
    record = make_record()
    record = replace(record, model=replace(record.model, config={"x": value}))
    with pytest.raises(ResultError, match="cannot be written as JSON"):
        write_result(record, tmp_path)


def test_results_are_loaded_from_files_and_folders(tmp_path, make_record) -> None:
    one = write_result(make_record(), tmp_path / "a")
    write_result(make_record(seed=1), tmp_path / "b")
    assert len(load_results(one)) == 1
    assert len(load_results(str(tmp_path / "a"))) == 1
    assert len(load_results([one, tmp_path / "b"])) == 2
    assert load_results([]) == []
    with pytest.raises(NotFoundError, match="dvtr-bench evaluate"):
        load_results(tmp_path / "c")
    with pytest.raises(NotFoundError, match="no result"):
        read_result(tmp_path / "c.json")


def _numbers(value, path=()):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _numbers(item, (*path, place))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def test_a_changed_digit_anywhere_in_the_figures_is_refused_with_its_place(
    tmp_path, make_record
) -> None:
    path = write_result(make_record(), tmp_path)
    text = path.read_text("utf-8")
    original = json.loads(text)
    parts = ("metrics", "ties", "chance")
    places = [place for place in _numbers(original) if place[0] in parts]
    assert len(places) > 100
    for place in places[:: len(places) // 40]:
        value = json.loads(text)
        parent = value
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] += 1 if place[-1] == "queries" else 1e-7
        path.write_text(json.dumps(value), "utf-8")
        with pytest.raises(ResultError, match=re.escape(".".join(place) + " says")):
            read_result(path)


def test_a_changed_digit_anywhere_in_the_breakdowns_is_refused_with_its_place(
    tmp_path, make_record
) -> None:
    path = write_result(make_record(), tmp_path)
    text = path.read_text("utf-8")
    places = [
        ("breakdowns", axis, "results", *place)
        for axis, breakdown in json.loads(text)["breakdowns"].items()
        for place in _numbers(breakdown["results"])
    ]
    assert len(places) > 50
    for place in places[:: len(places) // 30]:
        value = json.loads(text)
        parent = value
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] += 1 if place[-1] in ("queries", "videos") else 1e-7
        path.write_text(json.dumps(value), "utf-8")
        with pytest.raises(ResultError, match=re.escape(".".join(place) + " says")):
            read_result(path)


@pytest.mark.parametrize("direction", ["t2v", "v2t", "v2t_caption"])
def test_a_changed_rank_is_refused(edited, direction) -> None:
    def change(value) -> None:
        ranks = value["ranks"][direction]["strict"]
        ranks["pessimistic"][0] = max(1, ranks["pessimistic"][0] - 1) or 2
        ranks["optimistic"] = None

    with pytest.raises(ResultError, match=rf"(metrics|ties)\.{direction}"):
        read_result(edited(change))


DROPPED = object()
ONE = {"value": 1, "low": 1, "high": 1}
T2V = "ranks.t2v.strict"
CATEGORY = "breakdowns.category"
ROAD = f"{CATEGORY}.results.t2v.{{road}}.metrics"


def _change(place, item):
    """Return a change that sets or drops a value at a dotted place."""
    *steps, last = (int(step) if step.lstrip("-").isdigit() else step for step in place.split("."))

    def change(value) -> None:
        for step in steps:
            value = value[step]
        if item is DROPPED:
            value.pop(last)
        else:
            value[last] = item

    return change


@pytest.mark.parametrize(
    ("place", "item", "message"),
    [
        (f"{T2V}.pessimistic.0", DROPPED, "t2v.strict.pessimistic has 23 ranks"),
        (f"{T2V}.pessimistic.3", 99, r"t2v.strict.pessimistic\[3\] is 99: the gallery has 12"),
        (f"{T2V}.optimistic.0", 12, r"optimistic\[0\] is larger"),
        ("caption_video_index.-1", 12, "videos up to 12"),
        ("caption_video_index.-1", DROPPED, "23 captions"),
        ("dataset.num_videos_without_captions", 1, "leaves out 0"),
        ("shared_text.captions", 5, "shared_text.captions"),
        ("left_out", ["R@1 was bad"], "left_out says"),
        ("metrics.t2v.strict.MdR", DROPPED, "metrics.t2v.strict.MdR says None"),
        ("metrics.t2v.strict.R@2", ONE, "metrics.t2v.strict.R@2 says"),
        ("metrics.both", DROPPED, "metrics.both says None"),
        ("bootstrap.seed", 1, "metrics.t2v.strict"),
        (f"{CATEGORY}.codes.0", DROPPED, "category.codes has 11 codes: expected one .* 12 videos"),
        (f"{CATEGORY}.codes.0", 3, "breakdowns.category: video 0 is in group 3"),
        (f"{CATEGORY}.codes.0", 1, "category.results.t2v.a boat.queries says"),
        (f"{CATEGORY}.groups.1", "a boat", "breakdowns.category: .* one name each"),
        (f"{CATEGORY}.groups.1", "a road", "category.results.t2v.a road says None"),
        (f"{CATEGORY}.unit", "caption", "category.codes has 12 codes: expected one .* 24 captions"),
        (f"{CATEGORY}.results.v2t", DROPPED, "category.results.v2t says None"),
        (f"{CATEGORY}.results.t2v.sea.videos", 1, "category.results.t2v.sea.videos says 1"),
        (f"{ROAD}.R@1.low", None, "R@1.low says None"),
        ("breakdowns.shared_text.codes.-1", DROPPED, "expected one for each of 24 captions"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(edited, place, item, message) -> None:
    with pytest.raises(ResultError, match=message):
        read_result(edited(_change(place, item)))


@pytest.mark.parametrize(
    ("place", "item", "message"),
    [
        ("ranks", DROPPED, "the field 'ranks' is missing"),
        ("note", "x", "the field 'note' is unknown, expected one of .*ranks"),
        ("model.seeds", [True], r"model.seeds\[0\]: expected integer"),
        ("model.training", DROPPED, "model: the field 'training' is missing"),
        (
            "model.training",
            {"dataset": "usrd"},
            "model.training: the field 'fingerprint' is missing",
        ),
        ("dataset.gallery_sha256", "short", "dataset.gallery_sha256"),
        ("dataset.name", "", "dataset.name: .* not empty"),
        ("scoring.scoring", "magic", "expected one of pairwise, query_block"),
        (f"{T2V}.pessimistic.2", 0, r"pessimistic\[2\]: .* at least 1"),
        (f"{T2V}.pessimistic", [], "at least 1 items"),
        ("ranks.t2v.text_identical", 3, "ranks.t2v.text_identical: expected object"),
        ("environment.date_utc", "yesterday", "environment.date_utc"),
        ("shared_text.ceiling", 101, "at most 100"),
        ("bootstrap.resamples", 3, "bootstrap.resamples: expected at least 100"),
        ("metrics.t2v.strict.R@1.value", "30", "R@1.value: expected number"),
        ("format_version", 4, "too new: format_version 4.*upgrade"),
        ("format_version", 2, "too old: format_version 2.*evaluate again"),
        (f"{CATEGORY}.unit", "frame", "expected one of caption, video, found 'frame'"),
        (f"{CATEGORY}.codes.2", 0.5, r"category.codes\[2\]: expected integer, found 0.5"),
        ("caption_video_index.0", 0.0, r"caption_video_index\[0\]: expected integer, found 0.0"),
        (f"{CATEGORY}.groups", [], "breakdowns.category.groups: expected at least 1 items"),
        (f"{ROAD}.R@1.high", "1", "{road}.metrics.R@1.high: expected number or null"),
        ("protocol_version", 0, "too old: protocol_version 0.*evaluate again"),
        ("format_version", DROPPED, "whole number format_version, found None"),
    ],
)
def test_a_file_that_the_schema_does_not_allow_is_refused(edited, place, item, message) -> None:
    with pytest.raises(ResultError, match=message):
        read_result(edited(_change(place, item)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "not a JSON file"),
        (b"[]", "format_version, found None"),
        (b'{"format_version": 2, "protocol_version": NaN}', "NaN is not allowed"),
        (b'{"kind": 1, "kind": 2}', "the field 'kind' occurs twice"),
        (b"\xff\xfe", "not a text file"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path, text, message) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(ResultError, match=message):
        read_result(path)
