"""USRD, UMCRD and CapERA: clips are found in every layout, and what is missing is told."""

import json
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import capera, usrd
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import AnnotationError, ConfigError, MissingClipsError, NotFoundError
from tests.builders.tiny_clips import TinyClips


def test_missing_annotation_files_say_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"386181c4b286a6345ccfb829d1fc6cb3251ac18d"):
        usrd.read(usrd.Options(tmp_path))


def test_clips_are_found_in_every_layout(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    def found(*names: str) -> tuple[dict[str, str], tuple[str, ...]]:
        root = tmp_path / str(abs(hash(names)))
        tiny_clips.write_folder(root, list(names))
        source = usrd.read(usrd.Options(annotations, clips=root))
        return {
            clip.video_id: clip.footage.path.relative_to(root).as_posix()
            for clip in source.clips
            if clip.footage
        }, source.unused_clips

    assert found("Baseball_008 1.mp4", "Baseball_010 .mp4", "Baseball_010.mp4") == (
        {"Baseball_008 1": "Baseball_008 1.mp4", "Baseball_010 ": "Baseball_010 .mp4"},
        ("Baseball_010.mp4",),
    )
    assert found(
        "Videos/Tra/Baseball/Baseball_008 .mp4",
        "Videos/Test/Baseball/Baseball_010.mp4",
        "Videos/Tra/Baseball/Baseball_010 .mp4",
    ) == (
        {
            "Baseball_008 1": "Videos/Tra/Baseball/Baseball_008 .mp4",
            "Baseball_010 ": "Videos/Test/Baseball/Baseball_010.mp4",
            "Baseball_010 1": "Videos/Tra/Baseball/Baseball_010 .mp4",
        },
        (),
    )
    # A user's own folder named after USRD's split says nothing about ERA's folders.
    assert found("train/Baseball_010 .mp4")[0] == {"Baseball_010 ": "train/Baseball_010 .mp4"}


def test_two_spellings_of_one_clip(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    folder = tmp_path / "Videos" / "Tra" / "Baseball"
    tiny_clips.write(folder / "Baseball_008 .mp4", 1)
    tiny_clips.write(folder / "Baseball_008.mp4", 1)
    source = usrd.read(usrd.Options(annotations, clips=tmp_path))
    assert source.unused_clips == ()
    assert source.notes[-1].startswith("Second copies")
    assert source.notes[-1].endswith("1 file.")
    tiny_clips.write(folder / "Baseball_008.mp4", 2)
    with pytest.raises(
        AnnotationError, match="several different clips for the id 'Baseball_008 1'"
    ):
        usrd.read(usrd.Options(annotations, clips=tmp_path))


def test_era_folders_named_directly(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    root = tiny_clips.write_folder(tmp_path / "Tra", ["Baseball/Baseball_010 .mp4"])
    source = usrd.read(usrd.Options(annotations, clips=root))
    assert [clip.video_id for clip in source.clips if clip.footage] == ["Baseball_010 1"]


def test_capera_takes_the_folder_that_its_split_says(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    names = ["Tra/Baseball/Baseball_001.mp4", "Test/Baseball/Baseball_001 .mp4"]
    root = tiny_clips.write_folder(tmp_path, names)
    source = capera.read(capera.Options(annotations, clips=root))
    assert {clip.video_id: clip.footage.path for clip in source.clips if clip.footage} == {
        "Tra_Baseball_001": root / names[0],
        "Test_Baseball_001": root / names[1],
    }


def test_missing_clips_stop_the_build_or_are_dropped(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    clips = tiny_clips.write_folder(
        tmp_path / "clips", ["church_1222.mp4", "b/Video_40.avi", "port_1.mp4", "extra.mp4"]
    )
    options = {"annotations": annotations, "clips": clips}
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    with pytest.raises(
        MissingClipsError,
        match=r"(?s)ids without a clip: 8\n.*clips without a caption: 1\n",
    ):
        build("umcrd", options, settings)
    stopped = json.loads((tmp_path / "dvtr" / "umcrd.build-report.json").read_text())["stopped_at"]
    assert len(stopped["ids without a clip"]) == 8
    assert stopped["clips without a caption"] == ["'extra.mp4'"]
    assert not (tmp_path / "dvtr" / "umcrd").exists()
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False, missing="drop")
    built = build("umcrd", options, settings)
    assert built.dataset.manifest.left_out == {
        "ids without a clip": 8,
        "clips without a caption": 1,
    }
    test = built.dataset.split("test")
    assert set(test.video_ids) == {"Video_40", "port_1"}
    assert len(test.frames(0)) == 12
    assert [path.name for path in (tmp_path / "dvtr").iterdir()] == ["umcrd"]
    card = (built.dataset.folder / "README.md").read_text()
    assert "Left out, ids without a clip: 8" in card


def test_clips_of_another_dataset(annotations: Path, tmp_path: Path, tiny_clips: TinyClips) -> None:
    clips = tiny_clips.write_folder(tmp_path / "clips", ["x.mp4"])
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    with pytest.raises(MissingClipsError, match=r"(?s)none of 12 ids has a clip.*ERA.*'x\.mp4'"):
        build("usrd", {"annotations": annotations, "clips": clips}, settings)


def test_no_clips_named(annotations: Path, tmp_path: Path) -> None:
    settings = BuildSettings(root=tmp_path, workers=0, progress=False)
    with pytest.raises(ConfigError, match="needs --clips DIR .*or --annotations-only"):
        build("usrd", {"annotations": annotations}, settings)
