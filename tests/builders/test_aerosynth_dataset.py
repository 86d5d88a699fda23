"""The aerosynth file: clips are rendered while building, their truth becomes columns."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from builders.aerosynth import EXTRA_FIELDS
from builders.build import build_source
from builders.datasets.aerosynth import Options, read
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import ConfigError


def test_name_version_and_splits() -> None:
    source = read(Options())
    assert (source.info.name, source.info.version) == ("aerosynth-small", "1.0.1+small")
    assert read(Options(seed=3)).info.version == "1.0.1+small.seed3"
    assert {clip.split for clip in source.clips} == {"train", "validation", "test"}
    assert all(len(clip.captions) == 5 for clip in source.clips)
    with pytest.raises(ConfigError, match="--size huge: expected small or full"):
        Options(size="huge")


def test_identities_are_the_same_in_every_process() -> None:
    script = (
        "from builders.datasets.aerosynth import Options, read\n"
        "print(read(Options()).clips[7].footage.identity())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    footage = read(Options()).clips[7].footage
    assert footage is not None
    assert told.strip() == footage.identity()


@pytest.mark.slow
def test_clips_are_rendered_and_their_truth_kept(tmp_path: Path) -> None:
    source = read(Options(keep_clips=tmp_path / "mp4"))
    source = replace(source, clips=source.clips[:2])
    built = build_source(source, BuildSettings(root=tmp_path, workers=0, progress=False))
    split = built.dataset.split("train")
    assert len(split.frames(1)) == 12
    row = split.row(1)
    assert {field.name for field in EXTRA_FIELDS} <= row.keys()
    assert all(len(one["boxes"]) == len(one["visibility"]) == 12 for one in row["objects"])
    assert len(row["caption_mentions"]) == 5
    assert sorted(path.stem for path in (tmp_path / "mp4").glob("*.mp4")) == sorted(split.video_ids)
    assert {path.name for path in tmp_path.iterdir()} == {"mp4", "aerosynth-small"}


def test_the_truth_needs_no_frames(tmp_path: Path) -> None:
    source = read(Options())
    source = replace(source, clips=source.clips[:3])
    settings = BuildSettings(root=tmp_path, frames=None, progress=False)
    row = build_source(source, settings).dataset.split("train").row(2)
    assert row["contrast_group"]
    assert row["objects"][0]["boxes"] == []
