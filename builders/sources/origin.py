"""Datasets that share clips under other ids: each says in its own file where a clip comes from."""

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
    """The collection that a dataset's clips were taken from, and how its ids name them.

    A dataset file whose clips another dataset has too holds one as ``ORIGIN``.

    Attributes:
        name: Of the collection; two datasets of one collection can be compared by id.
        clip_of: A video id to the collection's own name of the clip; None for an id that is not of
            the published form.

    Example:
        >>> era = Origin("ERA", lambda video_id: video_id.strip())
        >>> era.clip_of("Baseball_001 ")
        'Baseball_001'
    """

    name: str
    clip_of: Callable[[str], str | None]


def origin_of(manifest: Manifest) -> Origin | None:
    """Return where a built dataset's clips come from.

    Args:
        manifest: Of the dataset, which may have been built under another name.

    Returns:
        What the dataset's own file says; None where it says nothing.
    """
    modules = (DATASETS.load(name) for name in DATASETS.names())
    for module in modules:
        if _is_of(manifest, module):
            origin: Origin | None = getattr(module, "ORIGIN", None)
            return origin
    return None


def _is_of(manifest: Manifest, module: ModuleType) -> bool:
    info: DatasetInfo = module.INFO
    cited = bool(info.citation) and info.citation == manifest.citation
    return cited or info.name == manifest.name
