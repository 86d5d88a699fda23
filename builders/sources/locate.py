"""Access to a dataset in a folder or on the Hub, without a download."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.sources.hub_errors import hub_errors_explained
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest, read_manifest
from dvtr_bench.dataset.reader import ROOT, open_dataset
from dvtr_bench.errors import NotFoundError
from dvtr_bench.runtime.files import temporary_folder

_PUBLISHED: Final = re.compile(r"(?:hf://)?([\w.-]+/[\w.-]+)(?:@([\w.+-]+))?")


@dataclass(frozen=True)
class LocatedDataset:
    """A built or published dataset.

    Attributes:
        label: Folder or repository, for messages.
        manifest: Its manifest.
        open_file: Opens one of its files for PyArrow, as a path or an open file. Over the network,
            only the parts that are used are read.
        folder: Its folder; None for a published dataset.
    """

    label: str
    manifest: Manifest
    open_file: Callable[[str], Any]
    folder: Path | None = None

    def read_text(self, path: str) -> str:
        """Read one of its files as text.

        Raises:
            OSError: The file does not exist or cannot be read.
            ValueError: The file is not UTF-8.
        """
        if self.folder:
            return (self.folder / path).read_text(encoding="utf-8")
        with self.open_file(path) as file:
            data: bytes = file.read()
        return data.decode("utf-8")


def locate_dataset(name: str, root: Path = ROOT) -> LocatedDataset:
    """Locate a built or published dataset and read its manifest.

    Args:
        name: The name or folder of a built dataset, or ``ORG/NAME`` or ``ORG/NAME@REVISION`` of a
            published one. An existing folder takes precedence.
        root: Folder of all built datasets.

    Returns:
        The dataset; its rows are not read yet.

    Raises:
        NotFoundError: There is no such folder and no such dataset on the Hub.
        InputError: Its manifest cannot be read.
    """
    published = _PUBLISHED.fullmatch(name)
    try:
        built = open_dataset(name, root)
    except NotFoundError:
        if published is None or Path(name).parent.is_dir():
            raise
        return _locate_published(published[1], published[2])
    return LocatedDataset(str(built.folder), built.manifest, built.folder.joinpath, built.folder)


def _locate_published(repo: str, revision: str | None) -> LocatedDataset:
    from huggingface_hub import HfFileSystem
    from huggingface_hub.errors import RevisionNotFoundError

    files = HfFileSystem()
    remote_folder = f"datasets/{repo}" + (f"@{revision}" if revision else "")
    label = f"{repo}@{revision}" if revision else repo
    with hub_errors_explained(repo), temporary_folder() as folder:
        try:
            content = files.read_bytes(f"{remote_folder}/{MANIFEST_NAME}")
        except (FileNotFoundError, RevisionNotFoundError) as failure:
            raise NotFoundError(
                f"{label} is neither a local folder nor a dataset of dvtr-bench on the Hub: "
                f"expected {MANIFEST_NAME} in it (versions are named as in ORG/NAME@v1.0.0)"
            ) from failure
        (folder / MANIFEST_NAME).write_bytes(content)
        manifest = read_manifest(folder)
    # No read-ahead, because the large frames are stored between the columns that are read.
    return LocatedDataset(
        f"{label} (published)",
        manifest,
        lambda path: files.open(f"{remote_folder}/{path}", cache_type="none"),
    )
