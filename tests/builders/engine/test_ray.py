"""Builds on a Ray cluster of two nodes: the same bytes, and one of the nodes may die."""

import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from builders.build import build_source
from builders.engine import ray_pool
from builders.engine.settings import BuildSettings
from builders.sources.segments import SEGMENT_FIELDS, ClipSegment, Segment
from builders.sources.source import Clip, ClipFile, Source
from builders.sources.stills import StillPicture
from dvtr_bench.errors import ClipError, ClusterError, ConfigError, NotFoundError
from dvtr_bench.runtime.ray_cluster import ray_cluster, require_same_versions
from tests.builders.engine.test_engine import count_decodes, hashes
from tests.builders.engine.test_isolation import INFO, Trap
from tests.builders.tiny_clips import TinyClips

# Ray's test cluster does not wait for the processes of the node that it kills.
pytestmark = [
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*Popen.__del__:pytest.PytestUnraisableExceptionWarning"),
]

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and one more node, one core each, as processes of this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Ray's own imports and start emit
        pytest.importorskip("ray", reason="Ray is not installed: pip install 'dvtr-bench[ray]'")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        yield made
    finally:
        made.shutdown()


@dataclass(frozen=True)
class SlowClip(ClipFile):
    """A clip that takes its time and notes in a file which process opened it.

    Attributes:
        notes: Where it is noted.
        seen_by: The one process that sees the file, as where nodes share no disk; 0 for any.
    """

    notes: Path
    seen_by: int = 0

    def identity(self) -> str:
        if self.seen_by not in (0, os.getpid()):
            raise ClipError(f"{self.path}: cannot be read (No such file or directory)")
        return super().identity()

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        (self.notes / f"{self.path.stem}-{os.getpid()}").touch()
        if self.seen_by == 0:
            time.sleep(0.5)
        yield self.path


def slow_source(folder: Path, tiny_clips: TinyClips) -> Source:
    notes = folder / "notes"
    notes.mkdir()
    clips = []
    for number in range(14):
        path = tiny_clips.write(folder / "clips" / f"c{number}.mp4", number)
        footage = SlowClip(path, notes, os.getpid() if number in (5, 9) else 0)
        clips.append(Clip(path.stem, (f"caption {number}",), "test", footage))
    return Source(info=INFO, clips=tuple(clips))


def settings_for(root: Path, cluster: Any, **more: Any) -> BuildSettings:
    return BuildSettings(root=root, executor="ray", address=cluster.address, progress=False, **more)


@pytest.mark.torture  # the same on this machine's own workers: test_isolation.py
def test_a_crash_and_a_hang_cost_one_clip_each(
    tmp_path: Path, tiny_clips: TinyClips, cluster: Any
) -> None:
    paths = [tiny_clips.write(tmp_path / f"{number}.mp4", number) for number in range(2)]
    footage = [Trap("SIGSEGV"), ClipFile(paths[0]), Trap("hang"), ClipFile(paths[1])]
    clips = [Clip(f"c{n}", (f"caption {n}",), "test", one) for n, one in enumerate(footage)]
    settings = settings_for(tmp_path, cluster, missing="drop", clip_seconds_limit=10)
    built = build_source(Source(info=INFO, clips=tuple(clips)), settings)
    assert built.dataset.split("test").video_ids == ("c1", "c3")
    assert built.report is not None
    told = built.report.left_out["broken clips"]
    assert "the SIGSEGV trap: the processes that decoded it ended, 3 times in a row" in told[0]
    assert "the hang trap: decoding was not done after 10 seconds" in told[1]


@pytest.mark.torture
def test_a_node_dies_and_the_bytes_are_the_same(
    tmp_path: Path, tiny_clips: TinyClips, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = slow_source(tmp_path, tiny_clips)
    with monkeypatch.context() as patch:  # a local build, interrupted after three clips
        count_decodes(patch, fail_at=3)
        with pytest.raises(KeyboardInterrupt):
            build_source(source, BuildSettings(root=tmp_path / "ray", workers=0, progress=False))
    notes = tmp_path / "notes"
    for note in notes.iterdir():
        note.unlink()
    kept = tmp_path / "ray" / ".traps.building" / "clips"
    other = cluster.add_node(**NODE)

    def kill_a_node() -> None:
        while len(list(kept.glob("*.arrow"))) < 6:
            time.sleep(0.02)
        cluster.remove_node(other, allow_graceful=False)

    killer = threading.Thread(target=kill_a_node)
    killer.start()
    built = build_source(source, settings_for(tmp_path / "ray", cluster, workers=2))
    killer.join()
    opened = [note.name.split("-") for note in notes.iterdir()]
    assert {clip for clip, _ in opened} == {f"c{number}" for number in range(3, 14)}
    assert len({pid for _, pid in opened if pid != str(os.getpid())}) >= 2, "both nodes had work"
    local = build_source(source, BuildSettings(tmp_path / "local", workers=0, progress=False))
    assert hashes(built.dataset.folder) == hashes(local.dataset.folder)


@pytest.mark.slow
def test_parts_of_files_and_pictures_have_the_same_bytes(
    tmp_path: Path, tiny_clips: TinyClips, cluster: Any
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    files = [
        SlowClip(tiny_clips.write(tmp_path / f"{number}.mp4", number), notes, seen_by)
        for number, seen_by in enumerate((0, os.getpid()))  # the nodes get the bytes of one
    ]
    picture = tmp_path / "picture.png"
    Image.new("RGB", (60, 40), "red").save(picture)
    footage = [
        *(ClipSegment(file, Segment(start / 4, 1)) for start in range(3) for file in files),
        ClipSegment(files[0], Segment(3, 4)),
        *(StillPicture(SlowClip(picture, notes, seen_by)) for seen_by in (0, os.getpid())),
    ]
    clips = [Clip(f"c{n}", (f"caption {n}",), "test", one) for n, one in enumerate(footage)]
    source = Source(info=INFO, clips=tuple(clips), extra_fields=SEGMENT_FIELDS)
    built = build_source(source, settings_for(tmp_path / "ray", cluster, missing="drop"))
    assert built.report is not None
    (broken,) = built.report.left_out["broken clips"]
    assert "'c6': " in broken
    assert "starts at 3 seconds, where the clip has ended" in broken
    opened = [note.name.split("-")[0] for note in notes.iterdir()]
    assert opened.count("0") == 1, "one process, in one pass"
    settings = BuildSettings(tmp_path / "local", workers=0, progress=False, missing="drop")
    local = build_source(source, settings)
    assert hashes(built.dataset.folder) == hashes(local.dataset.folder)


def test_without_ray(
    tmp_path: Path, tiny_clips: TinyClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    # Not by sys.modules: Ray, once used, imports itself wherever something is logged.
    only = SimpleNamespace(import_module=absent)
    monkeypatch.setattr("dvtr_bench.runtime.ray_cluster.importlib", only)
    clip = Clip("c", ("a clip",), "test", ClipFile(tiny_clips.write(tmp_path / "c.mp4")))
    settings = BuildSettings(root=tmp_path, executor="ray", progress=False)
    with pytest.raises(NotFoundError, match=r"not installed: pip install 'dvtr-bench\[ray\]'"):
        build_source(Source(info=INFO, clips=(clip,)), settings)


def test_an_address_where_nobody_answers() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'dvtr-bench[ray]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ClusterError, match=rf"no Ray cluster answers at {address}.*ray start"):
            ray_cluster(address).__enter__()


def test_a_node_of_other_versions_is_refused() -> None:
    theirs = ray_pool.pixel_versions()
    require_same_versions("node7", theirs, ray_pool.pixel_versions())
    with pytest.raises(ClusterError, match="node7 .* has other versions.*: av 15.0 there, "):
        require_same_versions("node7", {**theirs, "av": "15.0"}, theirs)


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="--executor: expected local or ray, found 'slurm'"):
        BuildSettings(executor="slurm")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="--address .* use it with --executor ray"):
        BuildSettings(address="head:6379")
    with pytest.raises(ConfigError, match="--workers: expected 1 or more, found 0"):
        BuildSettings(executor="ray", workers=0)
