"""Recognition of ERA's clips by file name, in ERA's own folders or as USRD's authors name them.

ERA (arXiv 2001.11394) has `Videos/Tra/<Class>/<Class>_NNN .mp4` and `Videos/Test/...`. The space
before the extension may be missing, and the same number occurs in both folders for different clips.
USRD's authors put both into one folder: ``' 1'`` at the end of a name means Tra, ``' '`` Test.
"""

from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from builders.sources.clips import ClipFiles

Part = Literal["Tra", "Test"]


class EraKey(NamedTuple):
    """One clip of ERA.

    Attributes:
        part: ERA's folder.
        name: Name of the clip, such as ``Baseball_001``.
    """

    part: Part
    name: str


def parse_usrd_name(name: str) -> EraKey | None:
    """Parse a clip's name as USRD's authors write it.

    Args:
        name: Name without extension, such as ``'Baseball_008 1'`` or ``'Baseball_010 '``.

    Returns:
        The clip; None if the name has another form.

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
    """Find ERA's clips in a folder or zip, in either layout.

    Args:
        folder: The clips.

    Returns:
        The files of each clip, without files of other names.
    """
    files_by_key: dict[EraKey, list[PurePosixPath]] = {}
    for file in folder.files:
        if key := _key(folder, file):
            files_by_key.setdefault(key, []).append(file)
    return files_by_key


def category_of(name: str) -> str:
    """Return the event class of a clip, the part of its name before the last underscore.

    Example:
        >>> category_of("TrafficCongestion_009 ")
        'TrafficCongestion'
    """
    return name.rpartition("_")[0]


def _key(folder: ClipFiles, file: PurePosixPath) -> EraKey | None:
    # A name that ends in ' 1' is USRD's in any folder, since ERA has none. Otherwise ERA's folder
    # decides, because in it a space before the extension means nothing. A folder `train` is not
    # ERA's and may contain clips of both parts.
    if file.stem.endswith(" 1"):
        return parse_usrd_name(file.stem)
    folders = {name.lower() for name in (folder.name, *file.parts[:-1])}
    if "tra" in folders:
        return EraKey("Tra", file.stem.rstrip(" "))
    if "test" in folders:
        return EraKey("Test", file.stem.rstrip(" "))
    return parse_usrd_name(file.stem)
