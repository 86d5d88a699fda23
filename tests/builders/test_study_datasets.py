"""What the command line gives for a study's datasets, and what is built of them."""

from pathlib import Path

import pytest

from builders.study_datasets import is_built, open_or_build, require_buildable, with_inputs
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.studies.study import StudyDataset
from tests.builders.tiny_clips import TinyClips

USRD = StudyDataset("usrd", "usrd")
UMCRD = StudyDataset("umcrd", "umcrd")
DRAWN = StudyDataset("aerosynth-small", "aerosynth", {"size": "small"})
THERE = StudyDataset("mine")


def options(found):
    return {dataset.name: dict(dataset.options) for dataset in found}


def test_one_path_is_for_the_only_dataset_that_takes_it() -> None:
    found = with_inputs([USRD, DRAWN, THERE], ["ERA.zip"], ["annotations"])
    assert options(found) == {
        "usrd": {"annotations": Path("annotations"), "clips": Path("ERA.zip")},
        "aerosynth-small": {"size": "small"},
        "mine": {},
    }


def test_each_dataset_may_have_its_own() -> None:
    found = with_inputs(
        [USRD, UMCRD], ["usrd=ERA=1.zip", "umcrd=clips"], ["umcrd=lists", "usrd=auto"]
    )
    assert options(found) == {
        "usrd": {"annotations": "auto", "clips": Path("ERA=1.zip")},
        "umcrd": {"annotations": Path("lists"), "clips": Path("clips")},
    }


def test_annotations_are_for_all_and_clips_for_each_by_name(tmp_path: Path) -> None:
    (tmp_path / "USRD").mkdir()
    (tmp_path / "umcrd.zip").touch()
    found = with_inputs([USRD, UMCRD, DRAWN], [str(tmp_path)], ["auto"])
    assert options(found)["usrd"] == {"annotations": "auto", "clips": tmp_path / "USRD"}
    assert options(found)["umcrd"] == {"annotations": "auto", "clips": tmp_path / "umcrd.zip"}
    (tmp_path / "umcrd.zip").unlink()
    with pytest.raises(NotFoundError, match=r"expected a folder umcrd or a zip umcrd\.zip"):
        with_inputs([USRD, UMCRD], [str(tmp_path)], [])


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ConfigError, match="no dataset of the study takes any"):
        with_inputs([DRAWN, THERE], ["clips"], [])
    with pytest.raises(ConfigError, match="aerosynth-small takes none"):
        with_inputs([DRAWN], ["aerosynth-small=clips"], [])
    with pytest.raises(ConfigError, match="--clips: given twice for usrd"):
        with_inputs([USRD], ["usrd=a", "b"], [])


def test_what_is_missing_is_said_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as raised:
        require_buildable(USRD, tmp_path)
    told = str(raised.value)
    assert "needs --annotations and --clips" in told
    assert "--annotations usrd=auto --clips usrd=PATH" in told
    assert "dvtr-bench build usrd --annotations auto --clips PATH --name usrd" in told
    (half,) = with_inputs([USRD], [], ["auto"])
    with pytest.raises(NotFoundError, match=r"and needs --clips\. Give"):
        require_buildable(half, tmp_path)
    with pytest.raises(NotFoundError, match="no dataset 'mine' is built"):
        require_buildable(THERE, tmp_path)
    require_buildable(DRAWN, tmp_path)


def test_a_dataset_is_built_once_as_the_study_says(tmp_path: Path, tiny_clips: TinyClips) -> None:
    names = [f"clip{number}.mp4" for number in range(3)]
    clips = tiny_clips.write_folder(tmp_path / "clips", names)
    splits = ("train", "validation", "test")
    rows = [f"{name},a view,{split}" for name, split in zip(names, splits, strict=True)]
    table = tmp_path / "captions.csv"
    table.write_text("\n".join(["file_name,caption_1,split", *rows]))
    dataset = StudyDataset(
        "mine", "folder", {"clips": clips, "captions": table}, sampling="4", format="png"
    )
    root = tmp_path / "dvtr"
    assert not is_built(dataset, root)
    built = open_or_build(dataset, root)
    assert is_built(dataset, root)
    assert (built.name, built.folder) == ("mine", root / "mine")
    assert built.manifest.frames is not None
    assert (built.manifest.frames.sampling, built.manifest.frames.image_format) == (
        "uniform:4",
        "png",
    )
    table.unlink()
    assert open_or_build(dataset, root).manifest == built.manifest
    elsewhere = StudyDataset("mine", place=str(root / "mine"))
    assert open_or_build(elsewhere, tmp_path / "nowhere").manifest == built.manifest
