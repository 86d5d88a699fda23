"""The real annotation files give what docs/reference/datasets.md states of them."""

from collections import Counter
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import capera, umcrd, usrd
from builders.engine.settings import BuildSettings
from builders.sources.source import Source
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import AnnotationError, ConfigError
from tests.builders.tiny_clips import copy_annotations

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
    published_annotations: Path,
    tmp_path: Path,
    name: str,
    counts: dict[str, tuple[int, int]],
    facts: tuple[float, float, float, int, int],
) -> None:
    built = build_alone(name, published_annotations, tmp_path)
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


def test_usrd_ids_are_verbatim(published_annotations: Path, tmp_path: Path) -> None:
    built = build_alone("usrd", published_annotations, tmp_path)
    listed = (published_annotations / "usrd" / "test_list.txt").read_text().split("\n")
    split = open_dataset(built.dataset.folder).split("test")
    assert list(split.video_ids) == [line for line in listed if line]
    assert sum(video_id != video_id.strip() for video_id in split.video_ids) == 155
    assert sum(video_id.endswith(" 1") for video_id in split.video_ids) == 141
    assert len(set(split.categories)) == 25


def test_usrd_and_capera_name_the_same_clips(published_annotations: Path) -> None:
    ids = {clip.video_id for clip in usrd.read(usrd.Options(published_annotations)).clips}
    theirs = capera.read(capera.Options(published_annotations)).clips
    as_usrd = {
        clip.extra["published_id"].removesuffix(".mp4") + {"train": " 1", "test": " "}[clip.split]
        for clip in theirs
    }
    assert ids == as_usrd
    assert len({clip.video_id for clip in theirs}) == 2864
    assert next(iter(theirs)).video_id == "Tra_Baseball_001"


def test_umcrd_oddities_are_kept(published_annotations: Path, tmp_path: Path) -> None:
    source = umcrd.read(umcrd.Options(published_annotations))
    categories = Counter(clip.category for clip in source.clips)
    assert categories.pop(None) == 1863
    assert ", ".join(f"{name} {count}" for name, count in categories.most_common()) == UMCRD_CLASSES
    built = build_alone("umcrd", published_annotations, tmp_path)
    assert built.report is not None
    assert built.report.captions["train"].empty == ("Video_291#2",)
    train = built.dataset.split("train")
    place = train.caption_ids.index("Video_291#2")
    assert train.captions[place] == ""
    assert train.video_ids[train.caption_video_index[place]] == "Video_291"
    assert "Video_291#2" in (built.dataset.folder / "README.md").read_text()


def test_usrd_full_width_stops_are_kept(published_annotations: Path) -> None:
    source = usrd.read(usrd.Options(published_annotations))
    assert sum(c.endswith("\u3002") for clip in source.clips for c in clip.captions) == 3


def test_capera_validation_is_carved_and_declared(published_annotations: Path) -> None:
    options = capera.Options(published_annotations, validation_fraction=0.1)
    source = capera.read(options)
    assert sizes(source)["validation"] == (147, 735)
    assert sizes(source)["train"] == (1473 - 147, 7365 - 735)
    assert source == capera.read(options)
    assert source.info.version == "1.0.0+validation.0.1"
    assert "ours" in source.notes[0]
    assert sizes(capera.read(capera.Options(published_annotations))).keys() == {"train", "test"}
    with pytest.raises(ConfigError, match="--validation-fraction"):
        capera.Options(published_annotations, validation_fraction=1.0)


def test_changed_files_are_noted(published_annotations: Path, tmp_path: Path) -> None:
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
    with pytest.raises(AnnotationError, match="not in any list, such as 'Baseball_010 '"):
        usrd.read(usrd.Options(folder))
