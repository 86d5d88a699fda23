"""What a build is asked to do, beyond what the dataset itself says."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from dvtr_bench.dataset.schema import FORMAT_VERSION
from dvtr_bench.errors import ConfigError
from dvtr_bench.video.extract import SHORT_SIDE_PX
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling

EXTRACTOR_VERSION: Final = "1"
"""Raised when decoding, sampling, resizing or encoding changes what pixels come out."""

SHARD_BYTES: Final = 480_000_000
"""Frames in one Parquet file at most, unless a single clip has more: files of 500 MB at most."""

CLIP_SECONDS_LIMIT: Final = 600.0

Missing = Literal["stop", "drop"]
Executor = Literal["local", "ray"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}")


@dataclass(frozen=True)
class FrameSettings:
    """How frames are sampled and stored.

    Attributes:
        sampling: Which frames.
        frame_format: JPEG or PNG.
        short_side_px: Length of the shorter side.
    """

    sampling: Sampling = field(default_factory=Sampling)
    frame_format: FrameFormat = field(default_factory=FrameFormat)
    short_side_px: int = SHORT_SIDE_PX

    @property
    def image_format(self) -> str:
        """How frames are stored, such as ``jpeg:95:4:4:4`` or ``png``."""
        stored = self.frame_format
        if stored.kind == "png":
            return "png"
        return f"jpeg:{stored.jpeg_quality}:{stored.jpeg_chroma}"

    def describe(self) -> dict[str, Any]:
        """Return everything that the stored pixels depend on, beside the clip."""
        return {
            "sampling": str(self.sampling),
            "short_side_px": self.short_side_px,
            "image_format": self.image_format,
            "extractor": EXTRACTOR_VERSION,
        }


@dataclass(frozen=True)
class BuildSettings:
    """What a build is asked to do.

    Attributes:
        root: The folder that holds datasets.
        name: Name of the dataset; None for the dataset's own.
        frames: How frames are made; None builds annotations alone.
        missing: ``stop`` at ids without clips, clips without ids and broken clips, or ``drop``
            them, which the card, the report and the fingerprint then say.
        overwrite: Replace another dataset of that name once the new one is whole.
        executor: ``local`` decodes on this machine, ``ray`` on all machines of a Ray cluster; the
            result does not depend on it.
        address: Of the Ray cluster; None for the one that the environment names or this machine
            runs, else a new one on this machine. For ``ray`` alone.
        workers: Processes that decode; the result does not depend on it. None for one a core that
            may be used, of this machine or of the Ray cluster. 0 decodes in this process, where a
            clip that crashes the decoder ends the build; on Ray there is no 0.
        clip_seconds_limit: What one clip may take to decode; then its worker is killed and the
            clip counts as broken. Without effect where `workers` is 0.
        shard_bytes: Size of one Parquet file at most, less 4% for what is not frames; a single
            clip that has more gets a file of its own.
        progress: Show progress bars.

    Raises:
        ConfigError: A value that has no meaning.
    """

    root: Path = Path("dvtr")
    name: str | None = None
    frames: FrameSettings | None = field(default_factory=FrameSettings)
    missing: Missing = "stop"
    overwrite: bool = False
    executor: Executor = "local"
    address: str | None = None
    workers: int | None = None
    clip_seconds_limit: float = CLIP_SECONDS_LIMIT
    shard_bytes: int = SHARD_BYTES
    progress: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"--name {self.name!r}: expected letters, digits, '.', '_' and '-', beginning with "
                "a letter or digit, at most 95"
            )
        if self.executor not in get_args(Executor):
            raise ConfigError(f"--executor: expected local or ray, found {self.executor!r}")
        if self.address is not None and self.executor != "ray":
            raise ConfigError("--address names a Ray cluster: it goes with --executor ray")
        fewest = 1 if self.executor == "ray" else 0
        if self.workers is not None and self.workers < fewest:
            raise ConfigError(f"--workers: expected {fewest} or more, found {self.workers}")
        if not self.clip_seconds_limit > 0:
            raise ConfigError(
                f"--clip-seconds-limit: expected more than 0, found {self.clip_seconds_limit:g}"
            )
        if self.missing not in get_args(Missing):
            raise ConfigError(f"--missing: expected stop or drop, found {self.missing!r}")

    @property
    def local_workers(self) -> int:
        """Processes for work on this machine, whatever decodes."""
        if self.workers is None or self.executor != "local":
            return usable_cores()
        return self.workers

    def describe(self) -> dict[str, Any]:
        """Return what the rows depend on, beside the source (JSON values)."""
        frames = self.frames.describe() if self.frames else None
        return {"format_version": FORMAT_VERSION, "frames": frames}


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
