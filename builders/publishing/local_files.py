"""The files of a built dataset as they would be published."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builders.checks.verify.files import records, visible_files
from builders.checks.verify.verify import verify_dataset
from builders.documents.card import CARD_NAME
from builders.documents.croissant import CROISSANT_NAME
from builders.documents.texts import TREC_FOLDER
from builders.sources.problems import bullets
from dvtr_bench.dataset.manifest import MANIFEST_NAME, REPORT_NAME
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import PublishError
from dvtr_bench.runtime.files import file_sha256

PARQUET_FOLDERS: Final = ("data", "captions", "qrels")
TEXT_FILES: Final = (CARD_NAME, MANIFEST_NAME, REPORT_NAME, CROISSANT_NAME)


@dataclass(frozen=True)
class LocalFile:
    """One file that is to be published.

    Attributes:
        path: Relative to the dataset's folder, with ``/``.
        source: Where it is.
        size_bytes: Its size.
        sha256: Of its bytes, 64 hex digits.
    """

    path: str
    source: Path
    size_bytes: int
    sha256: str

    @property
    def git_oid(self) -> str:
        """Hash of the file as a git object, which the Hub gives for small files."""
        data = self.source.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def belongs_to_dataset(path: str) -> bool:
    """Say whether a file of a repository is one that a push of ours writes.

    Args:
        path: Relative to the repository, with ``/``.

    Returns:
        True for the folders and texts of a build; False for what others put beside them.

    Example:
        >>> belongs_to_dataset("data/test.parquet"), belongs_to_dataset("LICENSE")
        (True, False)
    """
    return path in TEXT_FILES or path.split("/")[0] in (*PARQUET_FOLDERS, TREC_FOLDER)


def read_local_files(dataset: BuiltDataset, *, progress: bool = True) -> tuple[LocalFile, ...]:
    """List the files of a dataset, which must be whole.

    Args:
        dataset: The dataset; it is verified first (see `dvtr-bench verify`), all but its pixels.
        progress: Show progress bars.

    Returns:
        All files but hidden ones, by path.

    Raises:
        PublishError: The dataset is not what it says of itself; lists what is wrong.
    """
    found = verify_dataset(dataset, progress=progress).findings
    folder = dataset.folder
    paths = sorted(folder / name for name in visible_files(folder))
    problems = [str(finding) for finding in found]
    problems += [f"{path}: a link, no file of its own" for path in paths if path.is_symlink()]
    if problems:
        raise PublishError(
            f"{folder} is not whole, so it is not published:{bullets(problems)}\nBuild it again, "
            "or remove what does not belong"
        )
    hashes = {file.path: file.sha256 for _, file in records(dataset.manifest)}
    names = [path.relative_to(folder).as_posix() for path in paths]
    return tuple(
        LocalFile(name, path, path.stat().st_size, hashes.get(name) or file_sha256(path))
        for name, path in zip(names, paths, strict=True)
    )
