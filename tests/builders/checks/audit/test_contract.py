"""What every file of builders/checks/audit/findings must keep to."""

import dataclasses
import json

import pytest

from builders.checks.audit.blocks import Chart, Paragraph, Picture, Table
from builders.checks.audit.run import FINDINGS, finding_modules, read_audit, run_audit
from builders.checks.audit.subject import NO_FRAMES, NotMeasured, Subject
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.reports.chart_data import Distribution, NamedValues
from tests.builders.checks.audit.made_up import MadeUpSplit, flight, subject, texts_subject


def whole(name: str = "toy", seed: int = 0) -> Subject:
    """A dataset on which every finding has something to say."""
    train = MadeUpSplit(
        texts=[["a boat", "a red boat"], ["a boat", "a \u3002"]],
        categories=("boats", None),
        pictures=[flight(seed), flight(seed + 1)],
        columns=[{"frame_pts_seconds": [0.0, 0.5, 1.0], "clip_sha256": "a"}] * 2,
    )
    test = MadeUpSplit(
        texts=[["a boat"], ["two cars"]],
        categories=("boats", "cars"),
        pictures=[flight(seed), flight(seed + 2)],
        columns=[{"frame_pts_seconds": [0.0], "clip_sha256": "b"}] * 2,
    )
    return subject({"train": train, "test": test}, name)


@pytest.fixture(params=FINDINGS.names())
def module(request):
    return FINDINGS.load(request.param)


@pytest.mark.parametrize("other", [None, whole("other", 5), texts_subject("bare", test=[["x"]])])
def test_it_writes_reads_and_shows_its_record(module, other) -> None:
    record = module.find(whole(), other, False)
    assert isinstance(record, module.Record)
    assert module.Record.__dataclass_params__.frozen
    text = json.dumps(to_json(record), allow_nan=False)
    assert from_json(module.Record, text, "here") == record
    shown = list(module.blocks(record))
    assert shown
    for block in shown:
        assert isinstance(block, Paragraph | Table | Chart | Picture)
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} == {len(block.header)}
        data = block.data if isinstance(block, Chart) else None
        if isinstance(data, NamedValues):
            assert {len(values) for values in data.parts.values()} == {len(data.names)}
        if isinstance(data, Distribution):
            assert {len(values) for values in data.lines.values()} == {len(data.edges) - 1}


def test_it_says_what_it_cannot_measure(module) -> None:
    bare = texts_subject(train=[["a boat"], ["a car"]], test=[["a boat"]])
    found = module.find(bare, None, False)
    if isinstance(found, NotMeasured):
        assert found.reason.startswith("not measured: ")
    else:
        assert list(module.blocks(found))


def test_it_is_the_same_every_time(module) -> None:
    assert module.find(whole(), None, False) == module.find(whole(), None, False)


def test_places_and_titles_differ() -> None:
    modules = finding_modules()
    assert len({module.PLACE for module in modules.values()}) == len(FINDINGS.names())
    assert len({module.TITLE for module in modules.values()}) == len(FINDINGS.names())
    assert all(dataclasses.is_dataclass(module.Record) for module in modules.values())


def test_frames_are_decoded_once_for_all_findings() -> None:
    dataset = whole()
    run_audit(dataset, show_progress=False)
    assert sorted(dataset.splits["train"].decoded) == [0, 1]


def test_an_audit_is_read_as_it_was_written(tmp_path) -> None:
    bare = texts_subject(train=[["a boat"], ["a car"]], test=[["a boat"]])
    for dataset in (whole(), bare):
        audit = run_audit(dataset, whole("other", 3), show_progress=False)
        path = tmp_path / "audit.json"
        path.write_text(audit.to_text(), encoding="utf-8")
        assert read_audit(path) == audit
    assert audit.not_measured["near_duplicates"] == NO_FRAMES
    assert set(audit.findings) | set(audit.not_measured) == set(FINDINGS.names())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda value: value.update(format_version=2), "of format 1, found 2"),
        (lambda value: value.pop("made_with"), "'made_with' is missing"),
        (lambda value: value.pop("findings"), "'findings' is missing"),
        (lambda value: value["findings"].update(moons={}), "no finding is called 'moons'"),
        (lambda value: value["findings"]["vocabulary"].update(num_words="5"), "expected int"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, change, says) -> None:
    path = tmp_path / "audit.json"
    value = json.loads(run_audit(texts_subject(test=[["a boat"]]), show_progress=False).to_text())
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_audit(path)


def test_no_record_there(tmp_path) -> None:
    with pytest.raises(NotFoundError, match="dvtr-bench audit"):
        read_audit(tmp_path / "audit.json")
