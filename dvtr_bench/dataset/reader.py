"""Opening of built datasets: by name, by folder, or all under a folder.

Several versions of a dataset can stand side by side. ``NAME`` is the folder of that name; a version
beside it is in the folder ``NAME@VERSION``. ``NAME@VERSION`` names a version wherever it is.
"""

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dvtr_bench.dataset.fingerprint import release, version_tag
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest, read_manifest
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.errors import InputError, NotFoundError

__all__ = [
    "MARK",
    "ROOT",
    "BuiltDataset",
    "DatasetSplit",
    "find_build",
    "find_datasets",
    "find_versions",
    "is_built",
    "open_dataset",
]

ROOT: Final = Path("dvtr")
"""Folder of all builds, ``dvtr`` in the working folder: names of datasets are relative to it."""

MARK: Final = "@"
"""Between a dataset's name and its version."""


@dataclass(frozen=True)
class BuiltDataset:
    """A built dataset on disk; opening it reads only the manifest.

    ``dataset["test"]`` opens a split; iteration yields the names of the splits.

    Attributes:
        folder: The dataset's folder.
        manifest: The content of its ``dataset.json``.
    """

    folder: Path
    manifest: Manifest

    def __repr__(self) -> str:
        """Show name, version, folder and sizes."""
        splits = ", ".join(
            f"{name} {split.num_videos:,}/{split.num_captions:,}"
            for name, split in self.manifest.splits.items()
        )
        return (
            f"BuiltDataset({self.name} {self.manifest.version}, {str(self.folder)!r}, "
            f"videos/captions: {splits})"
        )

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import html_table

        manifest = self.manifest
        frames = manifest.frames.sampling if manifest.frames else "none"
        return html_table(
            ["split", "videos", "captions", "caption ceiling"],
            [
                [
                    name,
                    f"{split.num_videos:,}",
                    f"{split.num_captions:,}",
                    ""
                    if split.identical_caption_ceiling is None
                    else f"{split.identical_caption_ceiling:.1f}",
                ]
                for name, split in manifest.splits.items()
            ],
            title=f"{self.name} {manifest.version}",
            notes=(
                manifest.summary,
                f"In {self.folder}; frames: {frames}; licence: {manifest.licence.id}; fingerprint "
                f"{manifest.fingerprint[:12]}",
                *manifest.notes,
            ),
        )

    @property
    def name(self) -> str:
        """Name of the dataset, such as ``usrd``."""
        return self.manifest.name

    @property
    def label(self) -> str:
        """What to type for it: its name, or ``NAME@VERSION`` for a version beside another."""
        return self.folder.name if MARK in self.folder.name else self.name

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of its version, which order versions; empty if it states none."""
        try:
            return release(self.manifest.version)
        except InputError:  # of another program, or edited by hand
            return ()

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of its splits, in the order train, validation, test."""
        return tuple(self.manifest.splits)

    def __getitem__(self, name: str) -> DatasetSplit:
        """Open one split, see `split`."""
        return self.split(name)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the splits."""
        return iter(self.split_names)

    def __len__(self) -> int:
        """Return the number of splits."""
        return len(self.split_names)

    def split(self, name: str) -> DatasetSplit:
        """Open one split.

        Args:
            name: ``train``, ``validation`` or ``test``.

        Returns:
            The split: a `dvtr_bench.dataset.split.RetrievalSplit`.

        Raises:
            NotFoundError: The dataset has no such split.
        """
        if name not in self.manifest.splits:
            raise NotFoundError(
                f"{self.folder} has no {name} split: it has {', '.join(self.split_names)}"
            )
        return DatasetSplit(self.folder, self.manifest, name)


def open_dataset(path_or_name: str | Path, root: Path = ROOT) -> BuiltDataset:
    """Open a built dataset.

    Args:
        path_or_name: A name (``usrd`` means ``dvtr/usrd`` in the working folder), a version
            (``mine@1.0.0``) or a folder. A name alone is the folder of that name, whatever versions
            stand beside it; without such a folder, it is the newest version.
        root: Folder that contains datasets by name.

    Returns:
        The dataset.

    Raises:
        NotFoundError: There is no such dataset; the message lists those that are built, and how to
            build one.
        InputError: Its manifest is not readable, too new or too old.
    """
    folder = _find_folder(path_or_name, root)
    if folder is None:
        raise NotFoundError(_not_found(Path(path_or_name), root))
    return BuiltDataset(folder, read_manifest(folder))


def is_built(path_or_name: str | Path, root: Path = ROOT) -> bool:
    """Tell whether `open_dataset` finds a dataset.

    Args:
        path_or_name: As for `open_dataset`.
        root: Folder that contains datasets by name.
    """
    return _find_folder(path_or_name, root) is not None


def find_versions(name: str, root: Path = ROOT) -> list[BuiltDataset]:
    """Open every version of a dataset, the one in the folder of its name included.

    Args:
        name: Its name, without a version.
        root: Folder that contains datasets by name.

    Returns:
        The versions, the newest first. Folders that cannot be read are left out.
    """
    folders = [root / name, *sorted(root.glob(f"{glob.escape(name)}{MARK}*"))]
    versions = []
    for folder in folders:
        if (folder / MANIFEST_NAME).is_file():
            try:
                versions.append(BuiltDataset(folder, read_manifest(folder)))
            except InputError:
                continue
    return sorted(versions, key=lambda built: built.release, reverse=True)


def find_build(name: str, fingerprint: str, root: Path = ROOT) -> BuiltDataset | None:
    """Find the build of a dataset that has a fingerprint, among its versions.

    Args:
        name: The dataset's name; it may be anyone's, such as from a checkpoint.
        fingerprint: Its fingerprint.
        root: Folder that contains datasets by name.

    Returns:
        The build; None if it is not there.
    """
    if Path(name).name != name or name in ("", ".", ".."):
        return None
    versions = find_versions(name, root)
    return next((built for built in versions if built.manifest.fingerprint == fingerprint), None)


def find_datasets(root: Path = ROOT) -> list[BuiltDataset]:
    """Open every dataset directly under a folder.

    Args:
        root: The folder.

    Returns:
        The datasets in order of their names; empty if the folder does not exist.

    Raises:
        InputError: The manifest of one is not readable, too new or too old.
    """
    manifests = sorted(root.glob(f"*/{MANIFEST_NAME}")) if root.is_dir() else []
    folders = [path.parent for path in manifests if not path.parent.name.startswith(".")]
    return [BuiltDataset(folder, read_manifest(folder)) for folder in folders]


def _find_folder(path_or_name: str | Path, root: Path) -> Path | None:
    path = Path(path_or_name)
    is_name = isinstance(path_or_name, str) and len(path.parts) == 1
    places = (root / path, path) if is_name else (path, root / path)
    for folder in places:
        if (folder / MANIFEST_NAME).is_file():
            return folder
    for folder in places:
        name, mark, version = folder.name.partition(MARK)
        for built in find_versions(name, folder.parent) if name else ():
            stated = built.manifest.version
            if not mark or version in (stated, version_tag(stated)):
                return built.folder
    return None


def _not_found(path: Path, root: Path) -> str:
    from dvtr_bench.catalog import DATASETS

    name = path.name
    if (root / f".{name}.building").is_dir():
        return (
            f"the build of {name} is not finished: run the same `dvtr-bench build` command again "
            "to continue it"
        )
    built = [folder.parent.name for folder in sorted(root.glob(f"*/{MANIFEST_NAME}"))]
    known = DATASETS.names()
    message = f"no dataset {str(path)!r} is built: looked in {root / path} and {path}. "
    name, mark, _ = name.partition(MARK)
    if mark and (versions := find_versions(name, root)):
        listed = ", ".join(f"{name}{MARK}{one.manifest.version}" for one in versions)
        return f"{message}Versions of {name} under {root}: {listed}"
    if near := get_close_matches(name, built, n=1):
        message += f"Did you mean {near[0]}? "
    message += f"Built under {root}: {', '.join(built) or 'none'}. "
    family = name.split("-")[0]
    return (
        message
        + f"To build one: dvtr-bench build {family if family in known else 'NAME'} ("
        + (f"NAME is one of {', '.join(known)})" if family not in known else "see `--help`)")
    )
