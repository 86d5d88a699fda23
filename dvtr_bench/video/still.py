"""A still picture as a clip of one frame."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.video.containers import MAX_FRAME_PX, check_file, check_frame_size
from dvtr_bench.video.decode import ClipFacts
from dvtr_bench.video.extract import SHORT_SIDE_PX, ExtractedClip
from dvtr_bench.video.frame_store import resize_short_side
from dvtr_bench.video.perceptual_hash import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STILL_SUFFIXES: Final = frozenset(".bmp .jpeg .jpg .png .tif .tiff .webp".split())

_FORMATS: Final = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
_ORIENTATION_TAG: Final = 0x0112
_CLOCKWISE_DEGREES: Final = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
"""Of the values of Exif's orientation; 2, 4, 5 and 7 are mirrored too."""


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on; our own limit follows.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=_FORMATS) as picture:
            yield picture


def extract_still(
    path: Path, *, short_side_px: int = SHORT_SIDE_PX, clip_sha256: str | None = None
) -> ExtractedClip:
    """Read a picture as a clip of one frame, which is shown at 0 seconds and lasts no time.

    Args:
        path: The picture: JPEG, PNG, WebP, TIFF or BMP.
        short_side_px: Length of the frame's short side.
        clip_sha256: SHA-256 of the file if known; None to compute it.

    Returns:
        The frame, upright by its Exif orientation; duration and frame rate are 0.

    Raises:
        ClipError: The picture is missing, of another kind, too large, cut off or damaged.

    Example:
        >>> still = extract_still(Path("a.jpg"))  # doctest: +SKIP
        >>> len(still.frames), still.facts.source_codec  # doctest: +SKIP
        (1, 'jpeg')
    """
    check_file(path)
    try:
        with _opened(path) as picture:
            width_px, height_px = picture.size
            check_frame_size(path, width_px, height_px)
            codec = str(picture.format).lower()
            orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
            frame = np.ascontiguousarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except ClipError:
        raise
    except Image.DecompressionBombError as failure:
        raise ClipError(
            f"{path}: too large: at most {MAX_FRAME_PX:,} pixels are decoded ({failure}). The "
            "header is broken, or scale the picture down first."
        ) from None
    except UnidentifiedImageError:
        raise ClipError(
            f"{path}: this is no picture: expected {', '.join(_FORMATS)}. Replace the file"
        ) from None
    except Exception as failure:  # broken pictures make readers fail in many ways
        reason = str(failure).replace(str(path), "it")[:100]
        raise ClipError(f"{path}: a damaged picture ({reason}). Get the file again") from failure
    frame = resize_short_side(frame, short_side_px)
    return ExtractedClip(
        frames=(frame,),
        frame_pts_seconds=(0.0,),
        facts=ClipFacts(
            duration_seconds=0.0,
            source_fps=0.0,
            source_width_px=width_px,
            source_height_px=height_px,
            source_num_frames=1,
            source_codec=codec,
            rotation_degrees=_CLOCKWISE_DEGREES.get(orientation, 0),
            colour="rgb",
        ),
        clip_sha256=clip_sha256 or file_sha256(path),
        perceptual_hash=perceptual_hash([frame]),
    )
