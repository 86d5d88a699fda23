"""Builds go on where they stopped, give the same bytes always, and are whole or absent."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.engine import assemble, clip_work, parquet
from builders.engine.decode import open_staging
from builders.engine.pool import Crash, run_tasks
from builders.engine.settings import FrameSettings
from builders.sources.source import ClipFile
from dvtr_bench.errors import BuildError, ClipError, OutputExistsError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.sampling import Sampling
from tests.builders.conftest import FolderBuilder
from tests.builders.tiny_clips import TinyClips, pack


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def count_decodes(monkeypatch: pytest.MonkeyPatch, fail_at: int | None = None) -> list[Path]:
    """Count clips that are really decoded; end the build like Ctrl-C at one of them."""
    decoded: list[Path] = []
    extract = clip_work.extract_frames

    def counting(path: Path, *args: object, **kwargs: object) -> object:
        if len(decoded) == fail_at:
            raise KeyboardInterrupt
        decoded.append(path)
        return extract(path, *args, **kwargs)

    monkeypatch.setattr(clip_work, "extract_frames", counting)
    return decoded


def test_bytes_do_not_depend_on_workers_or_interruptions(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    one = folder_builder.build()
    expected = hashes(one.dataset.folder)
    folder_builder.root = folder_builder.root.with_name("second")
    four = folder_builder.build(settings={"workers": 4})
    assert hashes(four.dataset.folder) == expected
    folder_builder.root = folder_builder.root.with_name("third")
    with monkeypatch.context() as patch:
        decoded = count_decodes(patch, fail_at=2)
        with pytest.raises(KeyboardInterrupt):
            folder_builder.build()
        assert len(decoded) == 2
    assert not (folder_builder.root / "mine").exists()
    decoded = count_decodes(monkeypatch)
    resumed = folder_builder.build()
    assert len(decoded) == 3
    assert hashes(resumed.dataset.folder) == expected
    assert [path.name for path in folder_builder.root.iterdir()] == ["mine"]


def test_building_again_does_nothing(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    first = folder_builder.build()
    before = first.dataset.folder.stat().st_mtime_ns
    decoded = count_decodes(monkeypatch)
    again = folder_builder.build(settings={"overwrite": True})
    assert again.report is None
    assert again.dataset.manifest == first.dataset.manifest
    assert decoded == []
    assert first.dataset.folder.stat().st_mtime_ns == before


def test_another_dataset_is_replaced_only_when_asked(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    first = folder_builder.build().dataset.manifest
    table = folder_builder.table
    table.write_text(table.read_text().replace("clip a", "a boat"))
    with pytest.raises(OutputExistsError, match=f"{first.fingerprint[:12]}.*--overwrite"):
        folder_builder.build()
    folder_builder.tiny.write(folder_builder.clips / "a.mp4", 11)
    second = folder_builder.build(settings={"overwrite": True}).dataset.manifest
    assert second.fingerprint != first.fingerprint
    assert [path.name for path in folder_builder.root.iterdir()] == ["mine"]


def test_the_old_dataset_stays_until_the_new_one_is_whole(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    old = hashes(folder_builder.build().dataset.folder)
    folder_builder.tiny.write(folder_builder.clips / "a.mp4", 11)
    count_decodes(monkeypatch, fail_at=0)
    with pytest.raises(KeyboardInterrupt):
        folder_builder.build(settings={"overwrite": True})
    assert hashes(folder_builder.root / "mine") == old


def test_the_fingerprint_is_about_rows_and_settings(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    prints = {
        what: folder_builder.build(
            settings={"name": f"n{number}", **settings}, **options
        ).dataset.manifest.fingerprint
        for number, (what, settings, options) in enumerate(
            [
                ("plain", {}, {}),
                ("small shards", {"shard_bytes": 1}, {}),
                ("other seed", {}, {"seed": 5}),
                ("no frames", {"frames": None}, {}),
            ]
        )
    }
    assert prints.pop("small shards") == prints["plain"]
    assert len(set(prints.values())) == 3


def test_shards(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    whole = folder_builder.build().dataset.split("train")
    cut = folder_builder.build(settings={"name": "cut", "shard_bytes": 1}).dataset
    assert cut.manifest.splits["train"].paths("default") == tuple(
        f"data/train-{number:05d}-of-00003.parquet" for number in range(3)
    )
    split = cut.split("train")
    assert split.video_ids == whole.video_ids
    for number in (2, 0, 1):
        assert split.encoded_frames(number) == whole.encoded_frames(number)


def test_a_file_ends_after_so_many_rows_however_small(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    whole = folder_builder.build().dataset
    monkeypatch.setattr(assemble, "SHARD_ROWS", 2)
    cut = folder_builder.build(settings={"name": "cut"}).dataset
    counts = [
        pq.ParquetFile(cut.folder / path).metadata.num_rows
        for path in cut.manifest.splits["train"].paths("default")
    ]
    assert counts == [2, 1]
    assert cut.manifest.fingerprint == whole.manifest.fingerprint


def test_row_groups_and_shards_are_sized_by_bytes(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    whole = folder_builder.build().dataset.split("train")
    path = folder_builder.root / "mine" / "data" / "train-00000-of-00001.parquet"
    assert pq.ParquetFile(path).num_row_groups == 1
    row = sum(map(len, whole.encoded_frames(0)))
    monkeypatch.setattr(assemble, "ROW_GROUP_BYTES", int(2.5 * row))
    few = folder_builder.build(settings={"name": "few"}).dataset
    groups = pq.ParquetFile(few.folder / "data" / "train-00000-of-00001.parquet")
    counts = [groups.metadata.row_group(group).num_rows for group in range(groups.num_row_groups)]
    assert counts == [2, 1]
    assert few.manifest.fingerprint == folder_builder.build().dataset.manifest.fingerprint
    # Files stay below what is asked where captions, not frames, are most of a row.
    table = folder_builder.table
    table.write_text(table.read_text().replace("from above", "w " * (row // 4)))
    cut = folder_builder.build(settings={"name": "cut", "shard_bytes": int(3.5 * row)}).dataset
    assert len(cut.manifest.splits["train"].paths("default")) == 2


@pytest.mark.parametrize("where", ["clips", "files"])
def test_a_full_disk(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder_builder.five_clips()
    with monkeypatch.context() as patch:
        if where == "clips":
            patch.setattr(clip_work, "store_row", full)
        else:
            patch.setattr(parquet.pq.ParquetWriter, "write_table", full)
        with pytest.raises(BuildError, match=r"(?s)disk of .* is full.*run the same"):
            folder_builder.build()
    assert not (folder_builder.root / "mine").exists()
    staging = folder_builder.root / ".mine.building"
    assert not (staging / "output").exists()
    decoded = count_decodes(monkeypatch)
    folder_builder.build()
    assert len(decoded) == (5 if where == "clips" else 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_is_really_full(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "from dvtr_bench.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command(folder_builder), "--workers", "1"],
        capture_output=True,
        text=True,
        cwd=folder_builder.root.parent,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder_builder.root.rglob("*.parquet")) == []
    assert list(folder_builder.root.rglob("*.part*")) == []


def command(builder: FolderBuilder) -> list[str]:
    return [
        "build",
        "folder",
        f"--clips={builder.clips}",
        f"--captions={builder.table}",
        "--name=mine",
        f"--root={builder.root}",
    ]


PAUSED_BUILD = """
import signal
import time

import builders.engine.decode as decode
from dvtr_bench.cli import main

stage_clips = decode.stage_clips


def stage_three_clips(*arguments):
    for number, outcome in enumerate(stage_clips(*arguments)):
        if number == 3:
            print("three are kept", flush=True)
            time.sleep(3600)
        yield outcome


decode.stage_clips = stage_three_clips
# A shell has what it starts in the background ignore Ctrl-C, and tests may run there.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupting_a_real_build(folder_builder: FolderBuilder, how: signal.Signals) -> None:
    names = [f"{number}.mp4" for number in range(7)]
    folder = folder_builder.tiny.write_folder(folder_builder.clips, names)
    if how == signal.SIGKILL:
        folder_builder.clips = pack(folder.with_suffix(".zip"), folder)
    rows = "".join(f"{name},clip {name}\n" for name in names)
    folder_builder.table_of(f"file_name,caption\n{rows}")
    asked = [*command(folder_builder), "--workers=2"]
    running = subprocess.Popen(
        [sys.executable, "-c", PAUSED_BUILD, *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "three are kept\n"
    kept = folder_builder.root / ".mine.building" / "clips"
    done = set(kept.glob("*.arrow"))
    os.killpg(running.pid, how)
    _, told = running.communicate(timeout=30)
    assert not (folder_builder.root / "mine").exists()
    assert list(folder_builder.root.rglob("*.parquet")) == []
    if how == signal.SIGINT:
        assert running.returncode == 130
        assert "Traceback" not in told
        assert "run the same command again" in told
    assert len(done) >= 3
    assert set(kept.glob("*.arrow")) >= done
    arguments = [sys.executable, "-m", "dvtr_bench", *asked]
    resumed = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    folder_builder.root = folder_builder.root.with_name("fresh")
    folder_builder.clips = folder
    # As the command builds, with the search for look-alikes.
    fresh = folder_builder.build(settings={"near_duplicates": True})
    assert hashes(folder_builder.root.with_name("dvtr") / "mine") == hashes(fresh.dataset.folder)


def test_two_builds_of_one_name(tmp_path: Path) -> None:
    with open_staging(tmp_path, "x") as staging:
        (staging.clips / "kept.arrow").touch()
        with (
            pytest.raises(BuildError, match="another process is building x"),
            open_staging(tmp_path, "x"),
        ):
            pass
    with open_staging(tmp_path, "x"):
        pass


def test_a_crash_between_the_two_renames_is_undone(tmp_path: Path) -> None:
    with open_staging(tmp_path, "x") as staging:
        staging.previous.mkdir()
        (staging.previous / "dataset.json").touch()
        (staging.clips / "kept.arrow").touch()
    with open_staging(tmp_path, "x"):
        assert (tmp_path / "x" / "dataset.json").exists()


def square(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number * number


def fail(number: int) -> int:
    raise ClipError(f"task {number}")


def test_a_clip_is_hashed_once(
    tmp_path: Path, tiny_clips: TinyClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return file_sha256(path)

    monkeypatch.setattr("builders.sources.source.file_sha256", counted)
    monkeypatch.setattr("dvtr_bench.video.extract.file_sha256", counted)
    path = tiny_clips.write(tmp_path / "clip.mp4")
    settings = FrameSettings(Sampling.parse("3"))
    staged = clip_work.stage_clip(clip_work.ClipTask(ClipFile(path), settings, tmp_path, ()))
    assert isinstance(staged, clip_work.StagedClip)
    kept = clip_work.read_staged(clip_work.kept_path(tmp_path, staged.key))
    assert kept["clip_sha256"].to_pylist() == [file_sha256(path)]
    assert hashed == [path]


def test_a_crashing_worker_loses_its_task_alone() -> None:
    outcomes = dict(run_tasks(square, list(range(8)), 2))
    crash = outcomes.pop(3)
    assert isinstance(crash, Crash)
    assert "SIGSEGV" in str(crash)
    assert outcomes == {number: number * number for number in range(8) if number != 3}


def test_errors_of_a_task_reach_the_caller() -> None:
    with pytest.raises(ClipError, match="task"):
        list(run_tasks(fail, [1, 2, 3], 2))
