"""Small pictures of clips, and whether a dataset's licence lets them be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageOps

from dvtr_bench.dataset.manifest import LicenceRecord

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames

SIZE_PX: Final = (160, 120)
STRIP_FRAMES: Final = 4
STRIP_SIZE_PX: Final = (SIZE_PX[0] * STRIP_FRAMES, SIZE_PX[1])

_QUALITY: Final = 70

_MOST_CROPPED: Final = 1 / 3
"""Share of a frame that may be cropped away; a frame that would lose more gets edges."""

_EDGE: Final = (236, 236, 233)

_UNNAMED: Final = ("unknown", "other")


@dataclass(frozen=True)
class Thumbnail:
    """Two pictures of a clip.

    Attributes:
        middle: Its middle frame, JPEG of `SIZE_PX`.
        strip: Four frames in time order, JPEG of `STRIP_SIZE_PX`.
    """

    middle: bytes
    strip: bytes


def may_be_shown(licence: LicenceRecord) -> bool:
    """Return whether a licence allows showing frames.

    Args:
        licence: The licence of the dataset.

    Returns:
        True for a named licence; False for an unknown one or one in the dataset's own words.

    Example:
        >>> may_be_shown(LicenceRecord("unknown", "Nobody says.", None))
        False
    """
    return licence.id not in _UNNAMED


def make_thumbnail(frames: "Frames") -> Thumbnail | None:
    """Make the pictures of a clip.

    Args:
        frames: Its stored frames, RGB uint8, in time order.

    Returns:
        The pictures; None for a clip without frames.
    """
    images = [fitted(Image.fromarray(frame), SIZE_PX) for frame in frames]
    if not images:
        return None
    strip = Image.new("RGB", STRIP_SIZE_PX)
    for number, image in enumerate(spread(images, STRIP_FRAMES)):
        strip.paste(image, (SIZE_PX[0] * number, 0))
    return Thumbnail(_jpeg(images[len(images) // 2]), _jpeg(strip))


def frames_of(thumbnail: Thumbnail) -> "Frames":
    """Return the frames of a thumbnail's strip, as a contact sheet draws them."""
    strip = np.asarray(Image.open(BytesIO(thumbnail.strip)).convert("RGB"))
    return list(np.split(strip, STRIP_FRAMES, axis=1))


def is_whole(thumbnail: Thumbnail) -> bool:
    """Return whether both pictures are JPEG files of their size that decode to the end."""
    for content, size in ((thumbnail.middle, SIZE_PX), (thumbnail.strip, STRIP_SIZE_PX)):
        try:
            with Image.open(BytesIO(content), formats=("JPEG",)) as image:
                if image.size != size:
                    return False
                image.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return False
    return True


def fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return an image in a size: cropped, or with edges where too much would be cropped away.

    Args:
        image: A frame of any shape.
        size: Width and height, in pixels.

    Returns:
        The image; a tall frame keeps its top and its bottom.
    """
    shape, wanted = image.width / image.height, size[0] / size[1]
    kept = min(shape, wanted) / max(shape, wanted)
    if 1 - kept > _MOST_CROPPED:
        return ImageOps.pad(image, size, color=_EDGE)
    return ImageOps.fit(image, size)


def spread(images: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """Return a number of images spread evenly, the first and the last among them."""
    return [images[round(number * (len(images) - 1) / (count - 1))] for number in range(count)]


def _jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, format="JPEG", quality=_QUALITY)
    return stream.getvalue()
