"""Where a build goes: the folder of the dataset's name, or one beside it for a later version."""

from dataclasses import dataclass
from pathlib import Path

from builders.engine.settings import BuildSettings
from builders.sources.source import Source
from dvtr_bench.dataset.fingerprint import release
from dvtr_bench.dataset.manifest import MANIFEST_NAME
from dvtr_bench.dataset.reader import MARK, BuiltDataset, find_versions, open_dataset
from dvtr_bench.errors import OutputExistsError


@dataclass(frozen=True)
class Place:
    """Where a build goes, and what is there.

    Attributes:
        target: Folder of the dataset.
        present: The dataset that is in this folder; None without one.
        previous: The dataset that the new one replaces, or the newest version before it; None for
            the first version.
        earlier: Built datasets from which frames may be taken, the likeliest first.
    """

    target: Path
    present: BuiltDataset | None
    previous: BuiltDataset | None
    earlier: tuple[BuiltDataset, ...]


def choose_place(source: Source, settings: BuildSettings) -> Place:
    """Choose the folder of a build.

    It is the folder of the dataset's name. If that holds an earlier version, and the user states
    the version and does not ask to overwrite, it is ``NAME@VERSION`` beside it.

    Args:
        source: What is built.
        settings: Root folder, and whether to overwrite.

    Returns:
        The place.

    Raises:
        OutputExistsError: There is a folder of that name which holds no dataset.
        InputError: The dataset in the folder cannot be read.
    """
    info = source.info
    versions = find_versions(info.name, settings.root)
    target = settings.root / info.name
    beside = settings.root / f"{info.name}{MARK}{info.version}"
    if (beside / MANIFEST_NAME).is_file() or _is_later(target, source, settings):
        target = beside
    present = _present(target)
    before = [one for one in versions if one.release < release(info.version)]
    follows = open_dataset(source.follows) if source.follows else None
    previous = present or next(iter(before), None)
    earlier = (present, follows, *versions)
    return Place(
        target,
        present,
        previous,
        tuple({one.folder.resolve(): one for one in earlier if one is not None}.values()),
    )


def _is_later(target: Path, source: Source, settings: BuildSettings) -> bool:
    """Return whether the folder holds an earlier version that is to stay."""
    if not source.version_is_stated or settings.overwrite:
        return False
    if not (target / MANIFEST_NAME).is_file():
        return False
    return open_dataset(target).release < release(source.info.version)


def _present(target: Path) -> BuiltDataset | None:
    if not target.exists():
        return None
    if not (target / MANIFEST_NAME).is_file():
        raise OutputExistsError(
            f"{target} is there and holds no dataset of ours: move it away, or build with another "
            "--name"
        )
    return open_dataset(target)
