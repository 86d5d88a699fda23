"""What two runs must have in common to share a table."""

from dataclasses import dataclass, fields

from dvtr_bench.results.record import RunRecord


@dataclass(frozen=True)
class ComparableKey:
    """What two runs must have in common to share a table."""

    protocol_version: int
    dataset: str
    dataset_version: str
    fingerprint: str
    split: str
    gallery_sha256: str
    queries_sha256: str
    post_processing: str


def comparable_key(record: RunRecord) -> ComparableKey:
    """Return what another run must share with this one to be in the same table.

    Args:
        record: A run.

    Returns:
        A hashable key.
    """
    dataset = record.dataset
    return ComparableKey(
        protocol_version=record.protocol_version,
        dataset=dataset.name,
        dataset_version=dataset.version,
        fingerprint=dataset.fingerprint,
        split=dataset.split,
        gallery_sha256=dataset.gallery_sha256,
        queries_sha256=dataset.queries_sha256,
        post_processing=record.scoring.post_processing,
    )


def differing_field(first: ComparableKey, second: ComparableKey) -> str | None:
    """Return the first field in which two keys differ.

    Args:
        first: A key.
        second: Another key.

    Returns:
        The field's name; None when the keys are equal.
    """
    names = (field.name for field in fields(ComparableKey))
    return next((name for name in names if getattr(first, name) != getattr(second, name)), None)
