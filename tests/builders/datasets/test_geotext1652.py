"""GeoText-1652: pictures as clips of one frame, captions, and boxes for the pointing score."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders.build import Build, build
from builders.checks.verify.verify import verify_dataset
from builders.datasets import geotext1652
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import AnnotationError, MissingClipsError, NotFoundError
from dvtr_bench.evaluation.breakdowns import told_over_time
from dvtr_bench.evaluation.pointing.boxes import View, covered_maps, named_boxes
from tests.builders.engine.test_engine import hashes
from tests.builders.published_forms import write_geotext
from tests.builders.tiny_clips import pack


def write_pictures(folder: Path, annotations: Path) -> Path:
    for name in ("train.json", "test_951_version.json"):
        for number, entry in enumerate(json.loads((annotations / name).read_text())):
            path = folder / entry["image"]
            path.parent.mkdir(parents=True, exist_ok=True)
            colour = (number * 37 % 256, number * 91 % 256, 120)
            Image.new("RGB", (80, 64), colour).save(path, "JPEG")
    return folder


def built(root: Path, annotations: Path, clips: Path | None, **settings: object) -> Build:
    asked = BuildSettings(root=root, progress=False, **{"workers": 0, **settings})  # type: ignore[arg-type]
    return build("geotext1652", {"annotations": annotations, "clips": clips}, asked)


def test_pictures_captions_and_boxes(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path / "annotations", (3, 2))
    clips = write_pictures(tmp_path / "clips" / "images", annotations).parent
    dataset = built(tmp_path / "dvtr", annotations, clips).dataset
    assert verify_dataset(dataset, decode=True, progress=False).findings == ()
    train, test = dataset.split("train"), dataset.split("test")
    assert train.video_ids[:2] == ("0000__image-00.jpeg", "0000__image-01.jpeg")
    assert train.captions[:3] == tuple(
        f"Caption {place} of picture 0 of building 0." for place in range(3)
    )
    row = train.row(3)
    assert (row["building"], row["image"]) == ("0001", "train/0001/image-01.jpeg")
    assert [len(train.encoded_frames(video)) for video in range(6)] == [1] * 6
    assert (row["frame_pts_seconds"], row["duration_seconds"]) == ([0.0], 0.0)
    assert [found["phrase"] for found in row["objects"]] == [
        *("a roof 0", "a street", "a roof 1", "a roof 2"),
    ]
    assert [mention["objects"] for mention in row["caption_mentions"]] == [[0, 1], [1, 2], [1, 3]]
    assert len(test.captions) == 12
    assert "published train 37,854/113,562, test 51,355/154,065" in dataset.manifest.notes[0]
    # None of the breakdowns of aerosynth, which knows more of its captions.
    assert told_over_time.groups(train) is None


def test_boxes_serve_the_pointing_score(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path / "annotations", (1, 1), pictures=1)
    clips = write_pictures(tmp_path / "clips", annotations)
    dataset = built(tmp_path / "dvtr", annotations, clips).dataset
    train = dataset.split("train")
    boxes = named_boxes(train)
    assert boxes is not None
    assert [found.shape for found in boxes] == [(2, 1, 4)] * 3
    assert boxes[0][0, 0] == pytest.approx([0, 0, 0.5, 1])
    assert boxes[0][1, 0] == pytest.approx([0.7, 0.8, 1, 1])
    view = View(np.array([[0]]), np.array([[0.0, 0.0, 1.0, 1.0]]))
    maps = covered_maps(boxes, train.caption_video_index, view, (5, 2))
    # The roof is the left half, the street the last fifth of the right one, from 0.7 on.
    assert maps[0, 0] == pytest.approx(np.array([[1, 0]] * 4 + [[1, 0.6]]), abs=1e-6)
    none = named_boxes(dataset.split("test"))
    assert none is not None
    assert [found.shape for found in none] == [(0, 1, 4)] * 3
    view = View(np.array([[0]]), np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert not covered_maps(none, dataset.split("test").caption_video_index, view, (2, 2)).any()


def test_the_same_bytes_out_of_a_zip(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path / "annotations", (2, 1))
    clips = write_pictures(tmp_path / "clips", annotations)
    expected = hashes(built(tmp_path / "one", annotations, clips).dataset.folder)
    packed = pack(tmp_path / "clips.zip", clips)
    assert hashes(built(tmp_path / "two", annotations, packed).dataset.folder) == expected
    two = built(tmp_path / "three", annotations, clips, workers=2)
    assert hashes(two.dataset.folder) == expected


def test_validation_takes_whole_buildings(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path, (8, 1))
    options = geotext1652.Options(annotations, validation_fraction=0.25)
    source = geotext1652.read(options)
    buildings = {clip.extra["building"] for clip in source.clips if clip.split == "validation"}
    assert len(buildings) == 2
    assert all(
        (clip.split == "validation") == (clip.extra["building"] in buildings)
        for clip in source.clips
    )


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path / "annotations", (2, 1))
    clips = write_pictures(tmp_path / "clips", annotations)
    (clips / "train" / "0001" / "image-00.jpeg").unlink()
    (clips / "train" / "0000" / "image-00.jpeg").write_bytes(b"no picture")
    (clips / "train" / "0000" / "more.jpeg").write_bytes(b"not asked for")
    with pytest.raises(MissingClipsError, match="'0001__image-00.jpeg'"):
        built(tmp_path / "dvtr", annotations, clips)
    report = built(tmp_path / "dvtr", annotations, clips, missing="drop").report
    assert report is not None
    assert report.left_out["ids without a clip"] == ("0001__image-00.jpeg",)
    (broken,) = report.left_out["broken clips"]
    assert "image-00.jpeg: this is no picture" in broken
    (tmp_path / "other").mkdir()
    with pytest.raises(
        NotFoundError, match="none of the 6 pictures is in it: expected such as tra"
    ):
        built(tmp_path / "dvtr", annotations, tmp_path / "other")
    with pytest.raises(NotFoundError, match="expected a folder of pictures or a .zip, found noth"):
        built(tmp_path / "dvtr", annotations, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bboxes": [[1, 2, 3]]}, "failed at ValueError"),
        ({"bboxes": []}, "failed at ValueError"),
        ({"image": "train/other.jpeg"}, "'0000/image-00.jpeg' is train/other.jpeg and train/0000"),
        ({"caption": None}, "expected text, found 'None'"),
    ],
)
def test_files_in_another_form(tmp_path: Path, change: dict[str, object], told: str) -> None:
    annotations = write_geotext(tmp_path, (1, 1))
    entries = json.loads((annotations / "train.json").read_text())
    (annotations / "train.json").write_text(json.dumps([{**entries[0], **change}, *entries[1:]]))
    with pytest.raises(AnnotationError, match=told):
        geotext1652.read(geotext1652.Options(annotations))
    (annotations / "train.json").write_bytes((annotations / "test_951_version.json").read_bytes())
    with pytest.raises(AnnotationError, match=r"2 pictures are in both train\.json and test_951"):
        geotext1652.read(geotext1652.Options(annotations))
