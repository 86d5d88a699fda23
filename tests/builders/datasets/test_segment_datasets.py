"""DiDeMo, ActivityNet Captions, LSMDC and VATEX: small, in the forms of the published files."""

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from builders.build import Build, build
from builders.datasets import activitynet, didemo, lsmdc, vatex
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.published import AUTO
from builders.sources.segments import ClipSegment, Segment
from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError
from dvtr_bench.video.sampling import Sampling
from tests.builders.published_forms import (
    lsmdc_id,
    vatex_id,
    write_activitynet,
    write_didemo,
    write_lsmdc,
    write_vatex,
)
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.barcode_clips import read_number, write_clip

THREE = FrameSettings(Sampling(3))


def built(root: Path, name: str, **options: Any) -> Build:
    settings = BuildSettings(root=root / "dvtr", frames=THREE, workers=0, progress=False)
    return build(name, options, settings)


def test_didemo_as_paragraphs(tmp_path: Path) -> None:
    source = didemo.read(didemo.Options(write_didemo(tmp_path, (8395, 1065, 1004))))
    assert "videos and captions by split: as published." in source.notes[0]
    clip = source.clips[8395]
    assert (clip.split, clip.video_id) == ("validation", "8395@N02_13482799053_87ef417396.mov")
    assert clip.captions == ("description 0 of 8395 description 1 of 8395 description 2 of 8395",)
    assert (clip.extra["segment_start_seconds"], clip.extra["segment_end_seconds"]) == (0, 30)
    assert source.info.version == "1.0.0"


def test_didemo_as_moments_of_its_chunks(tmp_path: Path) -> None:
    """A video of 28 s: chunk 3 is shown from 15 to 20 s, chunk 5 from 25 to its end."""
    folder = write_didemo(tmp_path / "didemo", (1, 1, 1))
    clips = tmp_path / "clips"
    clips.mkdir()
    names = [f"{number}@N02_13482799053_87ef417396" for number in range(3)]
    for name in (f"{names[0]}.mov.mp4", f"{names[1]}.mp4", f"{names[2]}.mov"):
        write_clip(clips / name, num_frames=224, fps=8)
    result = built(tmp_path, "didemo", annotations=folder, clips=clips, protocol="segments")
    assert result.dataset.name == "didemo-segments"
    split = result.dataset.split("test")
    video = "2@N02_13482799053_87ef417396.mov"
    # Of the second description's marks, (3, 3) and (2, 3) are equally often: the first counts.
    assert split.video_ids == (f"{video}_0_5", f"{video}_15_20")
    assert split.captions == (
        "description 0 of 2",
        "description 2 of 2",
        "description 1 of 2",
    )
    middles = [8 * (15 + 5 * part / 6) for part in (1, 3, 5)]
    assert [read_number(frame) for frame in split.frames(1)] == [int(at) for at in middles]
    assert split.row(1)["source_video"] == video
    assert result.dataset.split("train").video_ids[0].startswith("0@N02")


def test_activitynet_as_paragraphs(tmp_path: Path, tiny_clips: TinyClips) -> None:
    source = activitynet.read(activitynet.Options(write_activitynet(tmp_path / "a", (10009, 4917))))
    assert "videos and captions by split: as published." in source.notes[0]
    assert Counter(clip.split for clip in source.clips) == {"train": 10009, "test": 4917}
    assert source.clips[0].captions == (
        "A weight lifting tutorial is given 0.   The coach helps the guy.  He stands up.",
    )
    folder = write_activitynet(tmp_path / "activitynet", (8, 2))
    carved = activitynet.read(activitynet.Options(folder, validation_fraction=0.25))
    assert [clip.split for clip in carved.clips].count("validation") == 2
    names = [f"v_uqiMw7tQ1_{n}.mkv" if n % 2 else f"uqiMw7tQ1_{n}.mp4" for n in range(10)]
    clips = tiny_clips.write_folder(tmp_path / "clips", names)
    dataset = built(tmp_path, "activitynet", annotations=folder, clips=clips).dataset
    assert dataset.split("test").video_ids == ("v_uqiMw7tQ1_8", "v_uqiMw7tQ1_9")


def test_activitynet_as_events(tmp_path: Path) -> None:
    folder = write_activitynet(tmp_path, (4, 1))
    options = activitynet.Options(folder, protocol="segments", validation_fraction=0.5)
    source = activitynet.read(options)
    assert [clip.video_id for clip in source.clips[-2:]] == [
        "v_uqiMw7tQ1_4_0_1.5",
        "v_uqiMw7tQ1_4_0.28_55.15",
    ]
    assert source.clips[-2].captions == (
        "A weight lifting tutorial is given 4.",
        " He stands up.",
    )
    splits = {clip.extra["source_video"]: clip.split for clip in source.clips}
    assert Counter(splits.values()) == {"train": 2, "validation": 2, "test": 1}
    assert all(splits[clip.extra["source_video"]] == clip.split for clip in source.clips)
    assert source.info.version == "1.0.0+segments.validation.0.5"


def test_a_video_in_both_files_of_activitynet(tmp_path: Path) -> None:
    folder = write_activitynet(tmp_path, (2, 1))
    (folder / "val_1.json").write_bytes((folder / "train.json").read_bytes())
    with pytest.raises(AnnotationError, match=r"2 videos are in both train\.json and val_1\.json"):
        activitynet.read(activitynet.Options(folder))


def test_lsmdc(tmp_path: Path, tiny_clips: TinyClips) -> None:
    folder = write_lsmdc(tmp_path / "lsmdc", (4, 1, 2))
    names = [f"{lsmdc.movie_of(lsmdc_id(n))}/{lsmdc_id(n)}.avi" for n in range(7)]
    clips = tiny_clips.write_folder(tmp_path / "clips", names)
    dataset = built(tmp_path, "lsmdc", annotations=folder, clips=clips).dataset
    assert dataset.split("test").captions == ("Someone nods 5.", "Someone nods 6.")
    train = dataset.split("train")
    assert train.captions[:2] == ("Someone nods 0.", 'Then leaves, "slowly".')
    assert train.row(3)["movie"] == "1001_American_Beauty"
    assert "test 2/2; published train 101,079, test 1,000/1,000." in dataset.manifest.notes[0]
    whole = lsmdc.read(lsmdc.Options(write_lsmdc(tmp_path / "all", (30, 5, 1000))))
    assert Counter(clip.split for clip in whole.clips)["test"] == 1000


@pytest.mark.parametrize("line", ["id\t1\t2\tsentence", "id,1,2,3,4,sentence"])
def test_lsmdc_in_another_form(tmp_path: Path, line: str) -> None:
    folder = write_lsmdc(tmp_path, (1, 1, 1))
    (folder / "LSMDC16_annos_val.csv").write_text(f"\n{line}\n")
    with pytest.raises(AnnotationError, match=r"val\.csv, line 2: expected 6 cells between tabs"):
        lsmdc.read(lsmdc.Options(folder))


def test_lsmdc_cannot_be_fetched() -> None:
    with pytest.raises(ConfigError, match="behind a password .* LSMDC16_annos_training.csv"):
        lsmdc.Options(AUTO)


def write_lists(folder: Path, sizes: tuple[int, int, int], *, as_arrays: bool) -> Path:
    folder.mkdir(exist_ok=True)
    start = 0
    for names, size in zip(vatex._LISTS.values(), sizes, strict=True):
        ids = [vatex_id(number) for number in range(start, start + size)]
        if as_arrays:
            np.save(folder / names[0], np.array(ids))
        else:
            (folder / names[1]).write_text("\n".join(ids) + "\n")
        start += size
    return folder


@pytest.mark.parametrize("as_arrays", [True, False])
def test_vatex_in_the_split_of_hgr(tmp_path: Path, as_arrays: bool) -> None:
    folder = write_vatex(tmp_path / "vatex", (25991, 3000, 0))
    (folder / "vatex_public_test_english_v1.1.json").unlink()
    lists = write_lists(tmp_path / "lists", (25991, 1500, 1500), as_arrays=as_arrays)
    source = vatex.read(vatex.Options(folder, lists=lists))
    assert "videos and captions by split: as published." in source.notes[0]
    assert source.clips[27491].split == "test"
    assert source.clips[27491].captions == tuple(f"caption {n} of 27491" for n in range(10))


def test_vatex_out_of_parts_and_whole_videos(tmp_path: Path) -> None:
    folder = write_vatex(tmp_path / "vatex", (3, 2, 0))
    write_lists(folder, (3, 1, 1), as_arrays=False)
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(5):
        name = f"G9zN5TT_-{number}" if number in (2, 4) else vatex_id(number)
        write_clip(clips / f"{name}.mp4", num_frames=200, fps=25)
    source = vatex.read(vatex.Options(folder, clips))
    segments = [
        clip.footage.segment for clip in source.clips if isinstance(clip.footage, ClipSegment)
    ]
    assert segments == [Segment(2, 4), Segment(4, 6)]
    dataset = built(tmp_path, "vatex", annotations=folder, clips=clips).dataset
    test = dataset.split("test")
    assert [read_number(frame) for frame in test.frames(0)] == [
        int(25 * (4 + 2 * part / 6)) for part in (1, 3, 5)
    ]
    assert test.row(0)["segment_end_seconds"] == 6
    assert dataset.split("train").row(0)["segment_end_seconds"] is None


def test_vatex_in_its_own_splits(tmp_path: Path) -> None:
    source = vatex.read(vatex.Options(write_vatex(tmp_path, (4, 2, 3)), split="official"))
    assert Counter(clip.split for clip in source.clips) == {"train": 4, "validation": 2, "test": 3}
    assert (source.info.name, source.info.version) == ("vatex-official", "1.0.0+official")


def test_lists_of_vatex(tmp_path: Path) -> None:
    folder = write_vatex(tmp_path / "vatex", (3, 2, 0))
    with pytest.raises(NotFoundError, match=r"expected HGR's lists trn_names\.npy or train_list"):
        vatex.read(vatex.Options(folder))
    with pytest.raises(ConfigError, match="HGR's lists are in no place"):
        vatex.Options(AUTO)
    with pytest.raises(ConfigError, match="the official split has none"):
        vatex.Options(folder, split="official", lists=folder)
    lists = write_lists(tmp_path / "lists", (3, 1, 1), as_arrays=True)
    np.save(lists / "trn_names.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(AnnotationError, match=r"trn_names\.npy: not an array of texts .*pickle"):
        vatex.read(vatex.Options(folder, lists=lists))
    np.save(lists / "trn_names.npy", np.array(["strange_id"]))
    with pytest.raises(AnnotationError, match="'strange_id' has no captions in the JSON files"):
        vatex.read(vatex.Options(folder, lists=lists))


@pytest.mark.parametrize(
    ("module", "name", "content"),
    [
        (didemo, "val_data.json", '{"video": 1}'),
        (didemo, "val_data.json", '[{"video": "a", "description": "b", "times": []}]'),
        (didemo, "val_data.json", '[{"video": "a", "description": 5, "times": [[1, 1]]}]'),
        (activitynet, "train.json", '{"v_a": {"timestamps": [[0, 1]], "sentences": []}}'),
        (activitynet, "train.json", '{"v_a": {"timestamps": [[0, "x"]], "sentences": ["a"]}}'),
        (activitynet, "train.json", "[1, 2]"),
        (vatex, "vatex_training_v1.0.json", '[{"videoID": "a"}]'),
    ],
)
def test_files_in_another_form(tmp_path: Path, module: ModuleType, name: str, content: str) -> None:
    if module is didemo:
        write_didemo(tmp_path, (1, 1, 1))
    elif module is activitynet:
        write_activitynet(tmp_path, (1, 1))
    else:
        write_vatex(tmp_path, (1, 1, 1))
    (tmp_path / name).write_text(content)
    options = {"split": "official"} if module is vatex else {}
    with pytest.raises(AnnotationError, match=f"{name}: expected .*failed at "):
        module.read(module.Options(tmp_path, **options))
    (tmp_path / name).write_text("{")
    with pytest.raises(AnnotationError, match=f"{name}: not JSON"):
        module.read(module.Options(tmp_path, **options))
