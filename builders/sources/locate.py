"""A dataset wherever it is: a built folder, or one on the Hub, read where it lies."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.sources.hub_errors import hub_errors_explained
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest, read_manifest
from dvtr_bench.dataset.reader import ROOT, open_dataset
from dvtr_bench.errors import NotFoundError

_PUBLISHED: Final = re.compile(r"(?:hf://)?([\w.-]+/[\w.-]+)(?:@([\w.+-]+))?")


@dataclass(frozen=True)
class Opened:
    """A dataset, built here or published.

    Attributes:
        label: Where it is, for people.
        manifest: What it says of itself.
        open_file: Gives one of its files as PyArrow takes them, a path or an open file; over the
            network only what is asked for is read.
        folder: Where it is built; None for a published one.
    """

    label: str
    manifest: Manifest
    open_file: Callable[[str], Any]
    folder: Path | None = None

    def read_text(self, path: str) -> str:
        """Return one of its files as text.

        Raises:
            OSError: It is not there, or cannot be read.
            ValueError: It is not UTF-8.
        """
        if self.folder:
            return (self.folder / path).read_text(encoding="utf-8")
        with self.open_file(path) as file:
            data: bytes = file.read()
        return data.decode("utf-8")


def open_anywhere(given: str, root: Path = ROOT) -> Opened:
    """Open a dataset that is built here or published.

    Args:
        given: A name or folder of a built dataset, or ``ORG/NAME`` or ``ORG/NAME@REVISION`` of a
            published one; a folder goes first.
        root: Where names are looked for.

    Returns:
        The dataset; its rows are not read yet.

    Raises:
        NotFoundError: It is neither here nor on the Hub.
        InputError: Its manifest cannot be read.
    """
    published = _PUBLISHED.fullmatch(given)
    try:
        built = open_dataset(given, root)
    except NotFoundError:
        if published is None or Path(given).parent.is_dir():
            raise
        return _open_published(published[1], published[2])
    return Opened(str(built.folder), built.manifest, built.folder.joinpath, built.folder)


def _open_published(repo: str, revision: str | None) -> Opened:
    from huggingface_hub import HfFileSystem
    from huggingface_hub.errors import RevisionNotFoundError

    files = HfFileSystem()
    place = f"datasets/{repo}" + (f"@{revision}" if revision else "")
    label = f"{repo}@{revision}" if revision else repo
    with hub_errors_explained(repo), tempfile.TemporaryDirectory() as folder:
        try:
            text = files.read_bytes(f"{place}/{MANIFEST_NAME}")
        except (FileNotFoundError, RevisionNotFoundError) as failure:
            raise NotFoundError(
                f"{label} is neither a folder here nor a dataset of ours on the Hub: expected "
                f"{MANIFEST_NAME} in it (published versions are ORG/NAME@v1.0.0)"
            ) from failure
        (Path(folder) / MANIFEST_NAME).write_bytes(text)
        manifest = read_manifest(Path(folder))
    # No reading ahead: between the columns that are wanted lie the frames.
    return Opened(
        f"{label} (published)",
        manifest,
        lambda path: files.open(f"{place}/{path}", cache_type="none"),
    )
