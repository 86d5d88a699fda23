"""The hash of a file's bytes."""

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Hash a file, whatever its size, in little memory.

    Args:
        path: The file.

    Returns:
        SHA-256, 64 hex digits.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
