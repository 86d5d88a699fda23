"""Clips that occur twice: by file, by the collection that both are from, by id."""

from dataclasses import replace

import pytest

from builders.checks.audit.findings.shared_clips import BY_FILE, BY_ID, SharedClip, find
from builders.checks.audit.subject import NO_FRAMES, NotMeasured
from builders.datasets import capera, usrd
from builders.sources.source import Origin, origin_of
from dvtr_bench.dataset.reader import open_dataset
from tests.builders.checks.audit.made_up import MadeUpSplit, subject


def split(ids: list[str], files: list[str] | None = None) -> MadeUpSplit:
    return MadeUpSplit(
        texts=[["x"]] * len(ids),
        ids=ids,
        levels=[[0]] * len(ids) if files else [],
        columns=[{"clip_sha256": file} for file in files or []],
    )


def overlaps(record):
    return {
        (one.of_split, one.in_split, one.by): one.shared for one in record.overlaps if one.shared
    }


def test_one_file_under_two_ids_inside_a_dataset() -> None:
    dataset = subject(
        {"train": split(["a", "b", "c"], ["1", "2", "2"]), "test": split(["d", "e"], ["1", "3"])}
    )
    record = find(dataset, None, False)
    assert record.clips == (
        SharedClip(BY_FILE, "train", "a", "test", "d"),
        SharedClip(BY_FILE, "train", "b", "train", "c"),
    )
    assert overlaps(record) == {
        ("test", "train", BY_FILE): 1,
        ("train", "test", BY_FILE): 1,
        ("train", "train", BY_FILE): 2,
    }
    assert next(iter(overlaps(record))) == ("test", "train", BY_FILE)


def test_parts_of_one_file_are_other_clips_but_leak_across_splits() -> None:
    def parts(ids: list[str], times: list[tuple[float, float | None]]) -> MadeUpSplit:
        made = split(ids, ["1"] * len(ids))
        columns = [
            {"clip_sha256": "1", "segment_start_seconds": start, "segment_end_seconds": end}
            for start, end in times
        ]
        return replace(made, columns=columns)

    dataset = subject(
        {
            "train": parts(["a", "b", "c"], [(0, 5), (5, 10), (0, 5)]),
            "test": parts(["d"], [(10, None)]),
        }
    )
    record = find(dataset, None, False)
    assert record.clips == (
        SharedClip(BY_FILE, "train", "a", "test", "d"),
        SharedClip(BY_FILE, "train", "b", "test", "d"),
        SharedClip(BY_FILE, "train", "c", "test", "d"),
        SharedClip(BY_FILE, "train", "a", "train", "c"),
    )


def test_without_frames_nothing_is_known_inside_a_dataset() -> None:
    found = find(subject({"test": split(["a"])}), None, False)
    assert isinstance(found, NotMeasured)
    assert found.reason.startswith(NO_FRAMES)


def test_a_common_collection_decides_whatever_the_ids_look_like() -> None:
    mine = subject(
        {"test": split(["1", "2", "odd"])}, "mine", Origin("ERA", {"1": "x", "2": "y"}.get)
    )
    theirs = subject(
        {"train": split(["2", "9"])}, "theirs", Origin("ERA", {"2": "x", "9": "z"}.get)
    )
    record = find(mine, theirs, False)
    assert [(one.first_id, one.second_id) for one in record.clips] == [("1", "2")]
    assert overlaps(record) == {
        ("mine test", "theirs train", "its name in ERA"): 1,
        ("theirs train", "mine test", "its name in ERA"): 1,
    }


@pytest.mark.parametrize("origin", [None, Origin("elsewhere", str)])
def test_otherwise_ids_are_compared_as_they_are(origin) -> None:
    mine = subject({"test": split(["a", "a ", "b"])}, "mine", Origin("ERA", str))
    theirs = subject({"train": split(["a ", "c"])}, "theirs", origin)
    record = find(mine, theirs, False)
    assert [(one.by, one.first_id, one.second_id) for one in record.clips] == [(BY_ID, "a ", "a ")]
    assert any("need not be equal clips" in note for note in record.notes)
    assert any(NO_FRAMES in note and "mine and theirs" in note for note in record.notes)


def test_files_are_compared_across_datasets_too() -> None:
    mine = subject({"test": split(["a", "b"], ["1", "2"])}, "mine")
    theirs = subject({"train": split(["x", "y"], ["2", "2"])}, "theirs")
    record = find(mine, theirs, False)
    assert [(one.first_id, one.second_id) for one in record.clips] == [("b", "x"), ("b", "y")]
    assert overlaps(record) == {
        ("mine test", "theirs train", BY_FILE): 1,
        ("theirs train", "mine test", BY_FILE): 2,
    }


def test_the_rules_of_usrd_and_capera() -> None:
    assert usrd.ORIGIN.name == capera.ORIGIN.name
    assert usrd.ORIGIN.clip_of("Baseball_008 1") == capera.ORIGIN.clip_of("Tra_Baseball_008")
    assert usrd.ORIGIN.clip_of("Baseball_008 ") == capera.ORIGIN.clip_of("Test_Baseball_008")
    assert usrd.ORIGIN.clip_of("Baseball_008 1") != capera.ORIGIN.clip_of("Test_Baseball_008")
    assert usrd.ORIGIN.clip_of("Baseball_008") is None
    assert capera.ORIGIN.clip_of("Baseball_001") is None


def test_a_dataset_keeps_its_rule_under_another_name(folder_builder) -> None:
    folder_builder.five_clips()
    built = folder_builder.build(settings={"frames": None})
    assert origin_of(open_dataset(built.dataset.folder).manifest) is None
    manifest = replace(built.dataset.manifest, name="usrd-mine", citation=usrd.INFO.citation)
    assert origin_of(manifest) is usrd.ORIGIN
