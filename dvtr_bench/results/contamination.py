"""Tell whether the model of a run may have seen its clips in training."""

from dvtr_bench.dataset.contamination import suspicion
from dvtr_bench.results.record import RunRecord


def contamination(record: RunRecord) -> str:
    """Return why a model may have seen clips of the split in training.

    Evaluations state it in the result file. For files written before, and for those that leave it
    out, it is worked out from the names of the datasets.

    Args:
        record: A run.

    Returns:
        A sentence; empty if there is no sign of it. What the backbone was trained on before is
        unknown and not considered.
    """
    if record.contamination is not None:
        return record.contamination.reason
    training, dataset = record.model.training, record.dataset
    if training is None:
        return ""
    if training.shared_clips == 0 and training.dataset == dataset.name:
        return ""  # another version, compared clip by clip
    return suspicion(training.dataset, training.fingerprint, dataset.name, dataset.fingerprint)
