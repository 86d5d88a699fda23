"""Builds of clips that are parts of longer files: one pass over each file, whatever happens."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builders.build import build_source
from builders.checks.verify.verify import verify_dataset
from builders.engine import file_tasks
from builders.engine.file_tasks import SegmentsTask, seconds_limit
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.segments import SEGMENT_FIELDS, ClipSegment, Segment
from builders.sources.source import Clip, ClipFile, Source
from dvtr_bench.errors import AnnotationError, MissingClipsError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.frame_store import decode_frame
from dvtr_bench.video.sampling import Sampling
from dvtr_bench.video.windows import Window
from tests.builders.conftest import FolderBuilder
from tests.builders.engine.test_engine import hashes
from tests.builders.engine.test_isolation import INFO, Trap
from tests.builders.tiny_clips import pack
from tests.fixtures.barcode_clips import read_number, write_clip

THREE = {"frames": FrameSettings(Sampling(3))}


@pytest.fixture
def long_clips(folder_builder: FolderBuilder) -> FolderBuilder:
    """Two files of 4 seconds, 25 numbered frames a second, and a table of five parts of them."""
    folder_builder.clips.mkdir()
    write_clip(folder_builder.clips / "port.mp4", num_frames=100)
    write_clip(folder_builder.clips / "farm.mp4", num_frames=100, width_px=176)
    folder_builder.table_of(
        "file_name,start_seconds,end_seconds,caption,weather\n"
        "port.mp4,0,1,a ship leaves,sun\n"
        "farm.mp4,1,4,a harvester turns,rain\n"
        "port.mp4,2,,an empty quay,sun\n"
        "port.mp4,0,1,a vessel goes out,sun\n"
        "farm.mp4,0.5,1.7,a tractor,rain\n"
        "farm.mp4,,3,half a field,rain\n"
    )
    return folder_builder


def all_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a dataset by id, and the number in each frame under ``numbers``."""
    rows = {}
    for path in sorted(folder.glob("data/*.parquet")):
        for row in pq.read_table(path).to_pylist():
            frames = row.pop("frames") or []
            numbers = [read_number(decode_frame(frame["bytes"])) for frame in frames]
            rows[row["video_id"]] = {**row, "numbers": numbers}
    return rows


def counted(monkeypatch: pytest.MonkeyPatch, fail_at: int | None = None) -> list[tuple[str, int]]:
    """List each pass over a file, with the number of parts taken from it; fail like Ctrl-C."""
    passes: list[tuple[str, int]] = []
    extract = file_tasks.extract_segments

    def counting(path: Path, windows: Sequence[Window], *args: object, **kwargs: object) -> object:
        if len(passes) == fail_at:
            raise KeyboardInterrupt
        passes.append((path.name, len(windows)))
        return extract(path, windows, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(file_tasks, "extract_segments", counting)
    return passes


def test_parts_of_files_are_rows(
    long_clips: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = counted(monkeypatch)
    build = long_clips.build(settings=THREE)
    built = build.dataset
    assert build.report is not None
    assert build.report.clips is not None
    assert build.report.clips.identical_files == ()
    assert sorted(passes) == [("farm.mp4", 3), ("port.mp4", 2)]
    rows = all_rows(built.folder)
    assert rows.keys() == {"port_0_1", "farm_1_4", "port_2_end", "farm_0.5_1.7", "farm_0_3"}
    ship, field = rows["port_0_1"], rows["farm_0.5_1.7"]
    assert ship["captions"] == ["a ship leaves", "a vessel goes out"]
    # Middles of thirds, at 1/6, 1/2 and 5/6 of a second; from half a second on, 1.2 s long.
    assert ship["numbers"] == [4, 12, 20]
    assert field["numbers"] == [int((0.5 + 0.2 * (2 * i + 1) + 1e-9) * 25) for i in range(3)]
    assert rows["port_2_end"]["numbers"] == [58, 75, 91]
    assert ship["frame_pts_seconds"] == pytest.approx([0.16, 0.48, 0.8])
    assert field["frame_pts_seconds"] == pytest.approx([n / 25 - 0.5 for n in field["numbers"]])
    times = [field.name for field in SEGMENT_FIELDS]
    assert [rows["farm_1_4"][name] for name in times] == [1.0, 4.0]
    assert [rows["port_2_end"][name] for name in times] == [2.0, None]
    assert [rows["farm_0_3"][name] for name in times] == [0.0, 3.0]
    assert field["duration_seconds"] == pytest.approx(1.2)
    assert (ship["source_num_frames"], ship["source_width_px"]) == (25, 160)
    assert rows["port_2_end"]["duration_seconds"] == pytest.approx(2)
    assert ship["clip_sha256"] == file_sha256(long_clips.clips / "port.mp4")
    assert ship["weather"] == "sun"
    found = verify_dataset(built, decode=True, progress=False)
    assert found.findings == ()


def split_of_parts(builder: FolderBuilder, rows: Sequence[str]) -> dict[str, str]:
    """Return the split of each id of a table of annotations alone."""
    builder.table_of("file_name,start_seconds,end_seconds,caption\n" + "\n".join(rows))
    built = builder.build(settings={"frames": None, "overwrite": True}, clips=None).dataset
    return {
        video_id: name for name in built.split_names for video_id in built.split(name).video_ids
    }


def test_parts_of_one_file_are_drawn_together(folder_builder: FolderBuilder) -> None:
    files = [f"f{number}" for number in range(12)]

    def rows(starts: range) -> list[str]:
        return [
            f"{file}.mp4,{start},{start + 1},part {start}" for file in files for start in starts
        ]

    one = split_of_parts(folder_builder, rows(range(4, 5)))
    four = split_of_parts(folder_builder, rows(range(2, 6)))
    assert len(four) == 48
    assert set(four.values()) == {"train", "validation", "test"}
    for file in files:
        assert len({four[f"{file}_{start}_{start + 1}"] for start in range(2, 6)}) == 1
    # More parts of a file, and before those that were there, do not move it.
    assert {video_id: four[video_id] for video_id in one} == one
    notes = folder_builder.build(
        settings={"frames": None, "overwrite": True}, clips=None
    ).dataset.manifest.notes
    assert any("Parts of files: 48 clips of 12 files; the parts of each" in n for n in notes)
    # The whole file is of the group too.
    whole = split_of_parts(folder_builder, [*rows(range(2, 6)), "f3.mp4,,,all of it"])
    assert whole["f3"] == whole["f3_2_3"]


def test_parts_of_copies_of_a_file_are_drawn_together(long_clips: FolderBuilder) -> None:
    names = sorted(path.name for path in long_clips.clips.iterdir())
    first = long_clips.clips / names[0]
    for number in range(5):
        shutil.copyfile(first, long_clips.clips / f"copy{number}.mp4")
    rows = [
        f"{name},{start},{start + 0.2},part {start} of {name}"
        for name in (*names, *(f"copy{number}.mp4" for number in range(5)))
        for start in (0, 0.2)
    ]
    long_clips.table_of("file_name,start_seconds,end_seconds,caption\n" + "\n".join(rows))
    built = long_clips.build(settings={"frames": None}).dataset
    split_of = {video_id: name for name in built for video_id in built.split(name).video_ids}
    stems = [first.stem, *(f"copy{number}" for number in range(5))]
    assert (
        len({split_of[f"{stem}_{times}"] for stem in stems for times in ("0_0.2", "0.2_0.4")}) == 1
    )
    (note,) = [note for note in built.manifest.notes if "under several ids" in note]
    assert note.startswith("12 clips are or are parts of 1 file under several ids")


def test_bytes_depend_on_neither_workers_nor_interruptions(
    long_clips: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = hashes(long_clips.build(settings=THREE).dataset.folder)
    root = long_clips.root
    long_clips.root = root.with_name("two workers")
    long_clips.clips = pack(root.with_name("clips.zip"), long_clips.clips)
    two = long_clips.build(settings={**THREE, "workers": 2})
    assert hashes(two.dataset.folder) == expected
    long_clips.root = root.with_name("interrupted")
    with monkeypatch.context() as patch:
        counted(patch, fail_at=1)
        with pytest.raises(KeyboardInterrupt):
            long_clips.build(settings=THREE)
    with monkeypatch.context() as patch:
        passes = counted(patch)
        again = long_clips.build(settings=THREE)
        assert len(passes) == 1
        assert long_clips.build(settings=THREE).report is None
        assert len(passes) == 1
    assert hashes(again.dataset.folder) == expected


def interrupted(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_one_more_part_is_all_that_is_decoded(
    long_clips: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = long_clips.root
    with monkeypatch.context() as patch:  # everything is stored, nothing is written
        patch.setattr("builders.build.write_dataset", interrupted)
        with pytest.raises(KeyboardInterrupt):
            long_clips.build(settings=THREE)
    with long_clips.table.open("a", encoding="utf-8") as table:
        table.write("farm.mp4,2.5,3.5,one more,rain\n")
    passes = counted(monkeypatch)
    long_clips.build(settings=THREE)
    assert passes == [("farm.mp4", 1)]
    assert "farm_2.5_3.5" in all_rows(root / "mine")


def test_parts_are_taken_from_an_older_version(
    long_clips: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_clips.build(settings=THREE)
    with long_clips.table.open("a", encoding="utf-8") as table:
        table.write("port.mp4,0,2,longer now,sun\nfarm.mp4,1,4,a second caption,rain\n")
    passes = counted(monkeypatch)
    second = long_clips.build(settings=THREE, version="1.1.0").dataset
    assert passes == [("port.mp4", 1)]
    root = long_clips.root
    long_clips.root = root.with_name("alone")
    alone = long_clips.build(settings=THREE, version="1.1.0").dataset
    assert all_rows(second.folder) == all_rows(alone.folder)
    assert second.manifest.fingerprint == alone.manifest.fingerprint


def test_parts_without_a_meaning_cost_themselves_alone(long_clips: FolderBuilder) -> None:
    with long_clips.table.open("a", encoding="utf-8") as table:
        table.write("port.mp4,3,2,reversed,\nport.mp4,1,1,empty,\nfarm.mp4,4,9,after,\n")
        table.write("farm.mp4,3.5,9,reaches over the end,\n")
    with pytest.raises(MissingClipsError, match="broken clips: 3"):
        long_clips.build(settings=THREE)
    built = long_clips.build(settings={**THREE, "missing": "drop"})
    assert built.report is not None
    reversed_, empty, after = built.report.left_out["broken clips"]
    port = long_clips.clips / "port.mp4"
    assert f"'port_3_2': {port}: a segment from 3 to 2 seconds: expected an end" in reversed_
    assert "'port_1_1'" in empty
    assert "from 1 to 1 seconds: expected an end after the start, but it is empty" in empty
    assert "'farm_4_9': " in after
    assert "the segment starts at 4 seconds, where the clip has ended" in after
    rows = all_rows(built.dataset.folder)
    assert len(rows) == 6
    assert rows["farm_3.5_9"]["duration_seconds"] == pytest.approx(0.5)


def source_of(*footage: ClipSegment | ClipFile) -> Source:
    clips = [
        Clip(f"c{number}", (f"caption {number}",), "test", one)
        for number, one in enumerate(footage)
    ]
    return Source(info=INFO, clips=tuple(clips), extra_fields=SEGMENT_FIELDS)


@pytest.mark.slow
def test_a_crash_and_a_hang_cost_the_parts_of_their_file(
    long_clips: FolderBuilder, tmp_path: Path
) -> None:
    port = ClipFile(long_clips.clips / "port.mp4")
    source = source_of(
        ClipSegment(Trap("SIGSEGV"), Segment(0, 1)),
        ClipSegment(port, Segment(0, 1)),
        ClipSegment(Trap("hang"), Segment(0, 1)),
        ClipSegment(Trap("SIGSEGV"), Segment(1, 2)),
        ClipSegment(port, Segment(1, 2)),
    )
    settings = BuildSettings(
        root=tmp_path, missing="drop", workers=2, clip_seconds_limit=12, progress=False, **THREE
    )
    built = build_source(source, settings)
    assert built.dataset.split("test").video_ids == ("c1", "c4")
    assert built.report is not None
    first, hung, second = built.report.left_out["broken clips"]
    assert first == "'c0': the SIGSEGV trap: the process that decoded it was ended by SIGSEGV"
    assert second == first.replace("c0", "c3")
    assert "'c2': the hang trap: decoding was not done after 12 seconds" in hung


def test_stored_parts_survive_a_later_crash_of_their_file(
    long_clips: FolderBuilder, tmp_path: Path
) -> None:
    port = ClipFile(long_clips.clips / "port.mp4")
    parts = tuple(ClipSegment(port, Segment(start, start + 1)) for start in range(3))
    task = SegmentsTask(parts[:2], FrameSettings(Sampling(3)), tmp_path, SEGMENT_FIELDS)
    stored = file_tasks.stage_segments(task)
    outcomes = file_tasks.kept_segments(replace(task, segments=parts), "it crashed")
    assert outcomes[:2] == stored
    assert outcomes[2] == file_tasks.BrokenClip(parts[2].identity(), "it crashed")


def test_a_file_is_read_once_for_its_hash(
    long_clips: FolderBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []

    def counting(path: Path) -> str:
        hashed.append(path)
        return file_sha256(path)

    port = ClipFile(long_clips.clips / "port.mp4")
    parts = tuple(ClipSegment(port, Segment(start / 10, 4)) for start in range(20))
    source, settings = source_of(*parts), BuildSettings(root=tmp_path, workers=0, progress=False)
    monkeypatch.setattr("builders.sources.source.file_sha256", counting)
    monkeypatch.setattr("dvtr_bench.video.extract.file_sha256", counting)
    assert build_source(source, settings).report is not None
    assert hashed == [port.path]
    assert build_source(source, settings).report is None
    assert hashed == [port.path] * 2


def test_damage_costs_the_parts_that_reach_it_alone(long_clips: FolderBuilder) -> None:
    port = long_clips.clips / "port.mp4"
    data = bytearray(port.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    port.write_bytes(data)
    table = long_clips.table.read_text()
    drop = {**THREE, "missing": "drop"}
    long_clips.table_of("".join(line for line in table.splitlines(True) if ",2,," not in line))
    assert long_clips.build(settings=drop).report.left_out == {}
    long_clips.table_of(table)
    built = long_clips.build(settings={**drop, "overwrite": True, "move_test_clips": True})
    (told,) = built.report.left_out["broken clips"]
    assert told.startswith(f"'port_2_end': {port}: damaged after frame")
    # The parts before the damage are what they are in a build that met it first.
    long_clips.root = long_clips.root.with_name("fresh")
    fresh = long_clips.build(settings={**drop, "reuse": False})
    assert hashes(fresh.dataset.folder) == hashes(built.dataset.folder)


def test_the_time_limit_grows_with_what_must_be_decoded(tmp_path: Path) -> None:
    def limit(*times: tuple[float, float | None]) -> float:
        parts = tuple(ClipSegment(ClipFile(tmp_path), Segment(*one)) for one in times)
        return seconds_limit(60, SegmentsTask(parts, FrameSettings(), tmp_path, ()))

    assert limit((0, 30)) == 60
    assert limit((0, 30), (6000, 6600), (5, 10)) == 660
    assert limit((1200, None)) == 120


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "file_name,start_seconds,caption\na.mp4,early,x\n",
            "line 2: column 'start_seconds': expected a time in seconds such as 12.5, .* 'early'",
        ),
        (
            "video_id,start_seconds,end_seconds,caption\na,0,5,x\na,5,10,y\n",
            "the id 'a' names two parts of a file, 0 s to 5 s and 5 s to 10 s: give each an id",
        ),
        (
            "video_id,file_name,start_seconds,caption\na,v.mp4,5,x\nb,v.mp4,5,y\n",
            r"the file v.mp4 \(5 s to its end\) is named by two ids, 'a' and 'b'",
        ),
    ],
)
def test_tables_that_contradict_themselves(
    folder_builder: FolderBuilder, table: str, told: str
) -> None:
    folder_builder.table_of(table)
    with pytest.raises(AnnotationError, match=told):
        folder_builder.build(settings={"frames": None}, clips=None)


def test_times_under_other_names_are_pointed_out(folder_builder: FolderBuilder) -> None:
    folder_builder.table_of("file_name,start,End,caption\na.mp4,0,5,x\na.mp4,5,9,y\nb.mp4,1,2,z\n")
    notes = folder_builder.build(settings={"frames": None}, clips=None).dataset.manifest.notes
    assert any("The columns start and End differ from row to row of one clip" in n for n in notes)


def test_stated_ids_and_whole_files_beside_parts(long_clips: FolderBuilder) -> None:
    long_clips.table_of(
        "video_id,file_name,start_seconds,end_seconds,caption,start\n"
        "whole,port.mp4,,,all of it,7\n"
        "half,port.mp4,2,4,half of it,8\n"
        "other,farm.mp4,,,a farm,9\n"
    )
    rows = all_rows(long_clips.build(settings=THREE).dataset.folder)
    assert {name: row["numbers"] for name, row in rows.items()} == {
        "whole": [16, 50, 83],
        "half": [58, 75, 91],
        "other": [16, 50, 83],
    }
    assert rows["whole"]["segment_start_seconds"] is None
    assert rows["half"]["start"] == "8"
