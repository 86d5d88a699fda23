"""What runs on a node of a Ray cluster: decodes clips and hands their columns back.

A node needs the same versions as the machine that builds, and no disk in common with it. A clip is
read where it is seen under the same path; where it is not, the build sends its bytes along.
"""

from __future__ import annotations

import platform
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.engine.clip_work import BrokenClip, ClipTask, DecodedClip, decode_clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builders.sources.source import Footage


@dataclass(frozen=True)
class SentClip:
    """Footage of another machine, its bytes sent along.

    Attributes:
        original: As it is on the machine that builds.
        sha256: Its identity there.
        suffix: Of the file.
        data: The file.
    """

    original: Footage
    sha256: str
    suffix: str
    data: bytes

    @property
    def label(self) -> str:
        """What the original is called."""
        return self.original.label

    def identity(self) -> str:
        """Return the original's."""
        return self.sha256

    @property
    def identity_is_sha256(self) -> bool:
        """As of the original."""
        return self.original.identity_is_sha256

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Give a copy of the file."""
        path = scratch / f"sent{self.suffix}"
        path.write_bytes(self.data)
        yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return what the original knows."""
        return self.original.columns(frame_pts_seconds)


class NodeWorker:
    """Decodes clips one after the other, in a process of its own on some node."""

    def __init__(self, kept: frozenset[str]) -> None:
        """Know what earlier runs kept."""
        import cv2

        cv2.setNumThreads(1)
        self._kept = kept

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the node's name and the versions that decide which bytes come out."""
        return platform.node(), deciding_versions()

    def work(self, task: ClipTask) -> DecodedClip | BrokenClip:
        """Decode one clip, unless an earlier run did."""
        with tempfile.TemporaryDirectory(prefix="dvtr-bench-") as scratch:
            return decode_clip(replace(task, folder=Path(scratch)), self._kept.__contains__)


def deciding_versions() -> dict[str, str]:
    """Return the versions of everything that decides which bytes come out, by name."""
    import av
    import cv2
    import numpy as np
    import PIL

    from dvtr_bench import __version__

    return {
        "dvtr-bench": __version__,
        "av": av.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }
