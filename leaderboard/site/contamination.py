"""Which models may have seen the clips that they are tested on."""

from typing import Final

from dvtr_bench.results import RunRecord

SHARING: Final = (frozenset({"usrd", "capera"}),)
"""Datasets that are made of the same clips, split in different ways: both caption clips of ERA."""


def contamination(record: RunRecord) -> str:
    """Say why a model may have seen the test clips in training; empty where nothing says so.

    Args:
        record: A run.

    Returns:
        A sentence. What a backbone was trained on before it came here is not known, and not told.
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
