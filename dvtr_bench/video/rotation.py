"""The turn and mirroring that a clip's display matrix asks for, which decoders leave undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned to be shown.

    Args:
        clockwise_degrees: 0, 90, 180 or 270, applied after the mirroring.
        mirrored: flipped left to right first.
    """

    clockwise_degrees: int = 0
    mirrored: bool = False

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture upright.

        Args:
            picture: uint8, height x width x 3.

        Returns:
            uint8, contiguous; height and width change places at 90 and 270 degrees.
        """
        if self.mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, k=-self.clockwise_degrees // 90))


def frame_orientation(frame: VideoFrame) -> Orientation:
    """Read a frame's display matrix.

    Args:
        frame: a decoded frame.

    Returns:
        The orientation, to the nearest right angle: phones and drones write no other.
    """
    # PyAV's stub knows only one kind of side data.
    side_data = cast("Mapping[str, memoryview]", frame.side_data)
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # Three rows of three 32-bit numbers; (x, y) of the stored picture is shown at
    # (a x + c y, b x + d y), y pointing down.
    a, b, _, c, d, *_ = np.frombuffer(matrix, dtype="=i4").tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the flip x -> -x that comes first
        a, b = -a, -b
    angle = np.degrees(np.arctan2(b, a))
    return Orientation(round(float(angle) / 90) % 4 * 90, mirrored)
