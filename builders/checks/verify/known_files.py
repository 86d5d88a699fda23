"""Are annotation files that a dataset calls published those that we know to be published?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from builders.checks.verify.finding import Finding
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest

if TYPE_CHECKING:
    from builders.sources.source import DatasetInfo


def published_sha256() -> dict[str, str]:
    """Return the SHA-256 of every published annotation file that we know, by its address."""
    infos: list[DatasetInfo] = [DATASETS.load(name).INFO for name in DATASETS.names()]
    return {
        file.url: file.sha256
        for info in infos
        for file in info.files.values()
        if file.sha256 is not None
    }


def check_sources(manifest: Manifest) -> Iterator[Finding]:
    """Compare what a manifest says of its annotation files with what we know.

    Args:
        manifest: The manifest.

    Yields:
        A finding for each file that is wrongly called published, or wrongly not.
    """
    known = published_sha256()
    for source in manifest.sources:
        if source.url not in known:
            continue
        is_published = source.sha256 == known[source.url]
        if source.is_published_file != is_published:
            said = "the published file" if source.is_published_file else "not the published file"
            yield Finding(
                MANIFEST_NAME,
                f"sources: it calls {source.name} {said}; SHA-256 {source.sha256[:16]}..., "
                f"published {known[source.url][:16]}...",
            )
