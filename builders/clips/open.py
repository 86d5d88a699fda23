"""From what the user named with --clips to the clips in it."""

from pathlib import Path

from builders.clips.files import ClipFiles
from builders.clips.folder import ClipFolder
from builders.clips.zipped import ClipArchive
from dvtr_bench.errors import NotFoundError


def open_clips(root: Path) -> ClipFiles:
    """List the clips of a folder or of a zip.

    Args:
        root: What the user named.

    Returns:
        The clips, by their names.

    Raises:
        NotFoundError: Neither a folder nor a zip, or no clip in it.
        InputError: The zip is refused.
    """
    if root.is_dir():
        return ClipFolder.scan(root)
    if root.is_file() and root.suffix.lower() == ".zip":
        return ClipArchive.scan(root)
    found = "a file that is no zip: unpack it first" if root.exists() else "nothing"
    raise NotFoundError(f"--clips {root}: expected a folder of clips or a .zip, found {found}")
