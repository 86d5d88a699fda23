"""The geometry of shown pictures: crop, shape of pixels, mirroring and rotation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from dvtr_bench.errors import ClipError
from dvtr_bench.video.frame_fit import short_side_size
from dvtr_bench.video.resize import resize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

MAX_STORED_SIDE_PX: Final = 65_500
"""The longest side of a JPEG file that libjpeg writes."""


@dataclass(frozen=True)
class Crop:
    """Pixels of the coded picture that the container says not to show.

    Attributes:
        left_px: Columns at the left.
        top_px: Lines at the top.
        right_px: Columns at the right.
        bottom_px: Lines at the bottom.

    Example:
        >>> Crop(1, 0, 1, 0).apply(np.zeros((2, 6, 3), np.uint8)).shape
        (2, 4, 3)
    """

    left_px: int = 0
    top_px: int = 0
    right_px: int = 0
    bottom_px: int = 0

    def __bool__(self) -> bool:
        """Return whether anything is cut away."""
        return self != Crop()

    def fits(self, width_px: int, height_px: int) -> bool:
        """Return whether something of a picture of this size is left."""
        return self.left_px + self.right_px < width_px and self.top_px + self.bottom_px < height_px

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the part of a picture (height x width x 3) that is shown."""
        height_px, width_px, _ = picture.shape
        lines = slice(self.top_px, height_px - self.bottom_px)
        return picture[lines, self.left_px : width_px - self.right_px]


@dataclass(frozen=True)
class Orientation:
    """How a coded picture is mirrored and rotated for display.

    Attributes:
        clockwise_degrees: 0, 90, 180 or 270, applied after mirroring.
        mirrored: Whether left and right are exchanged.
    """

    clockwise_degrees: int = 0
    mirrored: bool = False

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mirror and rotate a picture.

        Args:
            picture: Uint8, height x width x 3.

        Returns:
            uint8, contiguous; height and width are exchanged at 90 and 270 degrees.
        """
        if self.mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, k=-self.clockwise_degrees // 90))


def frame_orientation(frame: VideoFrame) -> Orientation:
    """Read a frame's display matrix.

    Args:
        frame: A decoded frame.

    Returns:
        The orientation, rounded to a right angle: phones and drones write no other.
    """
    # PyAV's stub knows only one kind of side data.
    side_data = cast("Mapping[str, memoryview]", frame.side_data)
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # Three rows of three 32-bit numbers; (x, y) of the coded picture is shown at
    # (a x + c y, b x + d y), y pointing down.
    a, b, _, c, d, *_ = np.frombuffer(matrix, dtype="=i4").tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the flip x -> -x that comes first
        a, b = -a, -b
    angle = np.degrees(np.arctan2(b, a))
    return Orientation(round(float(angle) / 90) % 4 * 90, mirrored)


@dataclass(frozen=True)
class Geometry:
    """How the coded pictures of a clip become those that a player shows.

    Attributes:
        coded_size_px: Width and height of the clip's first coded picture.
        crop: What is cut away from pictures of that size.
        pixel_aspect: Width of a pixel / its height.
        orientation: How pictures are turned.
    """

    coded_size_px: tuple[int, int]
    crop: Crop = Crop()
    pixel_aspect: Fraction = Fraction(1)
    orientation: Orientation = Orientation()

    @property
    def cropped_size_px(self) -> tuple[int, int]:
        """Width and height of the first picture after the crop."""
        width_px, height_px = self.coded_size_px
        crop = self.crop
        return (
            width_px - crop.left_px - crop.right_px,
            height_px - crop.top_px - crop.bottom_px,
        )

    @property
    def shown_size_px(self) -> tuple[int, int]:
        """Width and height of all shown pictures.

        Wide pixels make pictures wider and narrow ones make them higher, so that no line is lost.
        """
        width_px, height_px = self.cropped_size_px
        if self.pixel_aspect > 1:
            width_px = max(1, round(width_px * self.pixel_aspect))
        else:
            height_px = max(1, round(height_px / self.pixel_aspect))
        turned = self.orientation.clockwise_degrees % 180 == 90
        return (height_px, width_px) if turned else (width_px, height_px)

    @property
    def stretches(self) -> bool:
        """Whether pixels are not square, by at least half a pixel of the picture."""
        shown = sorted(self.shown_size_px)
        return shown != sorted(self.cropped_size_px)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a coded picture as it is shown.

        Args:
            picture: Uint8, height x width x 3, of any size.

        Returns:
            uint8, of `shown_size_px`.
        """
        return resize(self._oriented(picture), *self.shown_size_px)

    def apply_resized(
        self, path: Path, picture: NDArray[np.uint8], short_side_px: int
    ) -> NDArray[np.uint8]:
        """Return a coded picture as it is shown, resized in the same step.

        Args:
            path: The clip, for messages.
            picture: Uint8, height x width x 3, of any size.
            short_side_px: New length of the short side.

        Returns:
            uint8; the size is the same for all pictures of a clip.

        Raises:
            ClipError: No image file can be that long.
        """
        width_px, height_px = short_side_size(*self.shown_size_px, short_side_px)
        if max(width_px, height_px) > MAX_STORED_SIDE_PX:
            shown = " x ".join(map(str, self.shown_size_px))
            raise ClipError(
                f"{path}: too long and thin: with a short side of {short_side_px} pixels, its "
                f"pictures of {shown} would be {width_px:,} x {height_px:,}; image files have at "
                f"most {MAX_STORED_SIDE_PX:,} pixels a side. Replace it, or pad it first"
            )
        return resize(self._oriented(picture), width_px, height_px)

    def _oriented(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # A picture of another size is stretched as a whole: the crop was meant for the first size.
        if self.crop and picture.shape[1::-1] == self.coded_size_px:
            picture = self.crop.apply(picture)
        return self.orientation.apply(picture)
