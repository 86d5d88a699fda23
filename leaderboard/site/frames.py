"""Thumbnails of clips for the site, if the dataset's licence allows showing them."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from dvtr_bench.dataset.manifest import LicenceRecord
from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

SIZE_PX: Final = (160, 120)
STRIP_FRAMES: Final = 4

_QUALITY: Final = 70

_UNNAMED: Final = ("unknown", "other")


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


def write_thumbnails(split: "RetrievalSplit", folder: Path) -> None:
    """Write two pictures per clip, named by its row: its middle frame and a strip of four frames.

    Args:
        split: A split with frames.
        folder: The output folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = SIZE_PX
    for row in range(len(split.video_ids)):
        images = [ImageOps.fit(Image.fromarray(frame), SIZE_PX) for frame in split.frames(row)]
        if not images:
            continue
        strip = Image.new("RGB", (width * STRIP_FRAMES, height))
        for number in range(STRIP_FRAMES):
            image = images[round(number * (len(images) - 1) / (STRIP_FRAMES - 1))]
            strip.paste(image, (width * number, 0))
        for path, image in (
            (folder / f"{row}.jpg", images[len(images) // 2]),
            (folder / f"{row}-strip.jpg", strip),
        ):
            with written_beside(path) as beside:
                image.save(beside, format="JPEG", quality=_QUALITY)
