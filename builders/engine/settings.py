"""Settings of a build that do not depend on the dataset."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from dvtr_bench.dataset.manifest import FORMAT_VERSION
from dvtr_bench.errors import ConfigError
from dvtr_bench.video.extract import SHORT_SIDE_PX
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling

EXTRACTOR_VERSION: Final = "1"
"""Raised whenever a change of decoding, sampling, resizing or encoding changes stored pixels."""

TREATMENT_VERSION: Final = 2
"""Raised when unusual footage is treated in another way, so that clips which an earlier version
stored for an unfinished build are decoded again. Usual footage, whose pixels stay, keeps its
``EXTRACTOR_VERSION``; what was applied to other clips is part of the fingerprint."""

SHARD_BYTES: Final = 480_000_000
"""Most bytes of frames in one Parquet file, whose size is then at most 500 MB."""

CLIP_SECONDS_LIMIT: Final = 600.0

Missing = Literal["stop", "drop"]
Executor = Literal["local", "ray"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}")


@dataclass(frozen=True)
class FrameSettings:
    """How frames are sampled and stored.

    Attributes:
        sampling: Which frames are stored.
        frame_format: How they are encoded.
        short_side_px: Length of their shorter side.
    """

    sampling: Sampling = field(default_factory=Sampling)
    frame_format: FrameFormat = field(default_factory=FrameFormat)
    short_side_px: int = SHORT_SIDE_PX

    @property
    def image_format(self) -> str:
        """How frames are stored, such as ``jpeg:95:4:4:4`` or ``png``."""
        if self.frame_format.kind == "png":
            return "png"
        return f"jpeg:{self.frame_format.jpeg_quality}:{self.frame_format.jpeg_chroma}"

    def describe(self) -> dict[str, Any]:
        """Return everything besides the clip that the stored pixels depend on (JSON values)."""
        return {
            "sampling": str(self.sampling),
            "short_side_px": self.short_side_px,
            "image_format": self.image_format,
            "extractor": EXTRACTOR_VERSION,
        }


@dataclass(frozen=True)
class BuildSettings:
    """Settings of a build.

    Attributes:
        root: Folder of all datasets.
        name: Name of the built dataset; None for the dataset's default name.
        frames: How frames are made; None to build annotations only.
        keep_clips: Whether the files of the clips are stored too, as they are.
        missing: ``stop`` at ids without clips, clips without ids and broken clips, or ``drop``
            them, which the card and the report state and the fingerprint reflects.
        overwrite: Whether to replace another dataset of that name when the new one is complete.
        move_test_clips: Whether to go on where clips would leave the test split of the dataset that
            this one replaces or follows.
        reuse: Whether frames of clips whose bytes did not change are taken from other versions of
            the dataset, in place of decoding them; the result does not depend on it.
        executor: ``local`` decodes on this machine, ``ray`` on a Ray cluster; the result does not
            depend on it.
        address: Address of the Ray cluster, only with ``ray``. None for the cluster in the
            environment or on this machine; if there is none, a new one on this machine.
        workers: Number of processes that decode; the result does not depend on it. None for one a
            usable core of this machine or the Ray cluster. 0 decodes in this process, where a clip
            that crashes the decoder ends the build; not available with ``ray``.
        clip_seconds_limit: Time limit for decoding one clip. Then its worker is killed and the
            clip counts as broken. No effect if `workers` is 0.
        shard_bytes: Most bytes of frames in one Parquet file, 4% below the file's size limit. A
            single clip with more gets its own file.
        near_duplicates: Whether to look for clips of different splits that look alike.
        progress: Whether to show progress bars.

    Raises:
        ConfigError: A value is not allowed.
    """

    root: Path = Path("dvtr")
    name: str | None = None
    frames: FrameSettings | None = field(default_factory=FrameSettings)
    keep_clips: bool = False
    missing: Missing = "stop"
    overwrite: bool = False
    move_test_clips: bool = False
    reuse: bool = True
    executor: Executor = "local"
    address: str | None = None
    workers: int | None = None
    clip_seconds_limit: float = CLIP_SECONDS_LIMIT
    shard_bytes: int = SHARD_BYTES
    near_duplicates: bool = True
    progress: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"--name {self.name!r}: expected at most 95 letters, digits, '.', '_' and '-', "
                "beginning with a letter or digit"
            )
        if not isinstance(self.keep_clips, bool):
            raise ConfigError(
                f"keep_clips: expected True or False, found {self.keep_clips!r}; the folder for "
                "the MP4 files of aerosynth is clips_to"
            )
        if self.keep_clips and self.frames is None:
            raise ConfigError(
                "--keep-clips stores clips, and --annotations-only reads none: leave one out"
            )
        if self.executor not in get_args(Executor):
            raise ConfigError(f"--executor: expected local or ray, found {self.executor!r}")
        if self.address is not None and self.executor != "ray":
            raise ConfigError("--address names a Ray cluster: use it with --executor ray")
        minimum = 1 if self.executor == "ray" else 0
        if self.workers is not None and self.workers < minimum:
            raise ConfigError(f"--workers: expected {minimum} or more, found {self.workers}")
        if not self.clip_seconds_limit > 0:
            raise ConfigError(
                f"--clip-seconds-limit: expected more than 0, found {self.clip_seconds_limit:g}"
            )
        if self.missing not in get_args(Missing):
            raise ConfigError(f"--missing: expected stop or drop, found {self.missing!r}")

    @property
    def local_workers(self) -> int:
        """Number of processes for work on this machine, with any executor."""
        if self.workers is None or self.executor != "local":
            return usable_cores()
        return self.workers

    def describe(self) -> dict[str, Any]:
        """Return everything besides the source that the rows depend on (JSON values)."""
        frames = self.frames.describe() if self.frames else None
        described = {"format_version": FORMAT_VERSION, "frames": frames}
        # Datasets without clips keep the fingerprints that they had before there were any.
        return {**described, "keep_clips": True} if self.keep_clips else described


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
