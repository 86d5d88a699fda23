"""ERA's clips as they are found: zip or folder, with and without the stray space, both at once."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from builders.build import build
from builders.checks.verify.verify import verify_dataset
from builders.datasets import capera, usrd
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import AnnotationError, MissingClipsError
from dvtr_bench.runtime.files import file_sha256
from tests.builders.tiny_clips import TinyClips, pack

CLIPS = ("Tra/Baseball/Baseball_008", "Tra/Fire/Fire_001", "Test/Fire/Fire_001")
IDS = {
    "usrd": ("Baseball_008 1", "Fire_001 1", "Fire_001 "),
    "capera": ("Tra_Baseball_008", "Tra_Fire_001", "Test_Fire_001"),
}
MISSING = {"usrd": 9, "capera": 4}
"""Ids of the small annotation files that have no clip then."""

ENDINGS = {"space": (" .mp4",), "no space": (".mp4",), "both": (" .mp4", ".mp4")}
DATASETS = {"usrd": usrd, "capera": capera}


def write_era(root: Path, tiny: TinyClips, endings: tuple[str, ...], form: str) -> Path:
    """Write three clips as ERA keeps them; every spelling of one holds the same bytes."""
    for number, name in enumerate(CLIPS):
        for ending in endings:
            tiny.write(root / "ERA" / "Videos" / f"{name}{ending}", number)
    return pack(root / "ERA.zip", root / "ERA") if form == "zip" else root / "ERA"


@pytest.fixture(params=["usrd", "capera"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def module(name: str) -> ModuleType:
    return DATASETS[name]


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("spelling", ENDINGS)
def test_every_spelling(
    name: str,
    module: ModuleType,
    spelling: str,
    form: str,
    annotations: Path,
    tmp_path: Path,
    tiny_clips: TinyClips,
) -> None:
    clips = write_era(tmp_path, tiny_clips, ENDINGS[spelling], form)
    source = module.read(module.Options(annotations, clips=clips))
    found = {clip.video_id: clip.footage for clip in source.clips if clip.footage}
    assert set(found) == set(IDS[name])
    assert source.unused_clips == ()
    for number, video_id in enumerate(IDS[name]):
        own = tiny_clips.write(tmp_path / "own.mp4", number)
        assert found[video_id].identity() == file_sha256(own)
    copies = [note for note in source.notes if "Second copies" in note]
    assert len(copies) == (spelling == "both")


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_two_spellings_of_different_clips_stop(
    module: ModuleType, form: str, annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    write_era(tmp_path, tiny_clips, ENDINGS["both"], "folder")
    tiny_clips.write(tmp_path / "ERA" / "Videos" / f"{CLIPS[2]} .mp4", 9)
    clips = pack(tmp_path / "ERA.zip", tmp_path / "ERA") if form == "zip" else tmp_path / "ERA"
    with pytest.raises(AnnotationError, match=r"several different clips.*Test/Fire/Fire_001 \.mp4"):
        module.read(module.Options(annotations, clips=clips))


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_what_fits_nothing_and_what_is_missing_stop_the_build(
    name: str, form: str, annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    tiny_clips.write(tmp_path / "ERA" / "Videos" / "Tra" / "Fire" / "Fire_999 .mp4", 5)
    clips = write_era(tmp_path, tiny_clips, ENDINGS["space"], form)
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    with pytest.raises(
        MissingClipsError,
        match=rf"(?s)ids without a clip: {MISSING[name]}\n.*clips without a caption: 1\n",
    ):
        build(name, {"annotations": annotations, "clips": clips}, settings)
    listed = json.loads((tmp_path / "dvtr" / f"{name}.build-report.json").read_text())["stopped_at"]
    assert len(listed["ids without a clip"]) == MISSING[name]
    assert listed["clips without a caption"] == ["'Videos/Tra/Fire/Fire_999 .mp4'"]


def parquet_bytes(built: BuiltDataset) -> dict[str, bytes]:
    return {
        path.relative_to(built.folder).as_posix(): path.read_bytes()
        for path in built.folder.rglob("*.parquet")
    }


def test_every_layout_builds_the_same_dataset(
    name: str, annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    """And a smaller gallery is another dataset, which its card says."""
    built = []
    for number, (spelling, form) in enumerate(
        (("space", "zip"), ("both", "zip"), ("no space", "folder"), ("both", "folder"))
    ):
        root = tmp_path / str(number)
        clips = write_era(root, tiny_clips, ENDINGS[spelling], form)
        settings = BuildSettings(root=root / "dvtr", workers=0, progress=False, missing="drop")
        built.append(build(name, {"annotations": annotations, "clips": clips}, settings).dataset)
        assert verify_dataset(built[-1], progress=False).findings == ()
    first = built[0].manifest
    assert {dataset.manifest.fingerprint for dataset in built} == {first.fingerprint}
    assert all(parquet_bytes(dataset) == parquet_bytes(built[0]) for dataset in built)
    assert first.left_out == {"ids without a clip": MISSING[name]}

    (tmp_path / "3" / "ERA" / "Videos" / f"{CLIPS[0]} .mp4").unlink()
    (tmp_path / "3" / "ERA" / "Videos" / f"{CLIPS[0]}.mp4").unlink()
    settings = BuildSettings(
        root=tmp_path / "3" / "dvtr", workers=0, progress=False, missing="drop", overwrite=True
    )
    options = {"annotations": annotations, "clips": tmp_path / "3" / "ERA"}
    smaller = build(name, options, settings).dataset
    assert smaller.manifest.fingerprint != first.fingerprint
    assert smaller.manifest.left_out == {"ids without a clip": MISSING[name] + 1}
    card = (smaller.folder / "README.md").read_text()
    assert (
        f"Left out, ids without a clip: {MISSING[name] + 1}; listed in build-report.json." in card
    )
    assert smaller.manifest.fingerprint in card
    report = json.loads((smaller.folder / "build-report.json").read_text())
    assert IDS[name][0] in report["left_out"]["ids without a clip"]
    assert verify_dataset(smaller, progress=False).findings == ()
