"""Thumbnails of clips: small pictures in the site's folder, where a licence lets them be shown."""

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

_SAYS_NOTHING: Final = ("unknown", "other")


def may_be_shown(licence: LicenceRecord) -> bool:
    """Say whether a licence allows to show frames: one that says nothing, or its own words, not.

    Args:
        licence: Of the dataset.

    Returns:
        True for a licence by its name.

    Example:
        >>> may_be_shown(LicenceRecord("unknown", "Nobody says.", None))
        False
    """
    return licence.id not in _SAYS_NOTHING


def write_thumbnails(split: "RetrievalSplit", folder: Path) -> None:
    """Write two pictures a clip, named by its row: the middle frame, and four frames in a strip.

    Args:
        split: With frames.
        folder: For the pictures; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = SIZE_PX
    for row in range(len(split.video_ids)):
        images = [ImageOps.fit(Image.fromarray(frame), SIZE_PX) for frame in split.frames(row)]
        if not images:
            continue
        strip = Image.new("RGB", (width * STRIP_FRAMES, height))
        for place in range(STRIP_FRAMES):
            chosen = images[round(place * (len(images) - 1) / (STRIP_FRAMES - 1))]
            strip.paste(chosen, (width * place, 0))
        for path, image in (
            (folder / f"{row}.jpg", images[len(images) // 2]),
            (folder / f"{row}-strip.jpg", strip),
        ):
            with written_beside(path) as beside:
                image.save(beside, format="JPEG", quality=_QUALITY)
