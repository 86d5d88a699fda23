"""Find models that may have seen their test clips in training."""

from typing import Final

from dvtr_bench.results import RunRecord

SHARING: Final = (frozenset({"usrd", "capera"}),)
"""Datasets of the same clips in different splits: USRD and CapERA both caption clips of ERA."""


def contamination(record: RunRecord) -> str:
    """Return why a model may have seen test clips in training; empty if there is no sign of it.

    Args:
        record: A run.

    Returns:
        A sentence. What the backbone was trained on before is unknown and not considered.
    """
    training, dataset = record.model.training, record.dataset
    if training is None:
        return ""
    if training.dataset == dataset.name:
        if training.fingerprint == dataset.fingerprint:
            return ""
        return (
            f"Trained on another build of {dataset.name} ({training.fingerprint[:8]}), whose "
            "train split may hold clips of this one."
        )
    if any({training.dataset, dataset.name} <= family for family in SHARING):
        return (
            f"Trained on {training.dataset}, which shares clips with {dataset.name}: it may have "
            "seen clips of this split."
        )
    return ""
