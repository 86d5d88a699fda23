"""The files of a built dataset for publishing."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builders.checks.verify.files import records, visible_files
from builders.checks.verify.verify import verify_dataset
from builders.documents.card import CARD_NAME
from builders.documents.croissant import CROISSANT_NAME
from builders.documents.texts import TREC_FOLDER
from builders.sources.matching import bullets
from dvtr_bench.dataset.manifest import CLIPS_CONFIG, MANIFEST_NAME, REPORT_NAME
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import PublishError
from dvtr_bench.runtime.files import file_sha256

PARQUET_FOLDERS: Final = ("data", "captions", "qrels", CLIPS_CONFIG)
TEXT_FILES: Final = (CARD_NAME, MANIFEST_NAME, REPORT_NAME, CROISSANT_NAME)


@dataclass(frozen=True)
class LocalFile:
    """A file to publish.

    Attributes:
        path: Relative to the dataset's folder, with ``/``.
        source: Its local path.
        size_bytes: Its size.
        sha256: Hash of its bytes, 64 hex digits.
    """

    path: str
    source: Path
    size_bytes: int
    sha256: str

    @property
    def git_oid(self) -> str:
        """Hash of the file as a git object, which the Hub returns for small files."""
        data = self.source.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def belongs_to_dataset(path: str) -> bool:
    """Tell whether a push writes this file of a repository.

    Args:
        path: Relative to the repository, with ``/``.

    Returns:
        True for folders and text files of a build; False for all others.

    Example:
        >>> belongs_to_dataset("data/test.parquet"), belongs_to_dataset("LICENSE")
        (True, False)
    """
    return path in TEXT_FILES or path.split("/")[0] in (*PARQUET_FOLDERS, TREC_FOLDER)


def read_local_files(dataset: BuiltDataset, *, progress: bool = True) -> tuple[LocalFile, ...]:
    """List the files of a dataset after verifying it.

    Args:
        dataset: The dataset; it is verified first, except its pixels (see `dvtr-bench verify`).
        progress: Show progress bars.

    Returns:
        All files but hidden ones, by path.

    Raises:
        PublishError: The dataset does not match its manifest; the message lists the problems.
    """
    findings = verify_dataset(dataset, progress=progress).findings
    folder = dataset.folder
    paths = sorted(folder / name for name in visible_files(folder))
    problems = [str(finding) for finding in findings]
    problems += [f"{path}: a link instead of a file" for path in paths if path.is_symlink()]
    if problems:
        raise PublishError(
            f"{folder} is not intact, so it is not published:{bullets(problems)}\nBuild it again, "
            "or remove what does not belong"
        )
    hashes = {file.path: file.sha256 for _, file in records(dataset.manifest)}
    names = [path.relative_to(folder).as_posix() for path in paths]
    return tuple(
        LocalFile(name, path, path.stat().st_size, hashes.get(name) or file_sha256(path))
        for name, path in zip(names, paths, strict=True)
    )
