"""A clip of the dataset, searched as a file, is the clip of the dataset."""

from dataclasses import replace

import numpy as np
import pytest

from builders.build import build
from builders.engine.settings import BuildSettings, FrameSettings
from dvtr_bench.errors import ClipError, InputError
from dvtr_bench.features.encode_split import encode_split
from dvtr_bench.searching.searches import read_clip, search_captions, search_clips
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling
from tests.fixtures.barcode_clips import write_clip
from tests.fixtures.tiny_dataset import NUM_TEST, build_tiny, small_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("searched")


@pytest.fixture(scope="module")
def tiny(folder):
    return build_tiny(folder)


def quiet(found, *arguments, **options):
    return found(*arguments, show_progress=False, **options)


@pytest.mark.parametrize("name", ["clip4clip_meanp", "msam"])
def test_clips_for_a_text(tiny, name) -> None:
    model, split = small_model(name), tiny.split("test")
    text = "the number 5 and 15 trees"
    found = quiet(search_clips, model, split, text, top=4)
    encoded = encode_split(model, split, text_batch=1, video_batch=16, show_progress=False)
    alone = model.at_block(1) if name == "msam" else model
    scores = alone.score(model.encode_texts([text]), encoded.videos)[0]
    expected = scores.argsort(descending=True)[:4]
    assert [clip.video_id for clip in found] == [split.video_ids[row] for row in expected]
    assert [clip.rank for clip in found] == [1, 2, 3, 4]
    for clip in found:
        assert clip.score == pytest.approx(float(scores[clip.row]), abs=1e-6)
        number = clip.video_id.removeprefix("clip ").removesuffix(".mp4")
        assert clip.captions == (
            f"the number {number} and {int(number) * 3} trees",
            "a drone looks down",
        )


def test_captions_for_a_clip_of_the_dataset_score_as_in_the_dataset(tiny, folder) -> None:
    model, split = small_model("msam"), tiny.split("test")
    row = 4
    path = folder / "clips" / f"clip {row + 2}.mp4"
    frames = read_clip(path, tiny.manifest.frames)
    for ours, stored in zip(frames, split.frames(row), strict=True):
        np.testing.assert_array_equal(ours, stored)
    found = quiet(search_captions, model, split, frames, top=50)
    assert len(found) == NUM_TEST + 1, "every text once"
    assert len({caption.caption for caption in found}) == len(found)
    encoded = encode_split(model, split, text_batch=256, video_batch=16, show_progress=False)
    scores = model.at_block(1).score(encoded.texts, encoded.videos)[:, row]
    for caption in found:
        places = [n for n, text in enumerate(split.captions) if text == caption.caption]
        assert caption.rows == tuple(split.caption_video_index[places])
        assert caption.video_ids == tuple(split.video_ids[own] for own in caption.rows)
        assert caption.score == pytest.approx(float(scores[places[0]]), abs=1e-5)
    ranked = [caption.score for caption in found]
    assert ranked == sorted(ranked, reverse=True)
    assert max(len(caption.rows) for caption in found) == NUM_TEST


@pytest.mark.parametrize("frame_format", [FrameFormat("png"), FrameFormat("jpeg", 90, "4:2:0")])
def test_a_file_becomes_the_stored_frames_whatever_the_build(tmp_path, frame_format) -> None:
    (tmp_path / "clips").mkdir()
    clip = write_clip(tmp_path / "clips" / "numbered.mp4", 40)
    table = tmp_path / "captions.csv"
    table.write_text("file_name,caption,split\nnumbered.mp4,a barcode,test\n")
    frames = FrameSettings(Sampling.parse("2fps:3"), frame_format, 64)
    settings = BuildSettings(tmp_path / "dvtr", "one", frames, workers=0, progress=False)
    built = build("folder", {"clips": clip.parent, "captions": table}, settings).dataset
    ours = read_clip(clip, built.manifest.frames)
    stored = built.split("test").frames(0)
    assert len(ours) == len(stored) == 3
    assert all(map(np.array_equal, ours, stored))


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(tiny, text) -> None:
    with pytest.raises(InputError, match="is empty"):
        quiet(search_clips, small_model(), tiny.split("test"), text)


def test_what_is_no_clip_and_what_is_no_format(tiny, tmp_path) -> None:
    frames = tiny.manifest.frames
    (tmp_path / "note.mp4").write_text("not a clip")
    with pytest.raises(ClipError, match=r"note\.mp4"):
        read_clip(tmp_path / "note.mp4", frames)
    with pytest.raises(InputError, match="'webp:3': expected png"):
        read_clip(tmp_path / "note.mp4", replace(frames, image_format="webp:3"))
