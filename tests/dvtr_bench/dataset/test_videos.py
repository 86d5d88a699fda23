"""A split as a sequence of its videos."""

from pathlib import Path

import numpy as np
import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.reader import BuiltDataset
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    return build_tiny(tmp_path_factory.mktemp("videos"))


def test_a_split_is_a_sequence_of_its_videos(built: BuiltDataset) -> None:
    split = built["test"]
    videos = list(split)
    assert len(split) == len(videos) == len(split.video_ids) == 10
    assert [video.video_id for video in videos] == list(split.video_ids)
    assert [video.row for video in videos] == list(range(10))
    assert split[-1].video_id == split.video_ids[-1]
    assert split[np.int64(3)].video_id == split.video_ids[3]
    assert [video.row for video in split[8:]] == [8, 9]
    assert [video.row for video in split[::-4]] == [9, 5, 1]


def test_a_video_has_its_own_captions(built: BuiltDataset) -> None:
    split = built["test"]
    for video in split:
        own = np.flatnonzero(split.caption_video_index == video.row)
        assert video.captions == tuple(split.captions[row] for row in own)
        assert video.columns["video_id"] == video.video_id
        assert video.category is None
    assert sum(len(video.captions) for video in split) == len(split.captions)
    assert all(
        (one == other).all() for one, other in zip(split[4].frames, split.frames(4), strict=True)
    )


@pytest.mark.parametrize("row", [10, -11])
def test_there_is_no_row_beyond_the_ends(built: BuiltDataset, row: int) -> None:
    with pytest.raises(IndexError, match=r"rows 0\.\.9"):
        built["test"][row]
    with pytest.raises(TypeError):
        built["test"]["clip 1"]  # type: ignore[call-overload]


def test_a_dataset_gives_its_splits_by_name(built: BuiltDataset) -> None:
    assert list(built) == ["train", "validation", "test"]
    assert len(built) == 3
    assert "test" in built
    assert built["train"].name == "train"


def test_captions_and_frames_show_in_a_notebook(built: BuiltDataset, tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_text("file_name,caption,split\na.mp4,<script>alert(1)</script>,test\n")
    settings = BuildSettings(root=tmp_path, name="odd", frames=None, workers=0, progress=False)
    odd = build("folder", {"captions": table}, settings).dataset
    for shown in (odd["test"]._repr_html_(), odd["test"][0]._repr_html_()):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "<script" not in shown
    assert "<img" not in odd["test"][0]._repr_html_()
    shown = built["test"][0]._repr_html_()
    assert shown.count('<img src="data:image/jpeg;base64,') == 4
    assert "annotations" not in built._repr_html_()
    assert "<td>10</td>" in built._repr_html_()
