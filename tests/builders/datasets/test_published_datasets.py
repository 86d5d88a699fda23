"""The real annotation files give what docs/reference/datasets.md states of them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import capera, umcrd, usrd
from builders.engine.settings import BuildSettings
from builders.sources.source import Source
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import AnnotationError, ConfigError, MissingClipsError, NotFoundError
from tests.builders.tiny_clips import TinyClips, copy_annotations

UMCRD_CLASSES = (
    "church 529, port 454, Fire 241, road 169, railway 148, harvesting 134, denseresidential 86, "
    "crowd 70, football 69, parking 66, agriculture 65, baseball 63, desert 57, college 53, "
    "dancing 51, swimming 33, animal 30, backetball 28, Cycling 26"
)


def build_alone(name: str, annotations: Path, root: Path):
    settings = BuildSettings(root=root, frames=None, workers=0, progress=False)
    return build(name, {"annotations": annotations}, settings)


def sizes(source: Source) -> dict[str, tuple[int, int]]:
    found = {}
    for split in ("train", "validation", "test"):
        clips = [clip for clip in source.clips if clip.split == split]
        if clips:
            found[split] = len(clips), sum(len(clip.captions) for clip in clips)
    return found


@pytest.mark.parametrize(
    ("name", "counts", "facts"),
    [
        (
            "usrd",
            {"train": (1995, 9975), "validation": (573, 2865), "test": (296, 1480)},
            (21.9, 85.24, 31.7, 5, 261),
        ),
        (
            "umcrd",
            {"train": (2531, 12655), "validation": (849, 4245), "test": (855, 4275)},
            (0.5, 99.73, 1.5, 681, 268),
        ),
        ("capera", {"train": (1473, 7365), "test": (1391, 6955)}, (44.8, 69.25, 11.8, 7, 60)),
    ],
)
def test_facts(
    annotations: Path,
    tmp_path: Path,
    name: str,
    counts: dict[str, tuple[int, int]],
    facts: tuple[float, float, float, int, int],
) -> None:
    built = build_alone(name, annotations, tmp_path)
    found = {
        split: (record.num_videos, record.num_captions)
        for split, record in built.dataset.manifest.splits.items()
    }
    assert found == counts
    assert built.report is not None
    captions = built.report.captions
    test = captions["test"]
    assert test.in_train_percent is not None
    assert (
        round(test.shared_percent, 1),
        round(test.identical_caption_ceiling, 2),
        round(test.in_train_percent, 1),
        sum(split.over_30_words for split in captions.values()),
        sum(split.videos_repeating_a_caption for split in captions.values()),
    ) == facts
    assert all(source.is_published_file for source in built.dataset.manifest.sources)
    assert not built.dataset.split("test").has_frames


def test_usrd_ids_are_verbatim(annotations: Path, tmp_path: Path) -> None:
    built = build_alone("usrd", annotations, tmp_path)
    listed = (annotations / "usrd" / "test_list.txt").read_text().split("\n")
    split = open_dataset(built.dataset.folder).split("test")
    assert list(split.video_ids) == [line for line in listed if line]
    assert sum(video_id != video_id.strip() for video_id in split.video_ids) == 155
    assert sum(video_id.endswith(" 1") for video_id in split.video_ids) == 141
    assert len(set(split.categories)) == 25


def test_usrd_and_capera_name_the_same_clips(annotations: Path) -> None:
    ids = {clip.video_id for clip in usrd.read(usrd.Options(annotations)).clips}
    theirs = capera.read(capera.Options(annotations)).clips
    as_usrd = {
        clip.extra["published_id"].removesuffix(".mp4") + {"train": " 1", "test": " "}[clip.split]
        for clip in theirs
    }
    assert ids == as_usrd
    assert len({clip.video_id for clip in theirs}) == 2864
    assert next(iter(theirs)).video_id == "Tra_Baseball_001"


def test_umcrd_oddities_are_kept(annotations: Path, tmp_path: Path) -> None:
    source = umcrd.read(umcrd.Options(annotations))
    categories = Counter(clip.category for clip in source.clips)
    assert categories.pop(None) == 1863
    assert ", ".join(f"{name} {count}" for name, count in categories.most_common()) == UMCRD_CLASSES
    built = build_alone("umcrd", annotations, tmp_path)
    assert built.report is not None
    assert built.report.captions["train"].empty == ("Video_291#2",)
    train = built.dataset.split("train")
    place = train.caption_ids.index("Video_291#2")
    assert train.captions[place] == ""
    assert train.video_ids[train.caption_video_index[place]] == "Video_291"
    assert "Video_291#2" in (built.dataset.folder / "README.md").read_text()


def test_usrd_full_width_stops_are_kept(annotations: Path) -> None:
    source = usrd.read(usrd.Options(annotations))
    assert sum(c.endswith("\u3002") for clip in source.clips for c in clip.captions) == 3


def test_capera_validation_is_carved_and_declared(annotations: Path) -> None:
    options = capera.Options(annotations, validation_fraction=0.1)
    source = capera.read(options)
    assert sizes(source)["validation"] == (147, 735)
    assert sizes(source)["train"] == (1473 - 147, 7365 - 735)
    assert source == capera.read(options)
    assert source.info.version == "1.0.0+validation.0.1"
    assert "ours" in source.notes[0]
    assert sizes(capera.read(capera.Options(annotations))).keys() == {"train", "test"}
    with pytest.raises(ConfigError, match="--validation-fraction"):
        capera.Options(annotations, validation_fraction=1.0)


def test_changed_files_are_noted(annotations: Path, tmp_path: Path) -> None:
    folder = copy_annotations("usrd", tmp_path / "usrd")
    (folder / "test_list.txt").write_bytes((folder / "test_list.txt").read_bytes() + b"\n")
    with pytest.raises(AnnotationError, match="empty line"):
        usrd.read(usrd.Options(folder))
    lists = (folder / "test_list.txt").read_bytes().rstrip(b"\n").split(b"\n")
    (folder / "test_list.txt").write_bytes(b"\n".join(lists))
    source = usrd.read(usrd.Options(folder))
    assert "not the published ones" in source.notes[0]
    assert "as published" in source.notes[0]
    (folder / "test_list.txt").write_bytes(b"\n".join(lists[1:]))
    with pytest.raises(AnnotationError, match="none of the lists, such as 'Baseball_010 '"):
        usrd.read(usrd.Options(folder))


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
    assert "1 clip files are second copies" in source.notes[-1]
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
        tmp_path / "clips", ["church_1222.mp4", "b/Video_4.avi", "port_2061.mp4", "extra.mp4"]
    )
    options = {"annotations": annotations, "clips": clips}
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    with pytest.raises(
        MissingClipsError,
        match=r"(?s)ids without a clip: 4,232\n.*more\nclips without a caption: 1\n",
    ):
        build("umcrd", options, settings)
    stopped = json.loads((tmp_path / "dvtr" / "umcrd.build-report.json").read_text())["stopped_at"]
    assert len(stopped["ids without a clip"]) == 4232
    assert stopped["clips without a caption"] == ["'extra.mp4'"]
    assert not (tmp_path / "dvtr" / "umcrd").exists()
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False, missing="drop")
    built = build("umcrd", options, settings)
    assert built.dataset.manifest.left_out == {
        "ids without a clip": 4232,
        "clips without a caption": 1,
    }
    test = built.dataset.split("test")
    assert set(test.video_ids) <= {"church_1222", "Video_4", "port_2061"}
    assert len(test.frames(0)) == 12
    assert [path.name for path in (tmp_path / "dvtr").iterdir()] == ["umcrd"]
    card = (built.dataset.folder / "README.md").read_text()
    assert "Left out, ids without a clip: 4,232" in card


def test_clips_of_another_dataset(annotations: Path, tmp_path: Path, tiny_clips: TinyClips) -> None:
    clips = tiny_clips.write_folder(tmp_path / "clips", ["x.mp4"])
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    with pytest.raises(
        MissingClipsError, match=r"(?s)not one of 2,864 ids has a clip.*ERA.*'x\.mp4'"
    ):
        build("usrd", {"annotations": annotations, "clips": clips}, settings)


def test_no_clips_named(annotations: Path, tmp_path: Path) -> None:
    settings = BuildSettings(root=tmp_path, workers=0, progress=False)
    with pytest.raises(ConfigError, match="needs --clips DIR .*or --annotations-only"):
        build("usrd", {"annotations": annotations}, settings)
