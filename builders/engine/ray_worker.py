"""The worker on a node of a Ray cluster: it decodes clips and returns their columns.

A node needs the same versions as the machine that builds, but no shared disk. It reads a clip under
the path that the clip has on the build's machine. If there is none, the build sends the bytes.
"""

from __future__ import annotations

import platform
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from builders.engine.clip_work import BrokenClip, ClipTask, DecodedClip, decode_clip
from builders.engine.segment_work import SegmentsTask, decode_segments
from dvtr_bench.runtime.files import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from builders.sources.source import Footage

Answer = DecodedClip | BrokenClip | tuple[DecodedClip | BrokenClip, ...]
"""What a worker sends: of a clip one result, of parts of a file one a part."""


@dataclass(frozen=True)
class SentClip:
    """Footage of the build's machine, sent to a node as bytes.

    Attributes:
        original: The footage on the build's machine.
        sha256: Its identity there.
        suffix: Suffix of the file name.
        data: Content of the file.
    """

    original: Footage
    sha256: str
    suffix: str
    data: bytes

    @property
    def label(self) -> str:
        """Name of the original, for messages."""
        return self.original.label

    def identity(self) -> str:
        """Return the original's identity."""
        return self.sha256

    @property
    def identity_is_sha256(self) -> bool:
        """Whether the original's identity is the SHA-256 of its file."""
        return self.original.identity_is_sha256

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Write the bytes to a temporary file."""
        path = scratch / f"sent{self.suffix}"
        path.write_bytes(self.data)
        yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the original's extra columns."""
        return self.original.columns(frame_pts_seconds)


class NodeWorker:
    """Ray actor that decodes clips one after the other."""

    def __init__(self, kept: frozenset[str]) -> None:
        """Store the keys of clips that earlier runs have stored."""
        import cv2

        cv2.setNumThreads(1)
        self._kept = kept

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the node's name and the versions on which frames depend."""
        return platform.node(), pixel_versions()

    def work(self, task: ClipTask | SegmentsTask) -> Answer:
        """Decode one clip or the parts of one file, unless an earlier run did."""
        with temporary_folder() as folder:
            is_kept = self._kept.__contains__
            if isinstance(task, ClipTask):
                return decode_clip(replace(task, folder=folder), is_kept)
            return tuple(decode_segments(replace(task, folder=folder), is_kept))


def pixel_versions() -> dict[str, str]:
    """Return the versions of all libraries on which the bytes of frames depend, by name."""
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
