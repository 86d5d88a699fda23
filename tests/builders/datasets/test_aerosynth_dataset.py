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
from builders.sources.source import Source
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.errors import BuildError, ConfigError, OutputExistsError
from dvtr_bench.video import mp4_writer
from dvtr_bench.video.mp4_writer import encoder_name


def test_name_version_and_splits() -> None:
    source = read(Options())
    assert (source.info.name, source.info.version) == ("aerosynth-small", "1.1.0+small")
    assert read(Options(seed=3)).info.version == "1.1.0+small.seed3"
    assert {clip.split for clip in source.clips} == {"train", "validation", "test"}
    assert all(len(clip.captions) == 5 for clip in source.clips)
    with pytest.raises(ConfigError, match="--size huge: expected tiny, small, full or large"):
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


def test_the_encoder_is_told_and_part_of_every_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    source = read(Options())
    assert source.notes == (f"Clips are encoded by {encoder_name()}.",)
    monkeypatch.setattr("builders.datasets.aerosynth.encoder_name", lambda: "x264 core 9")
    other = read(Options())
    assert other.notes == ("Clips are encoded by x264 core 9.",)
    for one, two in zip(source.clips[:3], other.clips[:3], strict=True):
        assert one.footage is not None
        assert two.footage is not None
        assert one.footage.identity() != two.footage.identity()


def test_a_process_with_another_encoder_renders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    footage = read(Options()).clips[0].footage
    assert footage is not None
    monkeypatch.setattr("builders.datasets.aerosynth.encoder_name", lambda: "x264 core 9")
    with (
        pytest.raises(BuildError, match=r"expected the encoder x264 .*, found x264 core 9"),
        footage.opened(tmp_path),
    ):
        pass
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_build_never_goes_on_with_another_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(source: Source, overwrite: bool = False) -> Manifest:
        source = replace(source, clips=source.clips[:2])
        settings = BuildSettings(root=tmp_path, workers=0, progress=False, overwrite=overwrite)
        return build_source(source, settings).dataset.manifest

    first = built(read(Options()))
    # As another version of x264 would: other bytes of the same pictures under another name.
    monkeypatch.setitem(mp4_writer._OPTIONS, "crf", "30")
    monkeypatch.setattr("builders.datasets.aerosynth.encoder_name", lambda: "x264 core 9")
    with pytest.raises(OutputExistsError, match="built from other clips"):
        built(read(Options()))
    second = built(read(Options()), overwrite=True)
    assert second.notes != first.notes
    assert second.inputs_sha256 != first.inputs_sha256
    assert second.fingerprint != first.fingerprint


@pytest.mark.slow
def test_clips_are_rendered_and_their_truth_kept(tmp_path: Path) -> None:
    source = read(Options(clips_to=tmp_path / "mp4"))
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
