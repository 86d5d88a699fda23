"""Footage that is not stored as it was coded, and files that are clips or seem to be none."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from builders.checks.verify.verify import verify_dataset
from builders.documents.report import BuildReport
from builders.engine import clip_work
from builders.sources.clips import find_previews, open_clips
from dvtr_bench.dataset.manifest import REPORT_NAME, TREATMENT_FIELD, VIDEO_FIELDS
from dvtr_bench.errors import AnnotationError, MissingClipsError
from dvtr_bench.reading.json_records import from_json
from tests.builders.tiny_clips import pack
from tests.fixtures.barcode_clips import X264, copy_streams, write_clip

if TYPE_CHECKING:
    from builders.build import Build
    from tests.builders.conftest import FolderBuilder

NAME = TREATMENT_FIELD.name


def write_table(builder: FolderBuilder, *names: str) -> None:
    rows = "".join(f"{name},a clip called {number}\n" for number, name in enumerate(names))
    builder.table_of(f"file_name,caption\n{rows}")


def rows_of(build: Build) -> dict[str, dict[str, Any]]:
    splits = [build.dataset.split(name) for name in build.dataset.split_names]
    rows = [split.row(index) for split in splits for index in range(len(split.video_ids))]
    return {str(row["video_id"]): dict(row) for row in rows}


@pytest.fixture
def unusual(folder_builder: FolderBuilder) -> FolderBuilder:
    """One usual clip and two with pixels that are not square, one of them a GIF of one frame."""
    folder = folder_builder.clips
    folder.mkdir()
    plain = write_clip(folder / "plain.mp4", 12)
    copy_streams(plain, folder / "wide.mp4", aspect="16:9")
    write_clip(folder / "narrow.gif", 1, vcodec="gif", vf="setsar=1/2")
    write_table(folder_builder, "plain.mp4", "wide.mp4", "narrow.gif")
    return folder_builder


def test_what_was_applied_stands_in_the_rows_the_report_and_the_card(
    unusual: FolderBuilder,
) -> None:
    build = unusual.build()
    rows = rows_of(build)
    assert {video_id: row[NAME] for video_id, row in rows.items()} == {
        "plain": None,
        "wide": ["pixel aspect: 16:15"],
        "narrow": ["pixel aspect: 1:2"],
    }
    assert build.dataset.manifest.extra_columns == (NAME,)
    note = f"Clips whose pictures are not as coded ({NAME}): 2 made of square pixels."
    assert note in build.dataset.manifest.notes
    folder = build.dataset.folder
    assert note in (folder / "README.md").read_text(encoding="utf-8")
    assert f"`{NAME}` says what was applied" in (folder / "README.md").read_text(encoding="utf-8")
    report = from_json(BuildReport, (folder / REPORT_NAME).read_bytes(), REPORT_NAME)
    assert report.clips is not None
    assert report.clips.treatment == {"pixel aspect": 2}
    verified = verify_dataset(build.dataset, decode=True, progress=False)
    assert [str(finding) for finding in verified.findings] == []


def test_a_dataset_of_usual_footage_is_what_it_was(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    build = folder_builder.build()
    assert set(rows_of(build)["a"]) == {field.name for field in VIDEO_FIELDS} - {"frames"}
    assert build.dataset.manifest.extra_columns == ()
    clips = json.loads((build.dataset.folder / REPORT_NAME).read_bytes())["clips"]
    assert "treatment" not in clips


def test_another_treatment_is_another_dataset(
    unusual: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = unusual.build().dataset.manifest.fingerprint
    extract = clip_work.extract_frames

    def untreated(*arguments: Any, **options: Any) -> Any:
        clip = extract(*arguments, **options)
        object.__setattr__(clip.facts, "treatment", ())
        return clip

    monkeypatch.setattr(clip_work, "extract_frames", untreated)
    build = unusual.build(settings={"name": "before"})
    assert build.dataset.manifest.fingerprint != fingerprint
    assert NAME not in rows_of(build)["wide"]


def test_a_clip_that_cannot_be_stored_costs_that_clip_alone(
    folder_builder: FolderBuilder,
) -> None:
    folder_builder.five_clips()
    thin: dict[str, Any] = {"width_px": 1920, "height_px": 4, **X264}
    write_clip(folder_builder.clips / "thin.mp4", 3, **thin)
    write_table(folder_builder, *(f"{letter}.mp4" for letter in "abcde"), "thin.mp4")
    with pytest.raises(MissingClipsError, match="broken clips: 1\n.*too long and thin"):
        folder_builder.build()
    build = folder_builder.build(settings={"missing": "drop"})
    assert sorted(rows_of(build)) == list("abcde")


def test_suffixes_of_clips(folder_builder: FolderBuilder) -> None:
    names = ["a.gif", "b.MXF", "c.LRF", "d.mp4", "d.LRF", "d.gif", "x/d.lrv"]
    for name in names:
        path = folder_builder.clips / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    for root in (
        folder_builder.clips,
        pack(folder_builder.root.parent / "z.zip", folder_builder.clips),
    ):
        clips = open_clips(root)
        assert list(map(str, clips.files)) == ["a.gif", "b.MXF", "c.LRF", "d.mp4", "x/d.lrv"]
        assert set(map(str, clips.previews)) == {"d.LRF", "d.gif"}
        assert clips.holds(PurePosixPath("d.gif"))
        assert not clips.holds(PurePosixPath("e.gif"))
    assert find_previews([]) == frozenset()


def test_a_preview_is_a_clip_where_a_table_names_it(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["DJI_1.MP4", "DJI_1.LRF", "DJI_2.MP4"])
    write_table(folder_builder, "DJI_1.MP4", "DJI_2.MP4")
    build = folder_builder.build()  # the preview is neither a second file nor without a caption
    assert sorted(rows_of(build)) == ["DJI_1", "DJI_2"]
    write_table(folder_builder, "DJI_1.MP4", "DJI_1.LRF", "DJI_2.MP4")
    build = folder_builder.build(settings={"overwrite": True})
    assert sorted(rows_of(build)) == ["DJI_1", "DJI_1.LRF", "DJI_2"]


def test_a_file_of_another_suffix_is_said_to_be_there(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    (folder_builder.clips / "f.r3d").write_bytes(b"0")
    write_table(folder_builder, *(f"{letter}.mp4" for letter in "abcde"), "f.r3d", "g.r3d")
    with pytest.raises(MissingClipsError) as told:
        folder_builder.build()
    lines = str(told.value).splitlines()
    (there,) = [line for line in lines if "'f.r3d'" in line]
    assert "the file is there, but .r3d is none that we know as a video's" in there
    (gone,) = [line for line in lines if "'g.r3d'" in line]
    assert "is there, but" not in gone


def test_files_of_one_stem_keep_their_full_names(folder_builder: FolderBuilder) -> None:
    names = ["drone.mp4", "drone.mov", "x/drone.mp4", "other.mp4"]
    folder_builder.tiny.write_folder(folder_builder.clips, names)
    write_table(folder_builder, *names)
    build = folder_builder.build()
    assert sorted(rows_of(build)) == ["drone.mov", "drone.mp4", "other", "x__drone"]
    (note,) = [note for note in build.dataset.manifest.notes if "but for the suffix" in note]
    assert note.startswith("Ids are the full names of clip files that share theirs with another")


def test_ids_of_several_files_are_one_message(folder_builder: FolderBuilder) -> None:
    names = [f"{stem}.{suffix}" for stem in "abc" for suffix in ("mp4", "mov")]
    folder_builder.tiny.write_folder(folder_builder.clips, names)
    folder_builder.table_of("video_id,caption\na,one\nb,two\nc,three\na,four\n")
    with pytest.raises(AnnotationError) as told:
        folder_builder.build()
    assert str(told.value).endswith(
        "/captions.csv, line 2: the id 'a' matches several files: a.mov, a.mp4; 3 names in the "
        "folder do. Write the full name as the id (a.mov), or add a column file_name"
    )
    folder_builder.table_of("video_id,caption\na.mov,one\nb.mp4,two\nc.mp4,three\n")
    build = folder_builder.build(settings={"missing": "drop"})
    assert sorted(rows_of(build)) == ["a.mov", "b.mp4", "c.mp4"]
