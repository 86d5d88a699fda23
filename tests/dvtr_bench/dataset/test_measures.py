"""Numbers kept beside a dataset: computed once, made again where they are not whole or not its."""

import json

import numpy as np
import pytest

from dvtr_bench.dataset.measures import stored_arrays, stored_measure
from dvtr_bench.evaluation.breakdowns import frame_change
from tests.fixtures.grouped_split import GroupedSplit


@pytest.fixture
def split(tmp_path):
    folder = tmp_path / "dvtr" / "toy"
    folder.mkdir(parents=True)
    return GroupedSplit([["x"], ["y"]], levels=[[0, 255], [3, 3]], folder=folder)


def _kept(split):
    return [path for path in (split.folder.parent / ".measures").rglob("*") if path.is_file()]


def test_frames_are_decoded_once_for_a_build(split) -> None:
    first = frame_change.groups(split, show_progress=False)
    assert split.decoded == [0, 1]
    again = frame_change.groups(split, show_progress=False)
    assert split.decoded == [0, 1]
    assert np.array_equal(first.codes, again.codes)
    (path,) = _kept(split)
    assert path.relative_to(split.folder.parent).as_posix() == (
        ".measures/toy-ffffffffffff/test-frame_change-1.json"
    )
    assert list(split.folder.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({"values": [1.0, 2.0]}),
        None,
    ],
)
def test_a_damaged_file_is_made_again(split, text) -> None:
    frame_change.groups(split, show_progress=False)
    (path,) = _kept(split)
    whole = path.read_text("utf-8")
    if text is None:
        text = whole.replace("100.0", "NaN")
        assert text != whole
    path.write_text(text, "utf-8")
    frame_change.groups(split, show_progress=False)
    assert split.decoded == [0, 1, 0, 1]
    assert path.read_text("utf-8") == whole


def test_another_build_has_numbers_of_its_own(split) -> None:
    frame_change.groups(split, show_progress=False)
    # The same first twelve digits, as the folder's name has them.
    split.fingerprint = "f" * 12 + "0" * 52
    frame_change.groups(split, show_progress=False)
    assert split.decoded == [0, 1, 0, 1]


def test_other_splits_and_measures_stand_apart(split) -> None:
    values = np.array([1.0, 2.0])
    for name, measure in (("test", "a-1"), ("test", "a-2"), ("train", "a-1")):
        split.name = name
        assert stored_measure(split, measure, lambda: values) is values
    assert len(_kept(split)) == 3


def test_where_nothing_can_be_written_it_is_said_and_the_numbers_still_come(split, capsys) -> None:
    (split.folder.parent / ".measures").write_text("a file stands in the way")
    values = np.array([1.0, 2.0])
    assert stored_measure(split, "a-1", lambda: values) is values
    assert "a-1 is not kept in" in capsys.readouterr().err


def test_a_split_without_a_folder_keeps_nothing(split, tmp_path) -> None:
    split.folder = None
    for _ in range(2):
        frame_change.groups(split, show_progress=False)
    assert split.decoded == [0, 1, 0, 1]
    assert not (tmp_path / "dvtr" / ".measures").exists()


ARRAYS = {"hashes": np.array([-(2**63), 2**63 - 1]), "seen": np.array([[True], [False]])}


def test_arrays_are_computed_once_and_come_back_as_they_were(split) -> None:
    asked = []

    def compute():
        asked.append(1)
        return ARRAYS

    for _ in range(2):
        found = stored_arrays(split, "a-1", compute)
        assert found.keys() == ARRAYS.keys()
        for name, values in ARRAYS.items():
            assert np.array_equal(found[name], values)
            assert found[name].dtype == values.dtype
    assert asked == [1]
    (path,) = _kept(split)
    assert path.name == "test-a-1.npz"


@pytest.mark.parametrize("damage", ["cut", "other", "pickle"])
def test_damaged_arrays_are_made_again(split, damage) -> None:
    stored_arrays(split, "a-1", lambda: ARRAYS)
    (path,) = _kept(split)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "other":
        split.fingerprint = "f" * 12 + "0" * 52
    else:
        np.savez(path, hashes=np.array([{}], dtype=object))
    assert stored_arrays(split, "a-1", lambda: {"x": np.array([1])})["x"].tolist() == [1]
    assert stored_arrays(split, "a-1", dict)["x"].tolist() == [1]
