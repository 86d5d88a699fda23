"""Clips that a model may have seen in training: known by name, counted by their files."""

import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.contamination import find_contamination, suspicion
from dvtr_bench.dataset.reader import BuiltDataset
from tests.builders.tiny_clips import TinyClips

CLIPS = [f"clip {number}.mp4" for number in range(5)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BuiltDataset]:
    """``first`` trains on clips 0 and 1 and tests on 2 and 3; ``second`` trains on 2 and 4."""
    folder = tmp_path_factory.mktemp("datasets")
    clips = TinyClips().write_folder(folder / "clips", CLIPS)

    def make(name: str, splits: dict[int, str]) -> BuiltDataset:
        rows = [f"{CLIPS[clip]},caption {clip},{split}" for clip, split in splits.items()]
        table = folder / f"{name}.csv"
        table.write_text("\n".join(["file_name,caption,split", *rows]))
        settings = BuildSettings(
            root=folder / "dvtr", name=name, workers=0, progress=False, missing="drop"
        )
        return build("folder", {"clips": clips, "captions": table}, settings).dataset

    return {
        "first": make("first", {0: "train", 1: "train", 2: "test", 3: "test"}),
        "second": make("second", {2: "train", 4: "train", 1: "test", 0: "test"}),
    }


def test_clips_of_another_train_split_are_counted_by_their_files(
    built: dict[str, BuiltDataset],
) -> None:
    fingerprint = built["second"].manifest.fingerprint
    found = find_contamination("second", fingerprint, built["first"].split("test"))
    assert found is not None
    assert found.shared_clips == 1
    assert "train split of second, which holds 1 of the 2 clips" in found.reason


def test_the_dataset_of_the_split_itself_is_looked_at_too(built: dict[str, BuiltDataset]) -> None:
    first = built["first"]
    assert find_contamination("first", first.manifest.fingerprint, first.split("test")) is None
    found = find_contamination("first", first.manifest.fingerprint, first.split("train"))
    assert found is not None
    assert found.shared_clips == 2


def test_another_build_of_the_dataset_trained_on_is_not_compared(
    built: dict[str, BuiltDataset],
) -> None:
    assert find_contamination("second", "0" * 64, built["first"].split("test")) is None
    found = find_contamination("first", "0" * 64, built["first"].split("test"))
    assert found is not None
    assert found.shared_clips is None
    assert "another build of first (00000000)" in found.reason


@pytest.mark.parametrize("name", ["../first", "nothing", ".", "..", "a/b", ""])
def test_names_of_others_lead_nowhere(built: dict[str, BuiltDataset], name: str) -> None:
    fingerprint = built["second"].manifest.fingerprint
    assert find_contamination(name, fingerprint, built["first"].split("test")) is None


def test_usrd_and_capera_share_clips_by_name() -> None:
    told = suspicion("capera", "0" * 64, "usrd", "1" * 64)
    assert told.startswith("Trained on capera, which shares clips with usrd")
    assert suspicion("usrd", "0" * 64, "capera", "1" * 64)
    assert suspicion("umcrd", "0" * 64, "usrd", "1" * 64) == ""
    assert suspicion("usrd", "0" * 64, "usrd", "0" * 64) == ""
