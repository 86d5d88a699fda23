"""The collections from which datasets took clips, to recognise a clip that has two ids."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import Manifest

if TYPE_CHECKING:
    from builders.sources.source import DatasetInfo


@dataclass(frozen=True)
class Origin:
    """The collection from which a dataset's clips were taken.

    A dataset's module may define one as ``ORIGIN``.

    Attributes:
        name: Name of the collection; datasets of one collection can be compared by clip.
        clip_of: Takes a video id and returns the collection's name of the clip; None for an id of
            another form.

    Example:
        >>> era = Origin("ERA", lambda video_id: video_id.strip())
        >>> era.clip_of("Baseball_001 ")
        'Baseball_001'
    """

    name: str
    clip_of: Callable[[str], str | None]


def origin_of(manifest: Manifest) -> Origin | None:
    """Return the collection of a built dataset's clips.

    Args:
        manifest: Manifest of the dataset, which may have been built under another name.

    Returns:
        ``ORIGIN`` of the dataset's module; None without one.
    """
    for module in DATASETS.load_all().values():
        if _is_built_from(module, manifest):
            origin: Origin | None = getattr(module, "ORIGIN", None)
            return origin
    return None


def _is_built_from(module: ModuleType, manifest: Manifest) -> bool:
    info: DatasetInfo = module.INFO
    same_citation = bool(info.citation) and info.citation == manifest.citation
    return same_citation or info.name == manifest.name
