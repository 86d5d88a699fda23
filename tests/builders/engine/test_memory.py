"""A build holds the clips that are under way, never all of them."""

import hashlib
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from builders.build import build_source
from builders.engine import clip_work
from builders.engine import parquet as rows
from builders.engine.clip_work import read_staged
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.source import Clip, Source
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.sampling import Sampling
from tests.builders.engine.test_isolation import INFO
from tests.builders.tiny_clips import TinyClips

FRAME_BYTES = 60_000
FRAMES = FrameSettings(Sampling(2))
ARROW: list[int] = []


@dataclass(frozen=True)
class Numbered:
    """Footage of which every clip is unlike the others and costs nothing to decode."""

    number: int

    @property
    def label(self) -> str:
        return str(self.number)

    def identity(self) -> str:
        return hashlib.sha256(str(self.number).encode()).hexdigest()

    @property
    def identity_is_sha256(self) -> bool:
        return False

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        yield scratch

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        return {}


@pytest.fixture
def free_decoding(tmp_path: Path, tiny_clips: TinyClips, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = clip_work.store_row
    found = extract_frames(tiny_clips.write(tmp_path / "clip.mp4"), FRAMES.sampling)
    monkeypatch.setattr(clip_work, "extract_frames", lambda *_, **__: found)
    monkeypatch.setattr(clip_work, "encode_frame", lambda *_: bytes(FRAME_BYTES))
    monkeypatch.setattr(rows, "read_staged", lambda path: arrow_seen(read_staged(path)))
    monkeypatch.setattr(clip_work, "store_row", lambda table, path: keep(arrow_seen(table), path))


def arrow_seen(table: pa.Table) -> pa.Table:
    """Note what Arrow holds whenever a clip is kept or read."""
    ARROW.append(pa.total_allocated_bytes())
    return table


def peak_bytes(root: Path, count: int) -> int:
    """Build so many clips; return the most memory that Python and Arrow had beyond the start."""
    clips = [
        Clip(f"clip {number}", (f"caption {number}",), "test", Numbered(number))
        for number in range(count)
    ]
    source = Source(info=INFO, clips=tuple(clips))
    settings = BuildSettings(root=root / str(count), frames=FRAMES, workers=0, progress=False)
    ARROW[:] = [pa.total_allocated_bytes()]
    tracemalloc.start()
    try:
        build_source(source, settings)
        return tracemalloc.get_traced_memory()[1] + max(ARROW) - ARROW[0]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("free_decoding")
def test_memory_does_not_grow_with_frames(tmp_path: Path) -> None:
    peak_bytes(tmp_path, 3)  # imports
    few, many = peak_bytes(tmp_path, 40), peak_bytes(tmp_path, 200)
    # The clips' own ids and captions, not the 120,000 bytes of frames that each has.
    assert many - few < 160 * 6_000


@pytest.mark.usefixtures("free_decoding")
def test_holding_the_frames_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    keep = clip_work.keep_clip

    def keep_and_hold(clip: clip_work.DecodedClip, folder: Path) -> clip_work.StagedClip:
        held.append(clip)
        return keep(clip, folder)

    peak_bytes(tmp_path, 3)
    monkeypatch.setattr(clip_work, "keep_clip", keep_and_hold)
    few, many = peak_bytes(tmp_path, 40), peak_bytes(tmp_path, 200)
    assert many - few > 160 * 2 * FRAME_BYTES / 2
