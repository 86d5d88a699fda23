"""ERA's clips in the layouts that exist: ERA's own folders, and the names of USRD's authors.

ERA (arXiv 2001.11394) keeps `Videos/Tra/<Class>/<Class>_NNN .mp4` and `Videos/Test/...`; the space
before the extension may be missing, and the same number occurs in both folders for different
clips. USRD's authors put both into one folder: ``' 1'`` at the end of a name means Tra, ``' '``
means Test.
"""

from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from builders.sources.clip_files import ClipFiles

Part = Literal["Tra", "Test"]


class EraKey(NamedTuple):
    """One clip of ERA.

    Attributes:
        part: ERA's folder.
        name: Such as ``Baseball_001``.
    """

    part: Part
    name: str


def parse_usrd_name(name: str) -> EraKey | None:
    """Read a name as USRD's authors write it.

    Args:
        name: Such as ``'Baseball_008 1'`` or ``'Baseball_010 '``.

    Returns:
        The clip; None for a name of another form.

    Example:
        >>> parse_usrd_name("Baseball_008 1")
        EraKey(part='Tra', name='Baseball_008')
    """
    if name.endswith(" 1"):
        return EraKey("Tra", name[:-2])
    if name.endswith(" "):
        return EraKey("Test", name[:-1])
    return None


def find_era_clips(folder: ClipFiles) -> dict[EraKey, list[PurePosixPath]]:
    """Find ERA's clips in a folder or zip, in whichever layout.

    Args:
        folder: The clips.

    Returns:
        The files of each clip; files of no known form are left out.
    """
    found: dict[EraKey, list[PurePosixPath]] = {}
    for file in folder.files:
        if key := _key(folder, file):
            found.setdefault(key, []).append(file)
    return found


def category_of(name: str) -> str:
    """Return the event class of a clip: what stands before the last underscore.

    Example:
        >>> category_of("TrafficCongestion_009 ")
        'TrafficCongestion'
    """
    return name.rpartition("_")[0]


def _key(folder: ClipFiles, file: PurePosixPath) -> EraKey | None:
    # A name that ends in ' 1' is the authors' wherever it stands: ERA has none. Otherwise ERA's
    # folder decides, since a space before the dot says nothing inside it. `train` is not ERA's
    # word: a user's own folder of that name may hold clips of both parts.
    if file.stem.endswith(" 1"):
        return parse_usrd_name(file.stem)
    folders = {name.lower() for name in (folder.name, *file.parts[:-1])}
    if "tra" in folders:
        return EraKey("Tra", file.stem.rstrip(" "))
    if "test" in folders:
        return EraKey("Test", file.stem.rstrip(" "))
    return parse_usrd_name(file.stem)
