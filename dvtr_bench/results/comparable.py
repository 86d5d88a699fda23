"""Which records may share a table."""

from collections.abc import Sequence

from dvtr_bench.errors import IncomparableError
from dvtr_bench.results.record import RunRecord, comparable_key, differing_field


def require_comparable(records: Sequence[RunRecord]) -> None:
    """Refuse records that must not share a table.

    Args:
        records: Runs that are about to be compared.

    Raises:
        IncomparableError: Two of them differ in protocol version, dataset, fingerprint, split,
            gallery, queries or post-processing; names the field and both values.
    """
    for record in records[1:]:
        keys = comparable_key(records[0]), comparable_key(record)
        if (name := differing_field(*keys)) is not None:
            raise IncomparableError(
                f"{records[0].label} and {record.label} must not share a table: their "
                f"{name} differs ({getattr(keys[0], name)} and {getattr(keys[1], name)}). "
                "Evaluate both on the same build, or make a table of each"
            )
